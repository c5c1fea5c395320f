"""What a term plan has to keep, on plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from courses.catalogue.rules import ROUNDS, check_rounds
from zutuan.clock import at_shanghai
from zutuan.decision import FieldError, Refusal

STAGES = ("submission", "review", *ROUNDS)
Span = tuple[datetime | None, datetime | None]


def check_plan(spans: Mapping[str, Span], teaching_starts: date, grades_due: date) -> list[FieldError]:
    """Every stage opens before it closes, the stages begin in their order, rounds do not overlap, and grades are due when
    teaching has begun and enrolling is over."""
    errors = [error for stage in STAGES for error in _whole(stage, *spans[stage])]
    if errors:
        return errors
    set_ = {stage: (opens, closes) for stage, (opens, closes) in spans.items() if opens and closes}
    errors = _ordered(set_)
    if grades_due < teaching_starts:
        return [*errors, FieldError("grades_due", "grades_before_teaching")]
    rounds = [(kind, *set_[kind]) for kind in ROUNDS if kind in set_]
    return errors + [_named(error, rounds) for error in check_rounds(rounds, at_shanghai(grades_due))]


def _whole(stage: str, opens: datetime | None, closes: datetime | None) -> list[FieldError]:
    needed = stage == "main" or opens is not None or closes is not None
    missing = [name for name, value in (("from", opens), ("until", closes)) if needed and value is None]
    if missing:
        return [FieldError(f"{stage}_{name}", "required") for name in missing]
    if opens is not None and closes is not None and closes <= opens:
        return [FieldError(f"{stage}_until", "ends_before_start")]
    return []


def _ordered(spans: Mapping[str, tuple[datetime, datetime]]) -> list[FieldError]:
    """A stage never begins before the one that leads to it; rounds are looked at by `check_rounds`."""
    errors = []
    known = [stage for stage in STAGES if stage in spans]
    for earlier, later in zip(known, known[1:], strict=False):
        if earlier not in ROUNDS and spans[later][0] < spans[earlier][0]:
            errors.append(FieldError(f"{later}_from", "plan_out_of_order"))
    return errors


_ENDS = {"opens": "from", "closes": "until"}


def _named(error: FieldError, rounds: list[tuple[str, datetime, datetime]]) -> FieldError:
    """The rule of rounds names them by number; a plan has a field for each."""
    _rounds, number, end = error.field.split(".")
    code = "round_after_grades" if error.code == "window_after_term" else error.code
    return FieldError(f"{rounds[int(number)][0]}_{_ENDS[end]}", code, error.params)


def may_publish(state: str) -> Refusal | None:
    return Refusal("plan_published") if state == "published" else None


def may_submit(span: Span, now: datetime) -> Refusal | None:
    """开课申报: a class is handed in by publishing it. What was handed in before stays, whatever becomes of the dates."""
    opens, closes = span
    if opens is not None and now < opens:
        return Refusal("submission_not_open", {"at": opens})
    if closes is not None and now >= closes:
        return Refusal("submission_closed", {"at": closes})
    return None


def may_admit(spans: Mapping[str, Span], now: datetime) -> Refusal | None:
    """本校审核: a home school may pick as soon as there is something to pick from, and until nobody can enrol any more;
    after its own dates it is late (`review_state`), which is better than a student who may not."""
    opens = spans["submission"][0] or spans["review"][0]
    closes = enrolling_ends(spans)
    if opens is not None and now < opens:
        return Refusal("admission_not_open", {"at": opens})
    return Refusal("admission_over", {"at": closes}) if now >= closes else None


def enrolling_ends(spans: Mapping[str, Span]) -> datetime:
    """When the last round closes: every plan has the main one."""
    return max(until for stage, (_from, until) in spans.items() if stage in ROUNDS and until is not None)


def review_state(*, picks: bool, undecided: int, until: datetime | None, now: datetime) -> str:
    """What a home school's review has come to: `not_needed` where all is admitted, `done`, `open`, or `outstanding`."""
    if not picks:
        return "not_needed"
    if not undecided:
        return "done"
    return "outstanding" if until is not None and now >= until else "open"


def stage_at(spans: Mapping[str, Span], now: datetime) -> str:
    """The stage that is open now, the latest of several; empty between them."""
    open_now = [stage for stage, (opens, closes) in spans.items() if opens and closes and opens <= now < closes]
    return max(open_now, key=STAGES.index, default="")
