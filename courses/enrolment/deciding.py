"""The schools' words: what is approved, sent back or denied, one by one and many at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from courses.catalogue.services import teaching_ends
from courses.enrolment import facts, notices, queries, rules, seats, steps, story
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from courses.enrolment.rules import Tracks
from zutuan.decision import Refusal
from zutuan.errors import Denial, Forbidden, Invalid, Refused, insist, say
from zutuan.sharing.actor import Actor

_APPROVE = {"home": "enrolment.approve", "host": "enrolment.host_approve"}
_REVIEW = {"home": "enrolment.review", "host": "enrolment.host_review"}
_DENY = {"home": "enrolment.deny", "host": "enrolment.host_deny"}


def _side(actor: Actor, enrolment: Enrolment, actions: dict[str, str]) -> str | None:
    """The side for which the actor's word counts; None: neither."""
    subject = queries.subject(enrolment)
    sides = [side for side, action in actions.items() if allow.may(actor, action, subject)]
    return rules.awaited_side(story.tracks(enrolment), sides)


def approving_side(actor: Actor, enrolment: Enrolment) -> str | None:
    """The side whose next step the actor may approve: 学院审核 is also a registrar's to give."""
    awaited = {}
    for side, asked, given in (
        ("home", enrolment.home_steps, enrolment.home_step),
        ("host", enrolment.host_steps, enrolment.host_step),
    ):
        if side == "host" and asked == 0:
            continue
        chooses = side == "host" and enrolment.offering.seats_by == "choice"
        first = rules.approver(asked, given) == "secretary"
        awaited[side] = "enrolment.choose" if chooses else _REVIEW[side] if first else _APPROVE[side]
    return _side(actor, enrolment, awaited)


def denying_side(actor: Actor, enrolment: Enrolment) -> str | None:
    """The side for which the actor may say no; None: neither."""
    return _side(actor, enrolment, _DENY)


def approve(session: Session, actor: Actor, enrolment_id: int, note: str = "") -> Enrolment:
    """A school says yes: one of its steps, or its last."""
    enrolment = steps.locked(session, actor, enrolment_id, "enrolment.approve")
    side = approving_side(actor, enrolment)
    if side is None:
        raise Forbidden(Denial("enrolment.approve", "enrolment", enrolment.id))
    insist(rules.not_ones_own(actor.person_id, enrolment.person_id))
    awaited = enrolment.home_state if side == "home" else enrolment.host_state
    if awaited == "pending":
        insist(rules.may_decide(actor.now, enrolment.decide_by))
        insist(Refusal("waits_for_student") if side == "home" and enrolment.returned else None)
        if _more_steps(enrolment, side):
            return _review(session, actor, enrolment, side, note)
        if side == "host" and enrolment.pool_id is None:
            _choose(session, enrolment, actor.now)
    return steps.apply(session, actor, enrolment, "approve", side, note)


def _more_steps(enrolment: Enrolment, side: str) -> bool:
    """Count this approval; whether another has to follow."""
    if side == "home":
        enrolment.home_step = min(enrolment.home_step + 1, enrolment.home_steps)
        return enrolment.home_step < enrolment.home_steps
    enrolment.host_step = min(enrolment.host_step + 1, enrolment.host_steps)
    return enrolment.host_step < enrolment.host_steps


def _review(session: Session, actor: Actor, enrolment: Enrolment, side: str, note: str) -> Enrolment:
    name = "review" if side == "home" else "host_review"
    enrolment.updated_at = actor.now
    story.record(session, actor, enrolment, name, note, actor.now)
    notices.moved(session, enrolment, name, actor.now)
    session.flush()
    return enrolment


def _choose(session: Session, enrolment: Enrolment, now: datetime) -> None:
    """The host takes this request: only now it needs a seat, and every rule is asked again, as of a queue."""
    offering = enrolment.offering
    seats.lock_student(session, enrolment.person_id)
    if enrolment.replaces_id is not None:
        seats.hold_pools(session, offering.id, session.get_one(Enrolment, enrolment.replaces_id).offering_id)
    against, student = seats.still_against(session, enrolment, now)
    if against:
        raise Refused.because(against[0])
    clusters = facts.clusters_of(student, enrolment.home_school_id)
    mine = rules.pools_for(facts.pools(offering), facts.school_scopes(enrolment.home_school_id, clusters))
    enrolment.pool_id = seats.take(session, offering.id, [pool.id for pool in mine])
    ends = teaching_ends(offering.term)
    seats.promise(session, enrolment.person_id, offering.course_id, offering.id, ends, now)


def return_(session: Session, actor: Actor, enrolment_id: int, reason: str) -> Enrolment:
    """退回修改: the student mends what they wrote; the seat is kept until the hold ends."""
    enrolment = steps.locked(session, actor, enrolment_id, "enrolment.return")
    if _side(actor, enrolment, {"home": _REVIEW["home"]}) is None:
        raise Forbidden(Denial("enrolment.return", "enrolment", enrolment.id))
    insist(rules.not_ones_own(actor.person_id, enrolment.person_id))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    if enrolment.home_state == "pending":
        insist(rules.may_decide(actor.now, enrolment.decide_by))
    enrolment.returned, enrolment.home_step = True, 0
    return steps.apply(session, actor, enrolment, "return", "home", reason)


def deny(session: Session, actor: Actor, enrolment_id: int, reason: str) -> Enrolment:
    """The home or the host school says no, with a reason the student reads; the seat is free again."""
    enrolment = steps.locked(session, actor, enrolment_id, "enrolment.deny")
    who = denying_side(actor, enrolment)
    if who is None:
        raise Forbidden(Denial("enrolment.deny", "enrolment", enrolment.id))
    insist(rules.not_ones_own(actor.person_id, enrolment.person_id))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    return steps.apply(session, actor, enrolment, "deny", who, reason)


AT_ONCE = 200


def insist_many(ids: Sequence[int], event: str, reason: str) -> None:
    """That so many may be decided at once, and with a reason where one is due."""
    if not ids:
        raise Refused("nothing_chosen")
    if len(ids) > AT_ONCE:
        raise Refused("too_many_chosen", max=AT_ONCE)
    if event != "approve" and not reason:
        raise Invalid.field("reason", "reason_needed")


def decide_all(session: Session, actor: Actor, ids: Sequence[int], event: str, reason: str = "") -> None:
    """`approve`, `return` or `deny` several, in the order of their ids: all or none, each with its own notice and audit
    row. What stands against one names it."""
    insist_many(ids, event, reason)
    for enrolment_id in ids:
        try:
            if event == "approve":
                approve(session, actor, enrolment_id)
            else:
                {"deny": deny, "return": return_}[event](session, actor, enrolment_id, reason)
        except Refused as error:
            raise _about(session, enrolment_id, error) from error


def may_choose(enrolment: Enrolment) -> bool:
    """Whether it still asks to be chosen."""
    return isinstance(rules.step(story.tracks(enrolment), "approve", "host"), Tracks)


def _about(session: Session, enrolment_id: int, error: Refused) -> Refused:
    """The refusal of one among several, which says whose it is."""
    enrolment = session.get_one(Enrolment, enrolment_id)
    titles = enrolment.offering.course.item.title_zh
    why = " ".join(part for part in say(error.code, error.params) if part)
    return Refused("one_of_several", student=enrolment.person.name, title=titles, why=why)


def may_approve(actor: Actor, enrolment: Enrolment) -> bool:
    """Whether the next step is this person's to give now; what waits for its student is nobody's."""
    side = approving_side(actor, enrolment)
    if side is None or (side == "home" and enrolment.returned):
        return False
    return isinstance(rules.step(story.tracks(enrolment), "approve", side), Tracks)


def decides(actor: Actor, side: str) -> bool:
    """Whether the actor may approve anything on that side of any school."""
    actions = {
        "home": ("enrolment.approve", "enrolment.review"),
        "host": ("enrolment.host_approve", "enrolment.host_review", "enrolment.choose"),
    }
    return any(allow.schools(actor, action) for action in actions[side])
