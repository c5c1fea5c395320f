"""Reading what is to be decided, and whose seats were lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from courses.admission.queries import TermKey
from courses.catalogue import hooks
from courses.catalogue.models import Course, Offering
from courses.catalogue.queries import matches, subject
from courses.catalogue.services import teaching_ends
from courses.enrolment.models import Enrolment
from courses.minimum import policies, rules
from courses.minimum.models import LostSeat
from courses.minimum.permissions import allow
from courses.minimum.rules import Found, Lost
from zutuan.calendar import services as calendar
from zutuan.calendar.models import Term
from zutuan.clock import local
from zutuan.db import padded
from zutuan.paging import Key, Page, fetch_page
from zutuan.people.models import Affiliation
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem

ENROLLED = sa.and_(
    Enrolment.home_state.in_(("accepted", "completed")), Enrolment.host_state.in_(("accepted", "completed"))
)
_OF_IT = sa.select(sa.func.count()).where(Enrolment.offering_id == Offering.id)
_ENROLLED = _OF_IT.where(ENROLLED).correlate(Offering).scalar_subquery()
# who holds a seat, or asks to be chosen: all but those who wait for a seat
_PLACES = sa.and_(Enrolment.active(), Enrolment.host_state != "queued")
_ASKED = _OF_IT.where(_PLACES).correlate(Offering).scalar_subquery()
# of an offering that nobody has decided about
BELOW = sa.and_(Offering.decided_at.is_(None), sa.func.coalesce(Offering.minimum, 0) > _ENROLLED)
_LOST = sa.select(sa.func.count()).where(LostSeat.offering_id == Offering.id).correlate(Offering).scalar_subquery()


@dataclass(frozen=True)
class Row:
    """An offering of the list, with what the rules say of it; `decide_by`: until when it should be decided; `deciding`:
    by this reader, and it still may be;
    `lost`: seats that ended with it."""

    offering: Offering
    facts: rules.Class
    standing: str
    decide_by: datetime | None
    deciding: bool
    lost: int


def facts_of(offering: Offering, enrolled: int, places: int, *, graded: bool = False) -> rules.Class:
    return rules.Class(
        offering.state, offering.minimum, enrolled, places - enrolled, offering.enrol_until,
        teaching_ends(offering.term), offering.decided_at is not None, graded,
    )  # fmt: skip


def numbers(session: Session, offering_id: int) -> tuple[int, int]:
    """(accepted by both schools, all who hold a seat or ask to be chosen)."""
    e = Enrolment
    query = sa.select(sa.func.count(sa.case((ENROLLED, 1))), sa.func.count())
    row = session.execute(query.where(e.offering_id == offering_id, _PLACES)).one()
    return row[0], row[1]


def class_of(session: Session, offering: Offering) -> rules.Class:
    """The one offering as the rules judge it, its grades too."""
    graded = any(hook(session, offering.id) for hook in hooks.graded)
    return facts_of(offering, *numbers(session, offering.id), graded=graded)


# --- the registrar's list ---------------------------------------------------------------------------------------


def terms(session: Session, actor: Actor) -> tuple[list[TermKey], TermKey | None]:
    """Terms of the actor's schools, the latest first, and the one of now."""
    schools = sorted(allow.schools(actor, "minimum.read"))
    found = {TermKey(t.academic_year, t.number) for id_ in schools for t in calendar.terms_of(session, id_)}
    now = (calendar.term_on(session, id_, local(actor.now).date()) for id_ in schools)
    current = next((TermKey(t.academic_year, t.number) for t in now if t is not None), None)
    return sorted(found, key=lambda key: (key.academic_year, key.number), reverse=True), current


def _taught(session: Session, schools: Iterable[int], now: datetime) -> list[int]:
    """Terms of these schools whose teaching is not over."""
    mine = session.scalars(sa.select(Term).where(Term.school_id.in_(sorted(schools))))
    return [term.id for term in mine if teaching_ends(term) > now]


def _standings(taught: Collection[int], now: datetime) -> dict[str, sa.ColumnElement[bool]]:
    """`rules.standing` as conditions, each where none before it holds."""
    o = Offering
    return {
        "cancelled": o.state == "cancelled",
        "confirmed": o.decided_at.is_not(None),
        "unlimited": o.minimum.is_(None),
        "reached": o.minimum <= _ENROLLED,
        "open": o.enrol_until > now,
        "waiting": o.term_id.in_(padded(list(taught))),
    }


def _columns() -> dict[str, Any]:
    return {"owner": (Course.school_id, Course.department_id)}


_LISTED = ("published", "cancelled")


def classes(session: Session, actor: Actor, term: TermKey, query: dict[str, Any]) -> Page:
    """Rows of the actor's schools in that term, what waits for a decision first."""
    taught = _taught(session, allow.schools(actor, "minimum.read"), actor.now)
    standing = sa.case(*((clause, name) for name, clause in _standings(taught, actor.now).items()), else_="over")
    rank = sa.case({name: n for n, name in enumerate(rules.STANDINGS)}, value=standing)
    found = (
        sa.select(Offering, _ENROLLED, _ASKED, _LOST)
        .join(Course, Course.id == Offering.course_id)
        .join(SharedItem, SharedItem.id == Course.id)
        .join(Offering.term)
        .where(allow.clause(actor, "minimum.read", _columns()), Offering.state.in_(_LISTED))
        .where(Term.academic_year == term.academic_year, Term.number == term.number)
        .options(
            contains_eager(Offering.term), selectinload(Offering.pools),
            joinedload(Offering.course).joinedload(Course.item).joinedload(SharedItem.owner),
            joinedload(Offering.course).selectinload(Course.staff),
        )
    )  # fmt: skip
    if query["standing"]:
        found = found.where(standing == query["standing"])
    if query["q"]:
        found = found.where(matches(query["q"]))
    page = fetch_page(session, found, [Key(rank), Key(Offering.id)], query["cursor"], query["limit"])
    return Page(_rows(session, actor, page.items), page.next, page.total)


def _rows(session: Session, actor: Actor, found: Sequence[tuple[Offering, int, int, int]]) -> list[Row]:
    days = policy_values.values(session, policies.DECIDE.key, {o.course.school_id for o, *_n in found}, actor.now)
    rows = []
    for offering, enrolled, places, lost in found:
        facts = facts_of(offering, enrolled, places)
        by = rules.decide_by(facts.closes, facts.ends, days[offering.course.school_id])
        standing = rules.standing(facts, actor.now)
        deciding = standing in DECIDABLE and may_decide(actor, offering)
        rows.append(Row(offering, facts, standing, by if facts.minimum else None, deciding, lost))
    return rows


def row_of(session: Session, actor: Actor, offering_id: int) -> Row:
    """The same of one, for whoever decides it."""
    query = sa.select(Offering, _ENROLLED, _ASKED, _LOST).where(Offering.id == offering_id)
    return _rows(session, actor, [session.execute(query).tuples().one()])[0]


DECIDABLE = ("waiting", "open", "reached", "unlimited")


def may_decide(actor: Actor, offering: Offering) -> bool:
    return allow.may(actor, "minimum.decide", subject(offering.course))


@dataclass(frozen=True)
class Ending:
    """What ends when these are off: so many classes, and the places in them of so many students."""

    classes: int
    students: int


def ending(session: Session, actor: Actor, ids: Collection[int]) -> Ending:
    """Of those that the actor decides."""
    e, decided = Enrolment, allow.clause(actor, "minimum.decide", _columns())
    query = sa.select(Offering.id).join(Course, Course.id == Offering.course_id)
    mine = list(session.scalars(query.where(Offering.id.in_(padded(sorted(ids))), decided)))
    people = sa.select(sa.func.count(sa.distinct(e.person_id))).where(e.offering_id.in_(padded(mine)), e.active())
    return Ending(len(mine), session.scalar(people) or 0)


def waiting(session: Session, actor: Actor) -> tuple[int, datetime | None]:
    """How many classes the actor has to decide, and when enrolling in the first of them ended."""
    o = Offering
    below = sa.and_(o.enrol_until <= actor.now, BELOW)
    query = sa.select(o.enrol_until, Term).join(Course, Course.id == o.course_id).join(Term, Term.id == o.term_id)
    query = query.where(allow.clause(actor, "minimum.decide", _columns()), o.state == "published", below)
    ended = [closes for closes, term in session.execute(query) if teaching_ends(term) > actor.now]
    return len(ended), min(ended, default=None)


def due_of(session: Session, actor: Actor, since: datetime | None) -> datetime | None:
    """Until when the first of them should be decided, by the strictest of the actor's schools."""
    schools = allow.schools(actor, "minimum.decide")
    days = policy_values.values(session, policies.DECIDE.key, schools, actor.now)
    return since + timedelta(days=min(days.values())) if since and days else None


# --- whose seats were lost --------------------------------------------------------------------------------------


def _lost() -> sa.Select[LostSeat]:
    course = contains_eager(LostSeat.offering).joinedload(Offering.course)
    return (
        sa.select(LostSeat)
        .join(LostSeat.enrolment)
        .join(LostSeat.offering)
        .join(Offering.term)
        .options(
            contains_eager(LostSeat.enrolment), contains_eager(LostSeat.offering).contains_eager(Offering.term),
            course.joinedload(Course.item).joinedload(SharedItem.owner),
        )
    )  # fmt: skip


def lost_by(session: Session, person_id: int) -> list[LostSeat]:
    """The student's lost seats, the latest first."""
    query = _lost().where(Enrolment.person_id == person_id)
    return list(session.scalars(query.order_by(Offering.decided_at.desc(), LostSeat.enrolment_id.desc())))


def term_of(lost: LostSeat) -> TermKey:
    return TermKey(lost.offering.term.academic_year, lost.offering.term.number)


def as_lost(lost: LostSeat) -> Lost:
    offering = lost.offering
    assert offering.decided_at is not None and offering.rescue_until is not None
    return Lost(offering.decided_at, offering.rescue_until, lost.enrolment_id)


Student = tuple[int, TermKey]


def found_by(session: Session, people: Collection[int], since: datetime) -> dict[Student, list[Found]]:
    """(person, term) → the seats that they have asked for since then, and hold or have lost in their turn."""
    e = Enrolment
    lost = sa.select(LostSeat.enrolment_id).where(LostSeat.enrolment_id == e.id).exists()
    query = (
        sa.select(e.person_id, Term.academic_year, Term.number, e.created_at, e.id)
        .join(Offering, Offering.id == e.offering_id)
        .join(Term, Term.id == Offering.term_id)
        .where(e.person_id.in_(padded(list(people))), sa.or_(e.holds_seat(), lost), e.created_at >= since)
    )
    found: dict[Student, list[Found]] = {}
    for person, year, number, at, id_ in session.execute(query):
        found.setdefault((person, TermKey(year, number)), []).append((at, id_))
    return found


def instead(session: Session, rows: Sequence[LostSeat]) -> dict[int, int | None]:
    """Lost enrolment → the one in its place, if there is one; of students all of whose lost seats are in `rows`."""
    if not rows:
        return {}
    since = min(as_lost(each).at for each in rows)
    found = found_by(session, {each.enrolment.person_id for each in rows}, since)
    by_student: dict[Student, list[Lost]] = {}
    for each in rows:
        by_student.setdefault((each.enrolment.person_id, term_of(each)), []).append(as_lost(each))
    return {
        lost.enrolment_id: enrolment
        for student, all_lost in by_student.items()
        for lost, enrolment in rules.made_good(all_lost, found.get(student, ()))
    }


def rescue_until(session: Session, person_id: int, year: str, number: int, now: datetime) -> datetime | None:
    """Enrolment's hook: 补选窗口 of the student in that term."""
    query = (
        sa.select(Offering.decided_at, Offering.rescue_until, Enrolment.id)
        .join(LostSeat, LostSeat.offering_id == Offering.id)
        .join(Enrolment, Enrolment.id == LostSeat.enrolment_id)
        .join(Term, Term.id == Offering.term_id)
        .where(Enrolment.person_id == person_id, Term.academic_year == year, Term.number == number)
    )
    lost = [Lost(at, until, id_) for at, until, id_ in session.execute(query) if at and until]
    if all(each.until <= now for each in lost):
        return None
    found = found_by(session, [person_id], min(each.at for each in lost))
    return rules.open_until(lost, found.get((person_id, TermKey(year, number)), ()), now)


@dataclass(frozen=True)
class Affected:
    """A student of the home school who lost a seat, and the enrolment in its place."""

    lost: LostSeat
    instead: Enrolment | None


def affected(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """Whose seats were lost, of the actor's schools, the latest first."""
    e = Enrolment
    home = allow.clause(actor, "minimum.affected", {"home": (e.home_school_id, e.home_department_id)})
    rows = _lost().options(
        contains_eager(LostSeat.enrolment).joinedload(e.person),
        contains_eager(LostSeat.enrolment).joinedload(e.affiliation).joinedload(Affiliation.department),
    )
    order = [Key(Offering.decided_at, descending=True, decode=datetime.fromisoformat), Key(LostSeat.enrolment_id)]
    page = fetch_page(session, rows.where(home), order, query["cursor"], query["limit"])
    whole = _lost().where(e.person_id.in_(padded([each.enrolment.person_id for each in page.items])))
    found = instead(session, list(session.scalars(whole)))
    new = _enrolments(session, [id_ for id_ in found.values() if id_])
    items = [Affected(each, new.get(found.get(each.enrolment_id) or 0)) for each in page.items]
    return Page(items, page.next, page.total)


def _enrolments(session: Session, ids: Collection[int]) -> dict[int, Enrolment]:
    course = joinedload(Enrolment.offering).joinedload(Offering.course).joinedload(Course.item)
    query = sa.select(Enrolment).where(Enrolment.id.in_(padded(list(ids)))).options(course)
    return {each.id: each for each in session.scalars(query)} if ids else {}


def without(session: Session, actor: Actor) -> tuple[int, int, datetime | None]:
    """(how many of the actor's students lost a seat and may still look for another, how many of these are without,
    until when the last of them may)."""
    e = Enrolment
    home = allow.clause(actor, "minimum.affected", {"home": (e.home_school_id, e.home_department_id)})
    rows = list(session.scalars(_lost().where(home, Offering.rescue_until > actor.now)))
    found = instead(session, rows)
    left = [each for each in rows if found[each.enrolment_id] is None]
    return len(rows), len(left), max((as_lost(each).until for each in left), default=None)
