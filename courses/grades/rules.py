"""Grades as schools write them, on plain values: scales, marks in the place of a grade, weights, 绩点, attempts.

A school writes a grade in one of its scales; what it is in another is said by the home school's own formula, so the
original always stays beside it. Nothing here rounds twice: the total is rounded once, half up, as 教务系统 do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from zutuan.decision import Refusal

# 百分制, 五级制, 二级制. Of a scale of levels: the level → the percentage that it stands for where one is needed.
PERCENT, FIVE, TWO = "percent", "five", "two"
LEVELS: Mapping[str, Mapping[str, Decimal]] = {
    FIVE: {"优秀": Decimal(95), "良好": Decimal(85), "中等": Decimal(75), "及格": Decimal(65), "不及格": Decimal(0)},
    TWO: {"合格": Decimal(75), "不合格": Decimal(0)},
}
SCALES = (PERCENT, FIVE, TWO)
# 缓考 (the exam is taken later: no grade yet), 缺考 and 违纪 (failed, whatever was earned before the exam).
DEFERRED, ABSENT, CHEATED = "deferred", "absent", "misconduct"
MARKS = {"缓考": DEFERRED, "缺考": ABSENT, "违纪": CHEATED}
# As schools write a number, no more: Python also takes 8_5, 8e1 and ⑩ for one.
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# ０ to ９ and ．, as they are typed in Chinese
_NARROW = str.maketrans({chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)})
PASS = Decimal(60)
FULL = Decimal(100)


@dataclass(frozen=True)
class Grade:
    """A grade as it was given: `percent` on 百分制, `level` on a scale of levels, or a `mark` in its place."""

    scale: str
    percent: Decimal | None = None
    level: str = ""
    mark: str = ""

    @property
    def passed(self) -> bool | None:
        """None while there is no grade."""
        if self.mark:
            return None if self.mark == DEFERRED else False
        return self.hundred >= PASS

    @property
    def hundred(self) -> Decimal:
        """As a percentage; a mark that fails is 0."""
        if self.percent is not None:
            return self.percent
        return LEVELS[self.scale][self.level] if self.level else Decimal(0)

    def __str__(self) -> str:
        if self.mark:
            return next(word for word, mark in MARKS.items() if mark == self.mark)
        return self.level or f"{self.percent:f}"


def read(text: str, scale: str, places: int = 0) -> Grade | Refusal:
    """What somebody wrote, in that scale; `places`: decimals that the school's percentages have (0: whole numbers)."""
    written = unicodedata.normalize("NFKC", text).strip()
    if written in MARKS:
        return Grade(scale, mark=MARKS[written])
    if scale != PERCENT:
        known = LEVELS[scale]
        return Grade(scale, level=written) if written in known else Refusal("no_such_level", {"levels": tuple(known)})
    digits = text.translate(_NARROW).strip()
    if not _NUMBER.fullmatch(digits):
        return Refusal("not_a_grade", {"text": written})
    value = Decimal(digits)
    if value.is_signed() or value > FULL:
        return Refusal("grade_out_of_scale", {"text": written})
    if value != round_to(value, places):
        return Refusal("too_many_decimals" if places else "whole_grades_only", {"text": written, "places": places})
    return Grade(PERCENT, round_to(value, places))


def kept(scale: str, grade: str, mark: str) -> Grade | None:
    """A grade as a row keeps it: what `str` makes of it, or the mark in its place. None: neither."""
    if mark:
        return Grade(scale, mark=mark)
    if not grade:
        return None
    return Grade(scale, Decimal(grade)) if scale == PERCENT else Grade(scale, level=grade)


def round_to(value: Decimal, places: int) -> Decimal:
    """Half up: 59.5 is 60 where grades are whole."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


# --- 平时 and 期末 ------------------------------------------------------------------------------------------------


def check_weights(weights: Mapping[str, int]) -> Refusal | None:
    """Percent of each part; together they are the whole."""
    wrong = not weights or any(each < 0 for each in weights.values()) or sum(weights.values()) != FULL
    return Refusal("weights_not_whole", {"sum": sum(weights.values())}) if wrong else None


def total(parts: Mapping[str, Grade], weights: Mapping[str, int], places: int = 0) -> Grade | Refusal:
    """The grade of the course from its parts. A mark in any part stands for the whole, the worst first."""
    missing = [name for name, weight in weights.items() if weight and name not in parts]
    if missing:
        return Refusal("part_missing", {"parts": tuple(missing)})
    for mark in (CHEATED, ABSENT, DEFERRED):
        if any(parts[name].mark == mark for name in weights if name in parts):
            return Grade(PERCENT, mark=mark)
    summed = sum((parts[name].hundred * weight for name, weight in weights.items() if weight), Decimal(0))
    return Grade(PERCENT, round_to(summed / FULL, places))


# --- 绩点 -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Formula:
    """How a school makes 绩点 of a percentage: by `steps` (from which percentage → points, the highest first), or, without
    them, linearly: `(percent - base) / divisor`. Below the pass mark it is nothing."""

    steps: tuple[tuple[Decimal, Decimal], ...] = ()
    base: Decimal = Decimal(50)
    divisor: Decimal = Decimal(10)


def points(grade: Grade, formula: Formula) -> Decimal | None:
    """To two places; None where a grade has none: 二级制, and what is not graded yet."""
    if grade.scale == TWO or grade.passed is None:
        return None
    if not grade.passed:
        return Decimal("0.00")
    if formula.steps:
        return round_to(next((each for least, each in formula.steps if grade.hundred >= least), Decimal(0)), 2)
    return round_to((grade.hundred - formula.base) / formula.divisor, 2)


def in_scale(grade: Grade, scale: str, places: int = 0) -> Grade:
    """The grade in a home school's scale; what is lost by it is why the original stays beside it."""
    if grade.mark or scale == grade.scale:
        return Grade(scale, grade.percent, grade.level, grade.mark)
    if scale == PERCENT:
        return Grade(PERCENT, round_to(grade.hundred, places))
    floors = {FIVE: (90, 80, 70, 60, 0), TWO: (60, 0)}[scale]
    level = next(word for word, least in zip(LEVELS[scale], floors, strict=True) if grade.hundred >= least)
    return Grade(scale, level=level)


# --- attempts ---------------------------------------------------------------------------------------------------

# 正考, 补考 (once, counts no more than a bare pass), 重修 (the course again, counts in full)
FIRST, RESIT, RETAKE = "first", "resit", "retake"
ATTEMPTS = (FIRST, RESIT, RETAKE)


def may_attempt(kind: str, before: Sequence[tuple[str, Grade]]) -> Refusal | None:
    """What stands against another attempt; `before`: (kind, grade) in order."""
    if kind == FIRST:  # an exam that was deferred is still the first
        taken = any(grade.mark != DEFERRED for _kind, grade in before)
        return Refusal("attempted_already") if taken else None
    if not before:
        return Refusal("nothing_to_repeat")
    latest = before[-1][1]
    if any(grade.passed for _kind, grade in before):
        return Refusal("passed_already")
    if kind == RESIT and latest.mark == CHEATED:
        return Refusal("no_resit_after_misconduct")
    resits = sum(each == RESIT for each, _grade in before)
    return Refusal("resit_once") if kind == RESIT and resits and latest.mark != DEFERRED else None


def counts(attempts: Sequence[tuple[str, Grade]]) -> Grade | None:
    """The grade that stands for the course: the best of its attempts, a passed 补考 as the pass mark."""
    found = standing(attempts)
    return found[1] if found else None


def standing(attempts: Sequence[tuple[str, Grade]]) -> tuple[int, Grade] | None:
    """Which of the attempts stands, and the grade that it counts as."""
    graded = [(n, _counted(kind, grade)) for n, (kind, grade) in enumerate(attempts) if grade.passed is not None]
    if not graded:
        return (len(attempts) - 1, attempts[-1][1]) if attempts else None
    return max(graded, key=lambda each: (bool(each[1].passed), each[1].hundred))


def _counted(kind: str, grade: Grade) -> Grade:
    if kind != RESIT or not grade.passed:
        return grade
    return Grade(PERCENT, PASS) if grade.scale == PERCENT else Grade(grade.scale, level=_bare_pass(grade.scale))


def _bare_pass(scale: str) -> str:
    return min((worth, word) for word, worth in LEVELS[scale].items() if worth >= PASS)[1]


# --- a sheet, and a correction ----------------------------------------------------------------------------------

# open: the teacher writes; submitted: locked, the registrar looks; confirmed: it counts, changes are corrections
SHEET_STATES = ("open", "submitted", "confirmed")
SHEET_EVENTS = ("save", "submit", "return", "confirm", "correct")
# `staff`: who teaches the class; `registrar`: of the school that offers it
WHO = ("staff", "registrar")
SHEET: Mapping[tuple[str, str, str], str] = {
    ("open", "save", "staff"): "open",
    ("open", "submit", "staff"): "submitted",
    ("submitted", "return", "registrar"): "open",
    ("submitted", "confirm", "registrar"): "confirmed",
    ("confirmed", "correct", "staff"): "confirmed",
}
CORRECTION_STATES = ("asked", "approved", "denied", "withdrawn")
CORRECTION_EVENTS = ("approve", "deny", "withdraw")
CORRECTION: Mapping[tuple[str, str, str], str] = {
    ("asked", "approve", "registrar"): "approved",
    ("asked", "deny", "registrar"): "denied",
    ("asked", "withdraw", "staff"): "withdrawn",
}
_SHEET_REFUSALS = {"open": "sheet_not_submitted", "submitted": "sheet_locked", "confirmed": "sheet_confirmed"}


def sheet_step(state: str, event: str, who: str) -> str | Refusal:
    """The sheet's state after the event, or why not."""
    after = SHEET.get((state, event, who))
    if after is not None:
        return after
    if any((state, event, other) in SHEET for other in WHO):
        return Refusal("not_this_side", {"state": state})
    return Refusal("sheet_not_confirmed" if event == "correct" else _SHEET_REFUSALS[state], {"state": state})


def correction_step(state: str, event: str, who: str) -> str | Refusal:
    after = CORRECTION.get((state, event, who))
    if after is not None:
        return after
    return Refusal("not_this_side" if state == "asked" else "correction_over", {"state": state})


def belongs(attempt: str, before: Sequence[tuple[str, Grade]], *, enrolled: bool) -> Refusal | None:
    """What stands against a student on a sheet; `before`: their confirmed attempts in the class, in order."""
    if not enrolled:
        return Refusal("not_enrolled_in_class")
    stands = counts(before)
    if attempt == RESIT and stands is not None and stands.passed is None:
        return Refusal("deferred_not_failed")  # the first sitting is still to come, and counts in full
    return may_attempt(attempt, before)


def may_submit(now: datetime, enrol_until: datetime, rows: int, without: Sequence[str]) -> Refusal | None:
    """What stands against handing a sheet in; `without`: the students who have no grade and no mark."""
    if now < enrol_until:
        return Refusal("enrolling_not_over", {"until": enrol_until})
    if not rows:
        return Refusal("nobody_to_grade")
    return Refusal("rows_without_grade", {"n": len(without), "students": tuple(without[:10])}) if without else None


def may_open(attempt: str, states: Sequence[str], candidates: int) -> Refusal | None:
    """What stands against another sheet of the class; `states`: of its sheets of that attempt; `candidates`: who would be
    on it."""
    if not candidates:  # an open sheet shows whoever may sit it now: where it is empty, so would another be
        return Refusal("nobody_to_resit" if attempt == RESIT or states else "nobody_to_grade")
    return Refusal("sheet_open_already") if any(state != "confirmed" for state in states) else None


def may_discard(state: str, rows: int) -> Refusal | None:
    """A sheet on which nobody is can be neither handed in nor left open for good; any other one has its way to go."""
    if state != "open":
        return Refusal(_SHEET_REFUSALS[state], {"state": state})
    return Refusal("sheet_has_students", {"n": rows}) if rows else None


def may_correct(before: Grade, after: Grade) -> Refusal | None:
    """A grade that counts does not become none: who is to sit the exam again gets another sheet."""
    taken_back = before.mark != DEFERRED and after.mark == DEFERRED
    return Refusal("no_deferral_afterwards") if taken_back else None


def four_eyes(actor_id: int, first_id: int | None) -> Refusal | None:
    """Who has handed it in does not also decide on it."""
    return Refusal("own_grades") if actor_id == first_id else None
