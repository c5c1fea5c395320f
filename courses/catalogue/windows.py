"""When one may enrol in an offering: rounds of its own, one window, or those of its cluster's term plan."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from courses.catalogue import hooks, rules
from courses.catalogue.models import EnrolmentRound, Offering
from zutuan.calendar.models import Term
from zutuan.calendar.rules import TermDates
from zutuan.clock import at_shanghai
from zutuan.decision import FieldError
from zutuan.errors import Invalid, Refused, insist


def teaching_ends(term: Term) -> datetime:
    return ends_of(term.first_day, term.weeks)


def ends_of(first_day: date, weeks: int) -> datetime:
    return at_shanghai(TermDates(first_day, weeks).end_day)


def rounds_of(offering: Offering) -> list[tuple[str, datetime, datetime]]:
    return [(each.kind, each.opens, each.closes) for each in offering.rounds]


WINDOW = ("enrol_from", "enrol_until")


def set_rounds(session: Session, offering: Offering, data: dict[str, Any]) -> list[str]:
    """The rounds as the term plan has them, or as given: then within the plan, if there is one. The window goes from the
    first opening to the last closing. Answers what changed."""
    before = _when(offering)
    plan = hooks.plan_of(session, offering.course, offering.term)
    given = {name: data[name] for name in WINDOW if data.get(name) is not None}
    if _follows(offering, data, plan):
        if plan is None:
            raise Invalid.field("follows_plan", "no_plan")
        follow(offering, plan)
    elif data.get("rounds"):
        rounds = [(each["kind"], each["opens"], each["closes"]) for each in data["rounds"]]
        outside = rules.outside_plan(rounds, plan) if plan is not None else []
        _within(rules.check_rounds(rounds, teaching_ends(offering.term)) or outside)
        put_rounds(offering, rounds)
        _set(offering, follows_plan=False)
    elif plan is not None and any(getattr(offering, name) != moment for name, moment in given.items()):
        _narrow(offering, plan, given)
    else:
        _set_window(offering, data, given)
    return ["rounds"] if before != _when(offering) else []


def _when(offering: Offering) -> tuple[Any, ...]:
    return rounds_of(offering), offering.enrol_from, offering.enrol_until, bool(offering.follows_plan)


def _follows(offering: Offering, data: dict[str, Any], plan: rules.Rounds | None) -> bool:
    """Said, or where nothing at all is said of a new offering's dates."""
    silent = not data.get("rounds") and not any(data.get(name) for name in WINDOW)
    new = any(getattr(offering, name) is None for name in WINDOW)
    said = data.get("follows_plan")
    return bool(said) or (said is None and silent and new and plan is not None)


def _within(errors: list[FieldError]) -> None:
    if errors:
        raise Invalid(errors=errors)


def follow(offering: Offering, plan: rules.Rounds) -> None:
    """Take the plan's rounds, as far as the offering is taught."""
    ends = teaching_ends(offering.term)
    rounds = [(kind, opens, min(closes, ends)) for kind, opens, closes in plan if opens < ends]
    if not rounds:
        raise Invalid.field("follows_plan", "window_after_term")
    put_rounds(offering, rounds)
    _set(offering, follows_plan=True)


def put_rounds(offering: Offering, rounds: rules.Rounds) -> None:
    """Each kind keeps its row: the database has one of a kind."""
    known = {each.kind: each for each in offering.rounds}
    kept = []
    for kind, opens, closes in rounds:
        row = known.pop(kind, None) or EnrolmentRound(kind=kind)
        _set(row, opens=opens, closes=closes)
        kept.append(row)
    if kept != list(offering.rounds):
        offering.rounds = kept
    _set(
        offering,
        enrol_from=min(opens for _kind, opens, _closes in rounds),
        enrol_until=max(closes for _kind, _opens, closes in rounds),
    )


def _set(target: Offering | EnrolmentRound, **values: Any) -> None:
    """What is the same already is left alone: nothing has been changed then, and nothing is to be audited."""
    for name, value in values.items():
        if getattr(target, name) != value:
            setattr(target, name, value)


def _narrow(offering: Offering, plan: rules.Rounds, given: dict[str, datetime]) -> None:
    """One window cuts the plan's rounds."""
    opens = given.get("enrol_from", offering.enrol_from)
    closes = given.get("enrol_until", offering.enrol_until)
    for name, moment in (("enrol_from", opens), ("enrol_until", closes)):
        if moment is None:
            raise Invalid.field(name, "required")
    ends = teaching_ends(offering.term)
    _within(rules.check_window(opens, closes, ends) or rules.window_outside_plan(opens, closes, plan))
    put_rounds(offering, rules.narrowed(plan, opens, closes))
    _set(offering, follows_plan=False)


def _set_window(offering: Offering, data: dict[str, Any], given: dict[str, datetime]) -> None:
    if data.get("rounds") is not None and offering.rounds:
        offering.rounds = []
    if data.get("follows_plan") is False:
        _set(offering, follows_plan=False)
    for name in WINDOW:
        if name in given and not offering.rounds:
            _set(offering, **{name: given[name]})
        elif getattr(offering, name) is None:
            raise Invalid.field(name, "required")


def strays(offering: Offering, plan: rules.Rounds) -> list[FieldError]:
    """Where the offering's own dates leave the plan."""
    own = rounds_of(offering)
    if offering.follows_plan:
        return []
    return (
        rules.outside_plan(own, plan)
        if own
        else rules.window_outside_plan(offering.enrol_from, offering.enrol_until, plan)
    )


def insist_on_plan(session: Session, offering: Offering) -> None:
    """What is published now is handed in in time, and its dates lie within the plan."""
    insist(hooks.against_submitting(session, offering.course, offering.term))
    plan = hooks.plan_of(session, offering.course, offering.term)
    wrong = strays(offering, plan) if plan is not None else []
    if wrong:
        raise Refused(wrong[0].code, **wrong[0].params)
