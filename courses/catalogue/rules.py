"""Publishing's decisions on plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from zutuan.calendar.plan import Calendar, expand
from zutuan.calendar.rules import Pattern, TermDates, check_pattern, overlap
from zutuan.decision import FieldError, Refusal

MAX_SEATS = 2000
ROUNDS = ("preselection", "main", "add_drop")
# How the catalogue groups credits: more than the first, up to the second.
CREDITS = {"1": (0, 1), "2": (1, 2), "3": (2, 3), "more": (3, 100)}
MAX_WINDOW = timedelta(days=366)
LONGEST_DATE = timedelta(hours=12)
EXAMS_AFTER = timedelta(days=60)  # exams are still sat this long after the last week of teaching

# state × event → state of an offering. Its course's life is `zutuan.sharing.rules.LIFE`.
OFFERING_LIFE: dict[tuple[str, str], str] = {
    ("draft", "publish"): "published",
    ("published", "archive"): "archived",
    ("draft", "archive"): "archived",
    ("published", "cancel"): "cancelled",
}


def next_offering_state(state: str, event: str) -> str | Refusal:
    return OFFERING_LIFE.get((state, event)) or Refusal("wrong_state", {"state": state, "event": event})


def check_meetings(patterns: Sequence[Pattern], term: TermDates, periods: Mapping[int, object]) -> list[FieldError]:
    """Every meeting that does not fit the school's term and period table, or another meeting of the same offering."""
    errors = []
    for index, pattern in enumerate(patterns):
        misfit = check_pattern(pattern, term, sorted(periods))
        if misfit is not None:
            field, refusal = misfit
            errors.append(FieldError(f"meetings.{index}.{field}", refusal.code, refusal.params))
        elif any(overlap(pattern, earlier) for earlier in patterns[:index]):
            errors.append(FieldError(f"meetings.{index}.weekday", "meetings_overlap"))
    return errors


def check_places(patterns: Sequence[Pattern], calendar: Calendar) -> list[FieldError]:
    """Meetings whose day rings fewer periods (in another season, on a Friday). A holiday is no error: it is announced."""
    errors = []
    for index, pattern in enumerate(patterns):
        missing = next((each for each in expand([pattern], calendar).lost if each.reason == "no_period"), None)
        if missing is not None:
            params = {"day": missing.day.isoformat(), "period": pattern.last_period}
            errors.append(FieldError(f"meetings.{index}.last_period", "no_such_period_on", params))
    return errors


def check_window(opens: datetime, closes: datetime, teaching_ends: datetime) -> list[FieldError]:
    """Enrolment opens before it closes, and closes while there is still teaching."""
    if closes <= opens:
        return [FieldError("enrol_until", "ends_before_start")]
    if closes - opens > MAX_WINDOW:
        return [FieldError("enrol_until", "window_too_long")]
    if closes > teaching_ends:
        return [FieldError("enrol_until", "window_after_term")]
    return []


def check_rounds(rounds: Sequence[tuple[str, datetime, datetime]], teaching_ends: datetime) -> list[FieldError]:
    """Rounds (kind, opens, closes) follow each other as they are named, and close while there is still teaching."""
    errors: list[FieldError] = []
    last: datetime | None = None
    for index, (kind, opens, closes) in sorted(enumerate(rounds), key=lambda each: ROUNDS.index(each[1][0])):
        at = f"rounds.{index}"
        if [each[0] for each in rounds].index(kind) != index:
            errors.append(FieldError(f"{at}.kind", "round_twice"))
        elif closes <= opens:
            errors.append(FieldError(f"{at}.closes", "ends_before_start"))
        elif last is not None and opens < last:
            errors.append(FieldError(f"{at}.opens", "rounds_overlap"))
        elif closes > teaching_ends:
            errors.append(FieldError(f"{at}.closes", "window_after_term"))
        last = closes if last is None else max(last, closes)
    return errors


def check_dates(
    dates: Sequence[tuple[str, datetime, datetime]], first: datetime, ends: datetime,
    meetings: Sequence[tuple[datetime, datetime]],
) -> list[FieldError]:  # fmt: skip
    """Single dates (kind, starts, ends) lie in the term [first, ends), exams up to two months after it, and none meets
    another; a class meets no weekly meeting either (an exam may be sat in one)."""
    errors: list[FieldError] = []
    for index, (kind, opens, closes) in enumerate(dates):
        at = f"dates.{index}"
        others = [(a, b) for _kind, a, b in dates[:index]] + (list(meetings) if kind == "class" else [])
        if closes <= opens:
            errors.append(FieldError(f"{at}.ends", "ends_before_start"))
        elif closes - opens > LONGEST_DATE:
            errors.append(FieldError(f"{at}.ends", "date_too_long"))
        elif opens < first or closes > ends + (EXAMS_AFTER if kind == "exam" else timedelta(0)):
            errors.append(FieldError(f"{at}.starts", "outside_term"))
        elif any(opens < until and start < closes for start, until in others):
            errors.append(FieldError(f"{at}.starts", "meetings_overlap"))
    return errors


@dataclass(frozen=True)
class Dated:
    """When and where a single date is."""

    starts: datetime
    ends: datetime
    place: str = ""


@dataclass(frozen=True)
class DateChange:
    """A class or an exam that is set (no `before`), moved, or called off (no `after`)."""

    kind: str
    before: Dated | None
    after: Dated | None


def date_changes(
    before: Sequence[tuple[str, Dated]], after: Sequence[tuple[str, Dated]], now: datetime
) -> list[DateChange]:
    """What whoever attends has to know, the earliest first: of each kind the first date that is gone has become the first
    new one, and so on. What is over already concerns nobody."""
    found = []
    for kind in sorted({kind for kind, _date in (*before, *after)}, reverse=True):
        was, is_ = ({date for each, date in dates if each == kind and date.ends > now} for dates in (before, after))
        gone, new = (sorted(dates, key=lambda each: (each.starts, each.ends)) for dates in (was - is_, is_ - was))
        found += [DateChange(kind, old, fresh) for old, fresh in zip_longest(gone, new)]
    return sorted(found, key=lambda each: (each.before or each.after).starts)  # type: ignore[union-attr]


def check_room(seats: int, room_seats: int | None) -> list[FieldError]:
    """No more seats than the room holds."""
    if room_seats is not None and seats > room_seats:
        return [FieldError("room_seats", "seats_above_room", {"seats": seats, "room": room_seats})]
    return []


def check_minimum(minimum: int | None, seats: int) -> list[FieldError]:
    """开课人数下限 that the seats could reach."""
    if minimum is not None and minimum > seats:
        return [FieldError("minimum", "minimum_above_seats", {"seats": seats, "minimum": minimum})]
    return []


def may_change_minimum(
    minimum: int | None, said: Mapping[str, object], state: str, closes: datetime, now: datetime
) -> Refusal | None:
    """Who enrolled did so under it: when enrolling is over, nobody moves the bar that decides about the class."""
    changed = "minimum" in said and said["minimum"] != minimum
    return Refusal("minimum_fixed") if changed and state == "published" and now >= closes else None


Rounds = Sequence[tuple[str, datetime, datetime]]


def outside_plan(rounds: Rounds, plan: Rounds) -> list[FieldError]:
    """Own rounds (kind, opens, closes) that do not lie within the term plan's of the same kind."""
    spans = {kind: (opens, closes) for kind, opens, closes in plan}
    errors = []
    for index, (kind, opens, closes) in enumerate(rounds):
        if kind not in spans:
            errors.append(FieldError(f"rounds.{index}.kind", "round_not_in_plan"))
            continue
        first, last = spans[kind]
        about = {"from": first, "until": last}
        if opens < first or opens >= last:
            errors.append(FieldError(f"rounds.{index}.opens", "outside_plan", about))
        if closes > last:
            errors.append(FieldError(f"rounds.{index}.closes", "outside_plan", about))
    return errors


def window_outside_plan(opens: datetime, closes: datetime, plan: Rounds) -> list[FieldError]:
    """The same for one window, which narrows all rounds of the plan."""
    first, last = min(each[1] for each in plan), max(each[2] for each in plan)
    about = {"from": first, "until": last}
    errors = [FieldError("enrol_from", "outside_plan", about)] if opens < first else []
    if closes > last or (not errors and not narrowed(plan, opens, closes)):
        errors.append(FieldError("enrol_until", "outside_plan", about))
    return errors


def narrowed(plan: Rounds, opens: datetime, closes: datetime) -> list[tuple[str, datetime, datetime]]:
    """What is left of the plan's rounds within [opens, closes)."""
    cut = [(kind, max(start, opens), min(end, closes)) for kind, start, end in plan]
    return [(kind, start, end) for kind, start, end in cut if start < end]


def check_pools(pools: Sequence[tuple[str, int]]) -> list[FieldError]:
    """Pools (scope, seats): one for each scope, together no more than an offering may have."""
    errors = [
        FieldError(f"pools.{index}.scope", "pools_overlap")
        for index, (scope, _seats) in enumerate(pools)
        if scope in [each[0] for each in pools[:index]]
    ]
    if sum(seats for _scope, seats in pools) > MAX_SEATS:
        errors.append(FieldError("pools", "too_big", {"max": MAX_SEATS}))
    return errors


def may_publish_offering(meetings: int, seats: int, course_state: str) -> Refusal | None:
    """What an offering needs before students see it."""
    if course_state == "archived":
        return Refusal("course_archived")
    if meetings == 0:
        return Refusal("offering_without_meetings")
    if seats == 0:
        return Refusal("offering_without_seats")
    return None
