"""Writing results: what the host school confirms comes in, and what the home school says of it.

The hook of grades calls `received` in the transaction that confirms a sheet or approves a correction; everything else
is the home registrar's. Each step is the enrolment's as well: the home track is completed with the first word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course, Offering
from courses.enrolment import rules as enrolment_rules
from courses.enrolment import story
from courses.enrolment.models import Enrolment
from courses.results import notices, policies, queries, rules
from courses.results.models import Result
from courses.results.rules import Counts, Recognised, Said
from zutuan.decision import Refusal
from zutuan.errors import Invalid, Refused, insist, say
from zutuan.papers import services as papers
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit
from zutuan.web.texts import title

AT_ONCE = 200
# What the home school says of an original; kept in `before` when the original changes.
OWN = (
    "state",
    "scale",
    "grade",
    "mark",
    "points",
    "credits",
    "code",
    "name",
    "name_en",
    "category",
    "recorded",
    "reason",
)
_BLANK = {
    **dict.fromkeys(("scale", "grade", "mark", "code", "name", "name_en", "category", "reason"), ""),
    **dict.fromkeys(("points", "credits", "decided_by", "decided_at")), "recorded": True,
}  # fmt: skip


def about(result: Result) -> Subject:
    return Subject("result", result.id)


# --- from the host ------------------------------------------------------------------------------------------------


def received(session: Session, actor: Actor, originals: Mapping[int, dict[str, Any]], now: datetime) -> None:
    """Enrolment → the grade that stands at the host now. A result is made, or waits again where the grade has changed."""
    course = joinedload(Enrolment.offering).joinedload(Offering.course).joinedload(Course.item)
    query = sa.select(Enrolment).where(Enrolment.id.in_(originals)).order_by(Enrolment.id).options(course)
    enrolments = session.scalars(query).all()
    known = _known(session, originals)
    fresh: list[Enrolment] = []
    for enrolment in enrolments:
        result, given = known.get(enrolment.id), originals[enrolment.id]
        if result is None:
            session.add(_new(enrolment, given, now))
            fresh.append(enrolment)
        elif _says_otherwise(result.original, given):
            _again(session, actor, result, given, now)
            fresh.append(enrolment)
    session.flush()
    notices.arrived(session, actor, fresh, now)


def _known(session: Session, originals: Mapping[int, dict[str, Any]]) -> dict[int, Result]:
    query = sa.select(Result).where(Result.enrolment_id.in_(originals)).order_by(Result.id).options(*queries.WHOLE)
    held = query.with_for_update(of=Result).execution_options(populate_existing=True)
    return {each.enrolment_id: each for each in session.scalars(held)}


def _new(enrolment: Enrolment, given: dict[str, Any], now: datetime) -> Result:
    return Result(
        enrolment_id=enrolment.id, person_id=enrolment.person_id, home_school_id=enrolment.home_school_id,
        state=rules.WAITING, original=given, created_at=now, updated_at=now,
    )  # fmt: skip


_SAYS = ("scale", "grade", "mark", "credits", "attempt")


def _says_otherwise(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any((before.get(name) or "") != (after.get(name) or "") for name in _SAYS)


def _again(session: Session, actor: Actor, result: Result, given: dict[str, Any], now: datetime) -> None:
    """The host has corrected it: papers that show it are taken back, and the home school is asked anew."""
    decided = result.state != rules.WAITING
    _move(session, result, "correct", now)
    result.original = given
    if decided:
        papers.lapse(session, actor, about(result), now)
        notices.tell_student(session, result, "result.again", now)
    audit(session, actor, "result.correct", about(result), now=now, school_id=result.home_school_id)


def _move(session: Session, result: Result, event: str, now: datetime) -> None:
    """Walk one step of the machine; what was said before is kept while it waits again."""
    after = rules.step(result.state, event)
    if isinstance(after, Refusal):
        raise Refused.because(after)
    if after == rules.WAITING and result.state != rules.WAITING:
        result.before = kept(result)
        for name, value in _BLANK.items():
            setattr(result, name, value)
    result.state, result.updated_at = after, now


def kept(result: Result) -> dict[str, Any]:
    """What the home school had said, as JSON keeps it."""
    own = {name: _plain(getattr(result, name)) for name in OWN}
    return {**own, "original": result.original, "decided_at": result.decided_at and result.decided_at.isoformat()}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


# --- at home ------------------------------------------------------------------------------------------------------


def counts(result: Result) -> Counts | None:
    """What the recognition that stands on the enrolment says."""
    found = result.enrolment.recognition
    if found is None or found.outcome != "counts":
        return None
    return Counts(found.name, found.credits, found.code, found.name_en, found.category)


def limit(result: Result) -> Decimal:
    """The most credits that may be recognised."""
    said = counts(result)
    return said.credits if said else Decimal(result.original["credits"])


def proposal(session: Session, result: Result, now: datetime) -> Recognised:
    """What the home school would record of it now."""
    given, home = rules.original(result.original), policies.home(session, result.home_school_id, now)
    return rules.propose(given, Decimal(result.original["credits"]), counts(result), home)


def recognise(session: Session, actor: Actor, result_id: int, said: Said | None = None) -> Result:
    """The home registrar recognises one, with their own word where the proposal is not what they want."""
    (result,) = queries.locked(session, actor, [result_id], "result.recognise")
    _recognise(session, actor, result, said or Said())
    return result


def _recognise(session: Session, actor: Actor, result: Result, said: Said) -> None:
    insist(enrolment_rules.not_ones_own(actor.person_id, result.enrolment.person_id))
    given = rules.original(result.original)
    insist(rules.may_recognise(given))
    _move(session, result, "recognise", actor.now)
    home = policies.home(session, result.home_school_id, actor.now)
    settled = rules.settle(proposal(session, result, actor.now), said, given, limit(result), home)
    if not isinstance(settled, Recognised):
        raise Invalid(errors=settled)
    grade = settled.grade
    result.scale, result.mark, result.grade = grade.scale, grade.mark, "" if grade.mark else str(grade)
    for name in ("points", "credits", "code", "name", "name_en", "category", "recorded"):
        setattr(result, name, getattr(settled, name))
    _decided(session, actor, result, "recognise")


def refuse(session: Session, actor: Actor, result_id: int, reason: str) -> Result:
    """The home registrar does not recognise it, with a reason that the student reads."""
    (result,) = queries.locked(session, actor, [result_id], "result.refuse")
    insist(enrolment_rules.not_ones_own(actor.person_id, result.enrolment.person_id))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    _move(session, result, "refuse", actor.now)
    result.reason, result.recorded = reason, False
    _decided(session, actor, result, "not_recognised", reason)
    return result


def _decided(session: Session, actor: Actor, result: Result, event: str, note: str = "") -> None:
    """The first word completes the home track; a later one is a step of its own."""
    result.decided_by, result.decided_at = actor.person_id, actor.now
    enrolment = result.enrolment
    if story.tracks(enrolment).home == "completed":
        story.record(session, actor, enrolment, event, note, actor.now)
    else:
        story.walk(session, actor, enrolment, "complete", "home", note, name=event)
    audit(session, actor, f"result.{event}", about(result), now=actor.now, school_id=result.home_school_id)
    notices.tell_student(session, result, f"result.{event}", actor.now)
    session.flush()


def reopen(session: Session, actor: Actor, result_id: int, reason: str) -> Result:
    """重新认定: what was said was wrong; it waits again, and papers that show it are taken back."""
    (result,) = queries.locked(session, actor, [result_id], "result.reopen")
    insist(enrolment_rules.not_ones_own(actor.person_id, result.enrolment.person_id))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    _move(session, result, "reopen", actor.now)
    papers.lapse(session, actor, about(result), actor.now)
    story.record(session, actor, result.enrolment, "reopen_result", reason, actor.now)
    audit(session, actor, "result.reopen", about(result), now=actor.now, school_id=result.home_school_id)
    notices.tell_student(session, result, "result.again", actor.now)
    session.flush()
    return result


def recognise_all(session: Session, actor: Actor, ids: Sequence[int]) -> list[Result]:
    """Several as they are proposed: all or none; every one that cannot be is named."""
    if not ids:
        raise Refused("nothing_chosen")
    if len(ids) > AT_ONCE:
        raise Refused("too_many_chosen", max=AT_ONCE)
    found, bad = queries.locked(session, actor, sorted(set(ids)), "result.recognise"), []
    for result in found:
        try:
            _recognise(session, actor, result, Said())
        except (Refused, Invalid) as error:
            bad.append(named(result, error))
    if bad:
        raise Refused("some_not_recognised", n=len(bad), lines=bad[:20])
    return found


def named(result: Result, error: Refused | Invalid) -> str:
    """Whose row it is, and what is wrong with it."""
    why = [say(each.code, each.params)[0] for each in error.errors] or [say(error.code, error.params)[0]]
    enrolment = result.enrolment
    return _(
        "%(student)s（%(number)s）《%(title)s》：%(why)s", student=enrolment.person.name,
        number=enrolment.affiliation.number, title=title(enrolment.offering.course.item), why=_("；").join(each.rstrip(_("。")) for each in why),
    )  # fmt: skip
