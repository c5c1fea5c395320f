"""An offering as enrolling asks about it: plain values, read at once and with the word of the access rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, CoursePrerequisite, EnrolmentRound, Offering, SeatPool
from courses.catalogue.windows import ends_of
from courses.enrolment.rules import Pool, Round, Window
from zutuan.calendar.models import Term
from zutuan.clusters.models import School
from zutuan.db import plain
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem

ON_CAMPUS = ("on_site", "mixed")


@dataclass(frozen=True)
class Wanted:
    """One offering. `editions`: pool → the edition under which its seats were offered when this was read; `requires`:
    (course, title) of what has to be completed before; `ends`: when its teaching is over."""

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

    @property
    def chosen(self) -> bool:
        """The host chooses among those who ask."""
        return self.seats_by == "choice"

    def queues_at(self, now: datetime) -> bool:
        """Whether one may wait for a seat: a seat is handed on only while a round is open."""
        return self.waitlist and self.window.open_at(now)

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
    sharing.SEEN,
)
# One row for each pool: what is offered and under which edition are of the same instant.
_WANTED: Any = (
    sa.select(
        *_OFFERING.values(),
        *_DATES,
        *_MORE,
        SeatPool.id,
        SeatPool.scope,
        SeatPool.capacity - SeatPool.taken,
        SeatPool.edition,
    )
    .select_from(Offering)
    .join(Course, Course.id == Offering.course_id)
    .join(SharedItem, SharedItem.id == Course.id)
    .join(School, School.id == Course.school_id)
    .join(Term, Term.id == Offering.term_id)
    .outerjoin(SeatPool, SeatPool.offering_id == Offering.id)
    .where(Offering.id == _ID)
    .order_by(SeatPool.id)
)
_ROUNDS: Any = (
    sa.select(EnrolmentRound.kind, EnrolmentRound.opens, EnrolmentRound.closes)
    .where(EnrolmentRound.offering_id == _ID)
    .order_by(EnrolmentRound.opens)
)
_REQUIRES = (
    sa.select(CoursePrerequisite.required_id, SharedItem.title_zh)
    .join(SharedItem, SharedItem.id == CoursePrerequisite.required_id)
    .where(CoursePrerequisite.course_id == _COURSE)
    .order_by(CoursePrerequisite.id)
)


def read(session: Session, actor: Actor, offering_id: int) -> tuple[Wanted, bool] | None:
    """The offering, and whether the actor sees it now; None: there is none of that id."""
    rows = plain(session, _WANTED, {"offering": offering_id, **sharing.viewer(actor)})
    if not rows:
        return None
    own = dict(zip(_OFFERING, rows[0], strict=False))
    opens, closes, first_day, weeks, has_rounds, has_requires, seen = rows[0][len(_OFFERING) : -4]
    pools = [row[-4:] for row in rows if row[-4] is not None]
    rounds = plain(session, _ROUNDS, {"offering": offering_id}) if has_rounds else ()
    requires = plain(session, _REQUIRES, {"course": own["course_id"]}) if has_requires else ()
    own |= {
        "for_grades": tuple(own["for_grades"]),
        "for_majors": tuple(own["for_majors"]),
        "window": Window(opens, closes, tuple(Round(*each) for each in rounds)),
        "ends": ends_of(first_day, weeks),
        "pools": tuple(Pool(id_, scope, left) for id_, scope, left, _edition in pools),
        "editions": {id_: edition for id_, _scope, _left, edition in pools},
        "requires": tuple((id_, title) for id_, title in requires),
    }
    return Wanted(id=offering_id, **own), bool(seen)
