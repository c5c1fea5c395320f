"""An offering as enrolling asks about it: plain values, read at once and with the word of the access rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, CoursePrerequisite, EnrolmentRound, Offering, SeatPool
from courses.catalogue.windows import ends_of
from courses.enrolment.rules import Pool, Round, Window
from courses.recognition import queries as recognition
from courses.recognition.models import Recognition
from zutuan.calendar.models import Term
from zutuan.clusters.models import School
from zutuan.db import UtcDateTime, padded, plain
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem

ON_CAMPUS = ("on_site", "mixed")


@dataclass(frozen=True)
class CountsAs:
    """What the home school says now that the course counts as for the student."""

    id: int
    outcome: str
    code: str
    name: str
    name_en: str
    category: str
    credits: Decimal


@dataclass(frozen=True)
class Wanted:
    """One offering. `editions`: pool → the edition under which its seats were offered when this was read; `requires`:
    (course, title) of what has to be completed before; `ends`: when its teaching is over; `counts_as`: at the home school
    that was asked for."""

    id: int
    course_id: int
    school_id: int
    school_name: str
    code: str
    title_zh: str
    title_en: str
    credits: Decimal
    delivery: str
    state: str
    course_state: str
    seats_by: str
    waitlist: bool
    for_grades: tuple[str, ...]
    for_majors: tuple[str, ...]
    window: Window
    academic_year: str
    number: int
    ends: datetime
    pools: tuple[Pool, ...]
    editions: dict[int, int]
    requires: tuple[tuple[int, str], ...]
    counts_as: CountsAs | None = None

    @property
    def chosen(self) -> bool:
        """The host chooses among those who ask."""
        return self.seats_by == "choice"

    def queues_at(self, now: datetime) -> bool:
        """Whether one may wait for a seat: a seat is handed on only while a round is open."""
        return self.waitlist and self.window.open_at(now)

    @property
    def by_lot(self) -> bool:
        """Seats are drawn for; what is left after the draw goes first come."""
        return self.seats_by == "lot"

    @property
    def on_campus(self) -> bool:
        return self.delivery in ON_CAMPUS


_ID: sa.BindParameter[int] = sa.bindparam("offering", type_=sa.BigInteger)
_COURSE: sa.BindParameter[int] = sa.bindparam("course", type_=sa.BigInteger)
_OFFERING: dict[str, Any] = {
    "course_id": Offering.course_id, "school_id": Course.school_id, "school_name": School.name, "code": Course.code,
    "title_zh": SharedItem.title_zh, "title_en": SharedItem.title_en, "credits": Course.credits,
    "delivery": Course.delivery, "state": Offering.state, "course_state": SharedItem.state,
    "seats_by": Offering.seats_by, "waitlist": Offering.waitlist, "for_grades": Offering.for_grades,
    "for_majors": Offering.for_majors, "academic_year": Term.academic_year, "number": Term.number,
}  # fmt: skip
_DATES: tuple[Any, ...] = (Offering.enrol_from, Offering.enrol_until, Term.first_day, Term.weeks)
_MORE: tuple[Any, ...] = (
    sa.select(EnrolmentRound.id).where(EnrolmentRound.offering_id == Offering.id).exists(),
    sa.select(CoursePrerequisite.id).where(CoursePrerequisite.course_id == Course.id).exists(),
)
_SAID: tuple[Any, ...] = tuple(getattr(Recognition, each.name) for each in fields(CountsAs))
_STANDS = recognition.latest(
    sa.bindparam("home", type_=sa.BigInteger), Course.id, sa.bindparam("viewer", type_=sa.BigInteger),
    sa.bindparam("viewer_now", type_=UtcDateTime()),
).correlate(Course).scalar_subquery()  # fmt: skip


def _wanted(*more: Any) -> Any:
    """One row for each pool: what is offered and under which edition are of the same instant."""
    pool = (SeatPool.id, SeatPool.scope, SeatPool.capacity - SeatPool.taken, SeatPool.edition)
    return (
        sa.select(*_OFFERING.values(), *_DATES, *more, *pool)
        .select_from(Offering)
        .join(Course, Course.id == Offering.course_id)
        .join(SharedItem, SharedItem.id == Course.id)
        .join(School, School.id == Course.school_id)
        .join(Term, Term.id == Offering.term_id)
        .outerjoin(SeatPool, SeatPool.offering_id == Offering.id)
        .order_by(SeatPool.id)
    )


_WANTED: Any = (
    _wanted(*_MORE, sharing.SEEN, *_SAID).outerjoin(Recognition, Recognition.id == _STANDS).where(Offering.id == _ID)
)
_SOME: Any = _wanted(*_MORE, Offering.id).where(Offering.id.in_(sa.bindparam("offerings", expanding=True)))
_ROUND: Any = sa.select(EnrolmentRound.kind, EnrolmentRound.opens, EnrolmentRound.closes).order_by(EnrolmentRound.opens)
_ROUNDS: Any = _ROUND.where(EnrolmentRound.offering_id == _ID)
_REQUIRED: Any = (
    sa.select(CoursePrerequisite.required_id, SharedItem.title_zh)
    .join(SharedItem, SharedItem.id == CoursePrerequisite.required_id)
    .order_by(CoursePrerequisite.id)
)
_REQUIRES: Any = _REQUIRED.where(CoursePrerequisite.course_id == _COURSE)


def read(session: Session, actor: Actor, offering_id: int, home_id: int = 0) -> tuple[Wanted, bool] | None:
    """The offering, and whether the actor sees it now; None: there is none of that id. `home_id`: the school as whose
    student they ask."""
    asked = {"offering": offering_id, "home": home_id, "viewer": actor.person_id, **sharing.viewer(actor)}
    rows = plain(session, _WANTED, asked)
    if not rows:
        return None
    has_rounds, has_requires, seen, *said = rows[0][len(_OFFERING) + len(_DATES) : -4]
    rounds = plain(session, _ROUNDS, {"offering": offering_id}) if has_rounds else ()
    requires = plain(session, _REQUIRES, {"course": _course(rows)}) if has_requires else ()
    counts_as = CountsAs(*said) if said[0] else None
    return _made(offering_id, rows, rounds, requires, counts_as), bool(seen)


def read_some(session: Session, offering_ids: Sequence[int]) -> dict[int, Wanted]:
    """Several offerings in three statements, without the word of the access rule."""
    r, p, ids = EnrolmentRound, CoursePrerequisite, padded(sorted(set(offering_ids)))
    of_each: dict[int, list[Any]] = {}
    for row in plain(session, _SOME, {"offerings": ids}):
        of_each.setdefault(row[-5], []).append(row)
    rounds, requires = dict[int, list[Any]](), dict[int, list[Any]]()
    query = _ROUND.with_only_columns(r.offering_id, r.kind, r.opens, r.closes).where(r.offering_id.in_(ids))
    for offering, *rest in session.execute(query):
        rounds.setdefault(offering, []).append(rest)
    courses = padded(sorted({_course(rows) for rows in of_each.values()}))
    query = _REQUIRED.with_only_columns(p.course_id, p.required_id, SharedItem.title_zh).where(p.course_id.in_(courses))
    for course, *rest in session.execute(query):
        requires.setdefault(course, []).append(rest)
    return {
        id_: _made(id_, rows, rounds.get(id_, ()), requires.get(_course(rows), ())) for id_, rows in of_each.items()
    }


def _course(rows: Sequence[Any]) -> int:
    return int(rows[0][0])  # the first of `_OFFERING`


def _made(
    offering_id: int,
    rows: Sequence[Any],
    rounds: Iterable[Any],
    requires: Iterable[Any],
    counts_as: CountsAs | None = None,
) -> Wanted:
    """`rows`: one for each pool."""
    own = dict(zip(_OFFERING, rows[0], strict=False))
    opens, closes, first_day, weeks = rows[0][len(_OFFERING) : len(_OFFERING) + len(_DATES)]
    pools = [row[-4:] for row in rows if row[-4] is not None]
    own |= {
        "for_grades": tuple(own["for_grades"]),
        "for_majors": tuple(own["for_majors"]),
        "window": Window(opens, closes, tuple(Round(*each) for each in rounds)),
        "ends": ends_of(first_day, weeks),
        "pools": tuple(Pool(id_, scope, left) for id_, scope, left, _edition in pools),
        "editions": {id_: edition for id_, _scope, _left, edition in pools},
        "requires": tuple((id_, title) for id_, title in requires),
    }
    return Wanted(id=offering_id, **own, counts_as=counts_as)
