"""What a home school makes of a grade that another school gave, on plain values: a proposal from the recognition that
stands and the school's policies, what its registrar may say otherwise, 绩点 formulas, totals. The original is never
changed by any of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from courses.grades.rules import FULL, PASS, SCALES, Formula, Grade, in_scale, points, read
from courses.recognition.rules import not_a_category
from zutuan.decision import FieldError, Refusal

# --- where a result stands --------------------------------------------------------------------------------------

WAITING, RECOGNISED, REFUSED = "waiting", "recognised", "refused"
STATES = (WAITING, RECOGNISED, REFUSED)
# `correct`: the host school has corrected the grade; `reopen`: the home school looks again at what it has said
EVENTS = ("recognise", "refuse", "correct", "reopen")
# (state, event) → the state after. What is not here is forbidden.
MACHINE = {
    (WAITING, "recognise"): RECOGNISED,
    (WAITING, "refuse"): REFUSED,
    (WAITING, "correct"): WAITING,
    (RECOGNISED, "correct"): WAITING,
    (REFUSED, "correct"): WAITING,
    (RECOGNISED, "reopen"): WAITING,
    (REFUSED, "reopen"): WAITING,
}


def step(state: str, event: str) -> str | Refusal:
    after = MACHINE.get((state, event))
    if after is not None:
        return after
    return Refusal("result_waits" if state == WAITING else "result_decided")


# --- a proposal -------------------------------------------------------------------------------------------------

AS_ORIGINAL = "original"
HOME_SCALES = (AS_ORIGINAL, *SCALES)


@dataclass(frozen=True)
class Counts:
    """What the home school has said that the course counts as."""

    name: str
    credits: Decimal
    code: str = ""
    name_en: str = ""
    category: str = ""


@dataclass(frozen=True)
class Home:
    """How the home school writes grades; `categories`: its list of 课程类别 (empty: it has none, and any is written)."""

    scale: str = AS_ORIGINAL
    formula: Formula = Formula()
    fail_recorded: bool = True
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recognised:
    """What stands at home beside the original. Without a `name` the home school has not said what it counts as."""

    grade: Grade
    points: Decimal | None
    credits: Decimal
    code: str = ""
    name: str = ""
    name_en: str = ""
    category: str = ""
    recorded: bool = True


def original(kept: Mapping[str, Any]) -> Grade:
    """The host's grade as a result keeps it."""
    written = str(kept.get("grade") or "")
    if kept.get("mark"):
        return Grade(kept["scale"], mark=kept["mark"])
    return Grade(kept["scale"], Decimal(written)) if kept["scale"] == "percent" else Grade(kept["scale"], level=written)


def propose(given: Grade, course_credits: Decimal, counts: Counts | None, home: Home) -> Recognised:
    """What the home school would record. A fail earns no credits, and may not be recorded at all."""
    grade = given if home.scale == AS_ORIGINAL else in_scale(given, home.scale)
    worth = counts.credits if counts else course_credits
    said = {} if counts is None else {n: getattr(counts, n) for n in ("code", "name", "name_en", "category")}
    return Recognised(
        grade, points(grade, home.formula), worth if given.passed else Decimal(0),
        recorded=given.passed is not False or home.fail_recorded, **said,
    )  # fmt: skip


# --- what the registrar says otherwise --------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """The registrar's own word; None leaves the proposal's."""

    grade: str | None = None
    credits: Decimal | None = None
    code: str | None = None
    name: str | None = None
    name_en: str | None = None
    category: str | None = None


def settle(proposed: Recognised, said: Said, given: Grade, limit: Decimal, home: Home) -> Recognised | list[FieldError]:
    """The proposal with the registrar's word, or what is wrong with that. `limit`: the credits that the recognition, or
    without one the course, is worth; what is proposed has to be of the school's list of today as well."""
    wrong: list[FieldError] = []
    grade = _grade_said(proposed, said.grade, given)
    if isinstance(grade, Refusal):
        wrong.append(FieldError("grade", grade.code, grade.params))
    credits = proposed.credits if said.credits is None else said.credits
    if credits > limit:
        wrong.append(FieldError("credits", "result_exceeds_credits", {"limit": f"{limit.normalize():f}"}))
    elif credits and not given.passed:
        wrong.append(FieldError("credits", "fail_earns_nothing", {}))
    words = {
        name: _or(getattr(said, name), getattr(proposed, name)) for name in ("code", "name", "name_en", "category")
    }
    if proposed.recorded and not words["name"]:
        wrong.append(FieldError("name", "counts_as_nothing", {}))
    if home.categories and words["category"] and words["category"] not in home.categories:
        wrong.append(not_a_category(words["category"], home.categories))
    if wrong or isinstance(grade, Refusal):
        return wrong
    return Recognised(grade, points(grade, home.formula), credits, recorded=proposed.recorded, **words)


def _or(said: str | None, proposed: str) -> str:
    return proposed if said is None else said


def _grade_said(proposed: Recognised, text: str | None, given: Grade) -> Grade | Refusal:
    """Another grade may be written only where the original leaves room: 优秀 may be any percentage that is 优秀."""
    if text is None or text.strip() in ("", str(proposed.grade)):
        return proposed.grade
    found = read(text, proposed.grade.scale)
    if isinstance(found, Refusal):
        return found
    if proposed.grade.mark or found.mark or in_scale(found, given.scale) != given:
        return Refusal("not_the_same_grade", {"original": str(given)})
    return found


def may_recognise(given: Grade) -> Refusal | None:
    """缓考: there is nothing to recognise yet."""
    return Refusal("not_graded_yet") if given.passed is None else None


# --- 绩点 -------------------------------------------------------------------------------------------------------

_LINEAR = re.compile(r"\(\s*(?:x|分数|成绩)\s*[-−－–]\s*([0-9.]+)\s*\)\s*[/÷／]\s*([0-9.]+)", re.IGNORECASE)
_ROW = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*[=＝:：]\s*([0-9]{1,2}(?:\.[0-9]{1,2})?)")
MOST_POINTS = Decimal(10)


def formula(text: str) -> Formula | Refusal:
    """`(分数-50)/10`, also where nothing is written; or from which percentage on there are how many points, the highest
    first: `90=4.0、85=3.7、…、60=1.0`. What is wrong names its row."""
    written = text.strip().replace("（", "(").replace("）", ")")
    if not written:
        return Formula()
    if written.startswith("("):
        return _linear(written)
    rows = [each.strip() for each in re.split(r"[、,，;；\n]", written) if each.strip()]
    return _steps(rows)


def _linear(written: str) -> Formula | Refusal:
    match = _LINEAR.fullmatch(written)
    try:
        base, divisor = (Decimal(each) for each in match.groups()) if match else (Decimal(0), Decimal(0))
    except InvalidOperation:
        return Refusal("points_row", {"row": written})
    # a bare pass has points, and full marks no more than anybody counts
    fits = divisor > 0 and base < PASS and (FULL - base) / divisor <= MOST_POINTS
    return Formula((), base, divisor) if fits else Refusal("points_row", {"row": written})


def _steps(rows: list[str]) -> Formula | Refusal:
    steps: list[tuple[Decimal, Decimal]] = []
    for row in rows:
        match = _ROW.fullmatch(row)
        if match is None:
            return Refusal("points_row", {"row": row})
        least, worth = Decimal(match[1]), Decimal(match[2])
        if least > FULL or worth > MOST_POINTS:
            return Refusal("points_row", {"row": row})
        if steps and (least >= steps[-1][0] or worth > steps[-1][1]):
            return Refusal("points_order", {"row": row})
        steps.append((least, worth))
    if not steps or steps[-1][0] > PASS:
        return Refusal("points_no_pass", {"row": rows[-1] if rows else ""})
    return Formula(tuple(steps))


# --- totals -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Totals:
    """Of what is recognised and recorded: courses, credits earned, and 平均学分绩点 (None where nothing has points)."""

    courses: int
    credits: Decimal
    average: Decimal | None


def totals(rows: Iterable[tuple[Decimal, Decimal, Decimal | None]]) -> Totals:
    """`rows`: (credits earned, credits that the course weighs, its points). A fail weighs, and earns nothing."""
    found = list(rows)
    weighed = [(weight, each) for _earned, weight, each in found if each is not None and weight]
    whole = sum((weight for weight, _each in weighed), Decimal(0))
    summed = sum((weight * each for weight, each in weighed), Decimal(0))
    average = (summed / whole).quantize(Decimal("0.01"), ROUND_HALF_UP) if whole else None
    return Totals(len(found), sum((earned for earned, _weight, _points in found), Decimal(0)), average)
