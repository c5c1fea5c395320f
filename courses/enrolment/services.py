"""Writing enrolments: one student, one seat, two schools' word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course, Offering
from courses.catalogue.services import teaching_ends
from courses.enrolment import facts, notices, policies, queries, rules, seats, story
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from courses.enrolment.rules import Tracks
from zutuan.decision import Refusal
from zutuan.errors import Denial, Forbidden, Hidden, Invalid, NotFound, Refused, insist, say
from zutuan.papers import services as papers
from zutuan.policies import services as policy_values
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor, Belongs
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import audit


def roster_subject(offering: Offering) -> Subject:
    """An offering's roster as the permission table sees it."""
    course = catalogue.subject(offering.course)
    return Subject("offering", offering.id, places={"host": course.places["owner"]}, persons=course.persons)


@dataclass(frozen=True)
class Outlook:
    """What a student is told before applying: every reason against, what could be taken or waited for, whose word is
    asked and by when, and whether their own timetable was looked at."""

    against: list[Refusal]
    may_wait: bool
    seats_left: int
    waiting: int
    timetable_checked: bool
    asks: tuple[str, ...]
    chosen: bool
    decide_by: datetime | None
    replaces: Enrolment | None


def outlook(session: Session, actor: Actor, offering: Offering, home: Belongs | None) -> Outlook:
    against = reasons_against(session, actor, offering, home)
    other = _in_other_class(session, actor, offering) if "in_other_class" in {each.code for each in against} else None
    if other is not None:  # then the question is whether one may go over to this class
        against = reasons_against(session, actor, offering, home, other)
    asks = approvers(session, home, actor.now) if home else ()
    ends = teaching_ends(offering.term)
    days = approval_days(session, home.school_id, actor.now) if home and asks else 0
    return Outlook(
        against=against,
        may_wait=rules.may_wait(against, waitlist=offering.waitlist),
        seats_left=sum(max(pool.left, 0) for pool in facts.pools_of(actor, offering, home)),
        waiting=seats.waiting(session, offering.id),
        timetable_checked=facts.timetable_known(session, home, offering),
        asks=asks,
        chosen=offering.seats_by == "choice",
        decide_by=rules.decide_by(actor.now, ends, days) if days else None,
        replaces=other,
    )


def _in_other_class(session: Session, actor: Actor, offering: Offering) -> Enrolment | None:
    e = Enrolment
    query = sa.select(e).join(Offering, Offering.id == e.offering_id).where(e.person_id == actor.person_id, e.active())
    query = query.where(Offering.course_id == offering.course_id, e.offering_id != offering.id)
    return session.scalars(query.order_by(e.id.desc())).first()


def approvers(session: Session, home: Belongs, now: datetime) -> tuple[str, ...]:
    """The roles at the home school whose word is asked, in order."""
    return rules.APPROVALS[policy_values.value(session, policies.HOME_APPROVAL.key, home.school_id, now)]


def place(session: Session, enrolment: Enrolment, now: datetime) -> tuple[int, int] | None:
    """(place, how many wait) while the enrolment waits."""
    return seats.place(session, enrolment, now) if enrolment.host_state == "queued" else None


def possible(actor: Actor, enrolment: Enrolment) -> dict[str, bool]:
    """Which steps the page offers this person now."""
    state, subject = story.tracks(enrolment), queries.subject(enrolment)

    def can(event: str, who: str) -> bool:
        return isinstance(rules.step(state, event, who), Tracks)

    own = {event: allow.may(actor, f"enrolment.{event}", subject) for event in ("withdraw", "accept", "remind")}
    denying = denying_side(actor, enrolment)
    reviews = allow.may(actor, "enrolment.review", subject)
    on_leave = rules.may_release(enrolment.affiliation.standing) is None
    reminding = rules.may_remind(actor.now, enrolment.reminded_at, state, returned=enrolment.returned) is None
    return {
        "approve": may_approve(actor, enrolment),
        "deny": denying is not None and can("deny", denying),
        "return": reviews and can("return", "home") and not enrolment.returned,
        "withdraw": own["withdraw"] and can("withdraw", "student"),
        "accept": own["accept"] and can("accept", "student"),
        "remind": own["remind"] and reminding,
        "resubmit": own["withdraw"] and enrolment.returned and can("resubmit", "student"),
        "release": on_leave and allow.may(actor, "enrolment.release", subject) and can("withdraw", "home"),
    }


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


# --- enrolling --------------------------------------------------------------------------------------------------


def student_affiliation(actor: Actor, affiliation_id: int | None = None) -> Belongs | None:
    """The affiliation the actor enrols as: the one named, or the only one as a student."""
    studying = [each for each in actor.affiliations if each.kind == "student"]
    if affiliation_id is not None:
        chosen = next((each for each in studying if each.affiliation_id == affiliation_id), None)
        if chosen is None:
            raise Invalid.field("affiliation_id", "no_such")
        return chosen
    if len(studying) > 1:
        raise Invalid.field("affiliation_id", "choose_affiliation")
    return studying[0] if studying else None


def reasons_against(
    session: Session, actor: Actor, offering: Offering, home: Belongs | None, replacing: Enrolment | None = None
) -> list[Refusal]:
    """Every rule that stands between this person and a seat, before the database has the last word. Where the host
    chooses, more may ask than there are seats."""
    against = rules.may_enrol(facts.attempt(session, actor, offering, home, replacing=replacing))
    return [each for each in against if offering.seats_by != "choice" or each.code not in rules.SEATS]


def enrol(
    session: Session,
    actor: Actor,
    offering_id: int,
    affiliation_id: int | None = None,
    *,
    waitlist: bool = False,
    statement: str = "",
    replaces_id: int | None = None,
) -> Enrolment:
    """Take a seat and ask the home school; `waitlist`: wait for one when none is left. `replaces_id` names the student's
    enrolment in another class of the course, which is given up once this one is certain.

    Everything is checked and written first; the seat is taken last, so that the one row all compete for is held for the
    shortest time."""
    editions = seats.editions(session, offering_id)  # before all else: what changes after this is noticed
    view = catalogue.view_offering(session, actor, offering_id, "enrolment.create")
    offering = view.offering
    home = student_affiliation(actor, affiliation_id)
    places = {"home": Place(home.school_id)} if home else {}
    allow.require(actor, "enrolment.create", Subject("offering", offering.id, places=places))
    assert home is not None
    replacing = _replaced(session, actor, offering, replaces_id)
    seats.lock_student(session, actor.person_id, offering.term.academic_year)
    against = reasons_against(session, actor, offering, home, replacing)
    waits = bool(against) and waitlist and rules.may_wait(against, waitlist=offering.waitlist)
    if waits:
        waits = not _any_left(session, actor, offering, home)
    elif against:
        raise Refused.because(against[0])
    enrolment = _new_enrolment(session, actor, offering, home, statement, replacing, waits=waits)
    if enrolment.pool_id is not None:
        seats.promise(session, enrolment, actor.now)
        session.flush()
        mine = [pool.id for pool in facts.pools_of(actor, offering, home)]
        pool_id = seats.take(session, offering.id, mine, editions)
        if pool_id != enrolment.pool_id:  # the nearest pool was full by then
            enrolment.pool_id = pool_id
            session.flush()
    return enrolment


def _replaced(session: Session, actor: Actor, offering: Offering, enrolment_id: int | None) -> Enrolment | None:
    """The student's own enrolment in another class of the same course."""
    if enrolment_id is None:
        return None
    old = session.get(Enrolment, enrolment_id, options=[joinedload(Enrolment.offering)])
    fits = old is not None and old.person_id == actor.person_id and old.offering.course_id == offering.course_id
    if old is None or not fits or old.offering_id == offering.id or not story.tracks(old).active:
        raise Invalid.field("replaces_id", "no_such")
    return old


def _any_left(session: Session, actor: Actor, offering: Offering, home: Belongs) -> bool:
    """Whether a seat has come free since it was read: asked with the pools held, so that nobody waits beside a seat."""
    seats.hold_pools(session, offering.id)
    return any(pool.left > 0 for pool in facts.pools_of(actor, offering, home))


def _new_enrolment(
    session: Session, actor: Actor, offering: Offering, home: Belongs, statement: str, replacing: Enrolment | None,
    *, waits: bool,
) -> Enrolment:  # fmt: skip
    """The row, its first step and its notices. A request that the host chooses from has no seat yet."""
    now = actor.now
    home_steps = approvals(session, policies.HOME_APPROVAL.key, home.school_id, now)
    chosen = offering.seats_by == "choice"
    host_steps = 1 if chosen else approvals(session, policies.HOST_APPROVAL.key, offering.course.school_id, now)
    begin = rules.WAITING if waits else rules.settled(rules.START, home=home_steps == 0, host=host_steps == 0)
    enrolment = Enrolment(
        offering=offering,
        pool_id=None if waits or chosen else facts.pools_of(actor, offering, home)[0].id,
        person_id=actor.person_id,
        affiliation_id=home.affiliation_id,
        home_school_id=home.school_id,
        home_department_id=home.department_id,
        host_school_id=offering.course.school_id,
        home_state=begin.home,
        host_state=begin.host,
        home_steps=home_steps,
        host_steps=host_steps,
        statement=statement,
        replaces_id=replacing.id if replacing else None,
        created_at=now,
        updated_at=now,
    )
    enrolment.decide_by = due(session, enrolment, now)
    session.add(enrolment)
    try:
        session.flush()
    except IntegrityError as error:  # two tabs at once: the partial unique index has the last word
        raise Refused("already_enrolled") from error
    event = "queue" if waits else "enrol"
    story.record(session, actor, enrolment, event, "", now)
    if begin.home == "accepted":
        story.record(session, None, enrolment, "approve", "", now)
    notices.moved(session, enrolment, event, now)
    session.flush()
    if not waits:
        _settle(session, actor, enrolment, now)
    return enrolment


def approvals(session: Session, key: str, school_id: int, now: datetime) -> int:
    """How many approvals follow each other at that school."""
    return len(rules.APPROVALS[policy_values.value(session, key, school_id, now)])


def approval_days(session: Session, school_id: int, now: datetime) -> int:
    """How many days the school gives itself for its word."""
    return int(policy_values.value(session, policies.APPROVAL_DAYS.key, school_id, now))


def due(session: Session, enrolment: Enrolment, now: datetime) -> datetime | None:
    """When what is awaited now lapses: a school's word, or the end of a queue. None: nothing is awaited."""
    state, offering = story.tracks(enrolment), enrolment.offering
    ends = teaching_ends(offering.term)
    if state.host == "queued":
        return offering.enrol_until
    if state.home == "pending":
        return rules.decide_by(now, ends, approval_days(session, enrolment.home_school_id, now))
    if state.host == "pending":
        begins = max(now, offering.enrol_until) if offering.seats_by == "choice" else now
        return rules.decide_by(begins, ends, approval_days(session, enrolment.host_school_id, now))
    return None


# --- deciding ---------------------------------------------------------------------------------------------------

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
    for side, steps, given in (
        ("home", enrolment.home_steps, enrolment.home_step),
        ("host", enrolment.host_steps, enrolment.host_step),
    ):
        if side == "host" and steps == 0:
            continue
        chooses = side == "host" and enrolment.offering.seats_by == "choice"
        first = rules.approver(steps, given) == "secretary"
        awaited[side] = "enrolment.choose" if chooses else _REVIEW[side] if first else _APPROVE[side]
    return _side(actor, enrolment, awaited)


def denying_side(actor: Actor, enrolment: Enrolment) -> str | None:
    """The side for which the actor may say no; None: neither."""
    return _side(actor, enrolment, _DENY)


def approve(session: Session, actor: Actor, enrolment_id: int, note: str = "") -> Enrolment:
    """A school says yes: one of its steps, or its last."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.approve")
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
    return _apply(session, actor, enrolment, "approve", side, note)


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
    """The host takes this request: only now it needs a seat."""
    clusters = sharing.clusters_of(session, enrolment.home_school_id, now)
    mine = rules.pools_for(facts.pools(enrolment.offering), facts.school_scopes(enrolment.home_school_id, clusters))
    enrolment.pool_id = seats.take(session, enrolment.offering_id, [pool.id for pool in mine])
    seats.promise(session, enrolment, now)


def return_(session: Session, actor: Actor, enrolment_id: int, reason: str) -> Enrolment:
    """退回修改: the student mends what they wrote; the seat is kept until the hold ends."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.return")
    if _side(actor, enrolment, {"home": _REVIEW["home"]}) is None:
        raise Forbidden(Denial("enrolment.return", "enrolment", enrolment.id))
    insist(rules.not_ones_own(actor.person_id, enrolment.person_id))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    if enrolment.home_state == "pending":
        insist(rules.may_decide(actor.now, enrolment.decide_by))
    enrolment.returned, enrolment.home_step = True, 0
    return _apply(session, actor, enrolment, "return", "home", reason)


def resubmit(session: Session, actor: Actor, enrolment_id: int, statement: str) -> Enrolment:
    """The student has mended it and asks again; the deadline stays."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.resubmit")
    allow.require(actor, "enrolment.resubmit", queries.subject(enrolment))
    insist(None if enrolment.returned else Refusal("not_returned"))
    insist(rules.may_decide(actor.now, enrolment.decide_by))
    enrolment.returned, enrolment.statement = False, statement
    return _apply(session, actor, enrolment, "resubmit", "student", "")


def remind(session: Session, actor: Actor, enrolment_id: int) -> Enrolment:
    """催办: once a day the student asks whoever's word is awaited to look."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.remind")
    allow.require(actor, "enrolment.remind", queries.subject(enrolment))
    state = story.tracks(enrolment)
    insist(rules.may_remind(actor.now, enrolment.reminded_at, state, returned=enrolment.returned))
    enrolment.reminded_at = enrolment.updated_at = actor.now
    story.record(session, actor, enrolment, "remind", "", actor.now)
    notices.moved(session, enrolment, "remind", actor.now)
    session.flush()
    return enrolment


def deny(session: Session, actor: Actor, enrolment_id: int, reason: str) -> Enrolment:
    """The home or the host school says no, with a reason the student reads; the seat is free again."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.deny")
    who = denying_side(actor, enrolment)
    if who is None:
        raise Forbidden(Denial("enrolment.deny", "enrolment", enrolment.id))
    insist(rules.not_ones_own(actor.person_id, enrolment.person_id))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    return _apply(session, actor, enrolment, "deny", who, reason)


AT_ONCE = 200


def decide_all(session: Session, actor: Actor, ids: Sequence[int], event: str, reason: str = "") -> None:
    """`approve`, `return` or `deny` several, in the order of their ids: all or none, each with its own notice and audit
    row. What stands against one names it."""
    if not ids:
        raise Refused("nothing_chosen")
    if len(ids) > AT_ONCE:
        raise Refused("too_many_chosen", max=AT_ONCE)
    if event != "approve" and not reason:
        raise Invalid.field("reason", "reason_needed")
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


def choose_all(session: Session, actor: Actor, offering: Offering, ids: Sequence[int]) -> None:
    """Take several of those who ask for a seat in this offering: all or none."""
    of_it = sa.select(sa.func.count()).select_from(Enrolment).where(Enrolment.offering_id == offering.id)
    if session.scalar(of_it.where(Enrolment.id.in_(list(ids)))) != len(ids):
        raise NotFound
    decide_all(session, actor, ids, "approve")


def _about(session: Session, enrolment_id: int, error: Refused) -> Refused:
    """The refusal of one among several, which says whose it is."""
    enrolment = session.get_one(Enrolment, enrolment_id)
    titles = enrolment.offering.course.item.title_zh
    why = " ".join(part for part in say(error.code, error.params) if part)
    return Refused("one_of_several", student=enrolment.person.name, title=titles, why=why)


# --- the student's own steps ------------------------------------------------------------------------------------


def accept(session: Session, actor: Actor, enrolment_id: int) -> Enrolment:
    """The student takes the seat that the queue has offered; now the schools are asked."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.accept")
    allow.require(actor, "enrolment.accept", queries.subject(enrolment))
    if enrolment.host_state == "offered":
        insist(rules.may_accept(actor.now, enrolment.decide_by))
    story.walk(session, actor, enrolment, "accept", "student")
    state = rules.settled(rules.START, home=enrolment.home_steps == 0, host=enrolment.host_steps == 0)
    enrolment.home_state, enrolment.host_state = state.home, state.host
    enrolment.decide_by = due(session, enrolment, actor.now)
    if state.home == "accepted":
        story.record(session, None, enrolment, "approve", "", actor.now)
    session.flush()
    _settle(session, actor, enrolment, actor.now)
    return enrolment


def withdraw(session: Session, actor: Actor, enrolment_id: int, reason: str = "") -> Enrolment:
    """The student gives the seat back (a drop within add/drop, a withdrawal after it), or leaves the queue."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.withdraw")
    allow.require(actor, "enrolment.withdraw", queries.subject(enrolment))
    insist(rules.may_withdraw(actor.now, teaching_ends(enrolment.offering.term)))
    return _apply(session, actor, enrolment, "withdraw", "student", reason)


def release(session: Session, actor: Actor, enrolment_id: int, reason: str) -> Enrolment:
    """The home registrar gives back what a student holds who is no longer 在读."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.release")
    allow.require(actor, "enrolment.release", queries.subject(enrolment))
    insist(rules.may_release(enrolment.affiliation.standing))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    return _apply(session, actor, enrolment, "withdraw", "home", reason)


# --- one step ---------------------------------------------------------------------------------------------------


def _locked(session: Session, actor: Actor, enrolment_id: int, action: str) -> Enrolment:
    """The enrolment, held against others until the commit; 404 for whoever may not see it."""
    offering = joinedload(Enrolment.offering)
    course = offering.joinedload(Offering.course)
    query = (
        sa.select(Enrolment)
        .where(Enrolment.id == enrolment_id)
        .options(course.selectinload(Course.staff), course.joinedload(Course.item), offering.joinedload(Offering.term))
        .with_for_update(of=Enrolment)
        .execution_options(populate_existing=True)
    )
    enrolment = session.scalar(query)
    if enrolment is None:
        raise NotFound
    if not allow.may(actor, "enrolment.read", queries.subject(enrolment)):
        raise Hidden(Denial(action, "enrolment", enrolment_id))
    return enrolment


def _apply(
    session: Session, actor: Actor | None, enrolment: Enrolment, event: str, who: str, note: str,
    now: datetime | None = None, name: str = "",
) -> Enrolment:  # fmt: skip
    """Walk one step; a seat no longer held goes back, and with it what it promised."""
    moment = now or cast(Actor, actor).now
    before, after = story.walk(session, actor, enrolment, event, who, note, now=moment, name=name)
    if event in ("approve", "offer"):
        enrolment.decide_by = due(session, enrolment, moment)
    if before.active and not after.active:
        _end(session, actor, enrolment, moment)
    else:
        _settle(session, actor, enrolment, moment)
    session.flush()
    return enrolment


def _end(session: Session, actor: Actor | None, enrolment: Enrolment, now: datetime) -> None:
    papers.lapse(session, actor, Subject("enrolment", enrolment.id), now)
    if enrolment.pool_id is not None:
        seats.free(session, enrolment, now)


def _settle(session: Session, actor: Actor | None, enrolment: Enrolment, now: datetime) -> None:
    """A transfer is done when the new seat is certain: only then the old one is given up."""
    if enrolment.replaces_id is None or rules.combined(story.tracks(enrolment)) != "enrolled":
        return
    old = session.scalar(
        sa.select(Enrolment).where(Enrolment.id == enrolment.replaces_id).with_for_update(of=Enrolment)
    )
    if old is not None and isinstance(rules.step(story.tracks(old), "withdraw", "student"), Tracks):
        _apply(session, None, old, "withdraw", "student", "", now, "transfer")


EXPIRED_AT_ONCE = 50  # rows that one transaction holds


def expire_due(session: Session, now: datetime) -> int:
    """The clock's part: what nobody has answered in time lets go of its seat. A few at a time."""
    awaited = sa.or_(Enrolment.home_state == "pending", Enrolment.host_state.in_(("pending", "queued", "offered")))
    query = (
        sa.select(Enrolment)
        .where(Enrolment.active(), awaited, Enrolment.decide_by <= now)
        .order_by(Enrolment.id)
        .limit(EXPIRED_AT_ONCE)
        .options(selectinload(Enrolment.offering))
        .with_for_update(skip_locked=True, of=Enrolment)
    )
    enrolments = list(session.scalars(query))
    for enrolment in enrolments:
        _apply(session, None, enrolment, "expire", "clock", "", now)
    return len(enrolments)


def seats_changed(session: Session, actor: Actor, offering: Offering) -> None:
    """More seats than before: they go to those who wait. With the window moves how long they may."""
    _move_deadlines(session, offering, actor.now)
    if seats.hand_on(session, offering, actor.now):
        subject = Subject("offering", offering.id)
        audit(session, actor, "enrolment.hand_on", subject, now=actor.now, school_id=offering.course.school_id)


def _move_deadlines(session: Session, offering: Offering, now: datetime) -> None:
    """Who waits, or is to be chosen from, does so until enrolling is over."""
    e = Enrolment
    hangs = [e.host_state == "queued"]
    if offering.seats_by == "choice":
        hangs.append(sa.and_(e.home_state == "accepted", e.host_state == "pending"))
    query = sa.select(e).where(e.offering_id == offering.id, e.active(), sa.or_(*hangs)).order_by(e.id)
    for enrolment in session.scalars(query):
        enrolment.decide_by = due(session, enrolment, now)
