"""Classes in which a student could make good a lost seat: other classes of the course first, then what counts as the same
at home, then whatever else counts there, then courses of the same category."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, selectinload

from courses.admission import queries as admission
from courses.admission.queries import TermKey
from courses.catalogue import hooks
from courses.catalogue import queries as catalogue
from courses.catalogue.hooks import CountsAs
from courses.catalogue.models import Course, Offering, SeatPool
from courses.catalogue.services import teaching_ends
from courses.enrolment import facts
from courses.enrolment.models import Enrolment
from courses.minimum.models import LostSeat
from courses.minimum.queries import BELOW, term_of
from zutuan.calendar import feeds, sources
from zutuan.calendar.models import Occurrence, Term
from zutuan.db import padded
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor, Belongs
from zutuan.sharing.models import SharedItem

LOOKED_AT, SHOWN = 150, 12


@dataclass(frozen=True)
class Alternative:
    """A class that the student could take now, as far as a list can say: the class's own page has the last word. `unsure`:
    it is below its own minimum, and nobody has confirmed it yet. `counts_as`: what the home school says of it."""

    offering: Offering
    same_course: bool
    left: int
    unsure: bool
    counts_as: CountsAs | None = None


def of(session: Session, actor: Actor, lost: LostSeat) -> list[Alternative]:
    """With seats left for the student, no clash, and seats for who comes first."""
    home = next((b for b in actor.affiliations if b.affiliation_id == lost.enrolment.affiliation_id), None)
    if home is None:
        return []
    pools = catalogue.my_pools(actor) or []
    candidates = _candidates(session, actor, lost, pools)
    found = [each for each in candidates if _open(each, home, actor.now)]
    found = _without_clash(session, actor, _admitted(session, home, found, term_of(lost), actor.now))
    course = lost.offering.course_id
    counts = hooks.recognised(session, actor, sorted({course, *(each.course_id for each in found)}))
    found.sort(key=lambda each: _rank(each.course_id, course, counts))  # those alike stay in their order
    return [
        Alternative(each, each.course_id == course, _left(each, pools), candidates[each], counts.get(each.course_id))
        for each in found[:SHOWN]
    ]


def _rank(course_id: int, lost: int, counts: Mapping[int, CountsAs]) -> int:
    """The same course; what counts as the same; what counts; what nobody has said anything of; what does not count."""
    said, was = counts.get(course_id), counts.get(lost)
    if course_id == lost:
        return 0
    if said is None or said.outcome != "counts":
        return 4 if said is not None and said.outcome == "refused" else 3
    same = was is not None and was.outcome == "counts" and (said.code, said.name) == (was.code, was.name)
    return 1 if same else 2


def _left(offering: Offering, pools: Sequence[str]) -> int:
    return sum(max(pool.left, 0) for pool in offering.pools if pool.scope in pools)


def _candidates(session: Session, actor: Actor, lost: LostSeat, pools: Sequence[str]) -> dict[Offering, bool]:
    """In the order in which those alike are shown, each with whether it is unsure: those come last."""
    course, term = lost.offering.course, term_of(lost)
    e = Enrolment
    done = sa.or_(e.active(), e.home_state == "completed")
    mine = (
        sa.select(Offering.course_id).join(e, e.offering_id == Offering.id).where(e.person_id == actor.person_id, done)
    )
    free = Offering.pools.any(sa.and_(SeatPool.taken < SeatPool.capacity, SeatPool.scope.in_(padded(list(pools)))))
    homes = sorted(each.school_id for each in actor.affiliations if each.kind == "student")
    query = (
        sa.select(Offering, BELOW)
        .join(Offering.course)
        .join(SharedItem, SharedItem.id == Course.id)
        .join(Offering.term)
        .where(Offering.state == "published", SharedItem.state == "published", Offering.seats_by == "first_come", free)
        .where(Term.academic_year == term.academic_year, Term.number == term.number)
        .where(sa.or_(Course.id == course.id, Course.category == course.category, hooks.counting(actor)))
        .where(Course.school_id.not_in(homes), Course.id.not_in(mine))
        .order_by(sa.case((Course.id == course.id, 0), else_=1), sa.case((BELOW, 1), else_=0), sa.func.abs(Course.credits - course.credits), Offering.id)
        .limit(LOOKED_AT)
        .options(
            contains_eager(Offering.term), selectinload(Offering.meetings), selectinload(Offering.pools),
            selectinload(Offering.rounds),
            contains_eager(Offering.course).joinedload(Course.item).joinedload(SharedItem.owner),
        )
    )  # fmt: skip
    return {offering: bool(below) for offering, below in session.execute(sharing.seen_by(actor, query))}


def _open(offering: Offering, home: Belongs, now: datetime) -> bool:
    """It is still taught, is meant for this student, and has no round that is yet to open."""
    window = facts.window(offering)
    meant = (not offering.for_grades or home.grade in offering.for_grades) and (
        not offering.for_majors or home.major in offering.for_majors
    )
    return meant and now < teaching_ends(offering.term) and (window.open_at(now) or window.closed_at(now))


def _admitted(
    session: Session, home: Belongs, found: list[Offering], term: TermKey, now: datetime
) -> list[Offering]:  # fmt: skip
    """Those that the home school lets its students choose (可选课程)."""
    if admission.way(session, home.school_id, now) != "picked":
        return found
    picked = admission.picked(session, home.school_id, {each.course_id for each in found}, term)
    return [each for each in found if each.course_id in picked]


def _without_clash(session: Session, actor: Actor, found: list[Offering]) -> list[Offering]:
    """Those whose meetings ahead meet nothing else of the student's time."""
    o = Occurrence
    query = sa.select(o.resource_id, o.starts, o.ends).where(o.resource_type == "offering", o.state == "active")
    ids = padded([each.id for each in found])
    rows = session.execute(query.where(o.resource_id.in_(ids), o.ends > actor.now)).tuples().all()
    if not rows:
        return found
    until = max(ends for _id, _starts, ends in rows)
    entries = feeds.entries(session, actor, sources.known(), actor.now, until)
    busy = _merged((each.row.starts, each.row.ends) for each in entries)
    clashing = {id_ for id_, starts, ends in rows if _meets(busy, starts, ends)}
    return [each for each in found if each.id not in clashing]


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The same time as intervals that do not touch, in order."""
    merged: list[tuple[datetime, datetime]] = []
    for starts, ends in sorted(spans):
        if merged and starts <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        else:
            merged.append((starts, ends))
    return merged


def _meets(busy: Sequence[tuple[datetime, datetime]], starts: datetime, ends: datetime) -> bool:
    """Whether any of the (ordered, disjoint) intervals overlaps [starts, ends)."""
    before = bisect_left(busy, (ends,))
    return before > 0 and busy[before - 1][1] > starts
