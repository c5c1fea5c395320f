"""Reading grades: a class's sheets, the rows of one, the registrar's lists, a student's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, selectinload

from courses.catalogue.models import Course, Offering
from courses.enrolment.models import Enrolment
from courses.grades import policies, rules
from courses.grades.models import GradeEntry, GradeScheme, GradeSheet
from courses.grades.permissions import allow
from courses.grades.rules import Grade
from courses.grades.schemes import WHOLE, Scheme, check_scheme, own_mark, read_parts
from zutuan.clusters.models import School
from zutuan.decision import Refusal
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.people.models import Affiliation, Person
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject

_HERE = ("accepted", "completed")
ENROLLED = sa.and_(Enrolment.home_state.in_(_HERE), Enrolment.host_state.in_(_HERE))
_STAFF = selectinload(Course.staff)


def subject(offering: Offering, type_: str = "offering", id_: int | None = None) -> Subject:
    """An offering's grades as the permission table sees them."""
    course = offering.course
    place = Place(course.school_id, course.department_id)
    staff = frozenset(each.person_id for each in course.staff)
    return Subject(type_, id_ or offering.id, places={"host": place}, persons={"staff": staff})


def sheet_subject(sheet: GradeSheet) -> Subject:
    return subject(sheet.offering, "grade_sheet", sheet.id)


_CLASS = (
    joinedload(Offering.course).joinedload(Course.item), joinedload(Offering.course).options(_STAFF),
    joinedload(Offering.term),
)  # fmt: skip


def view_class(session: Session, actor: Actor, offering_id: int, action: str = "grades.read") -> Offering:
    """The offering for whoever has to do with its grades; 404 for anybody else."""
    offering = session.get(Offering, offering_id, options=_CLASS)
    if offering is None:
        raise NotFound
    if not allow.may(actor, "grades.read", subject(offering)):
        raise Hidden(Denial(action, "offering", offering_id))
    return offering


def view_sheet(
    session: Session, actor: Actor, sheet_id: int, action: str = "grades.read", *, hold: bool = False
) -> GradeSheet:
    """The sheet, or 404. `hold`: nobody else writes in it until the commit; the action itself is then required too."""
    query = sa.select(GradeSheet).where(GradeSheet.id == sheet_id)
    query = query.options(joinedload(GradeSheet.offering).options(*_CLASS))
    if hold:
        query = query.with_for_update(of=GradeSheet).execution_options(populate_existing=True)
    sheet = session.scalar(query)
    if sheet is None:
        raise NotFound
    if not allow.may(actor, "grades.read", sheet_subject(sheet)):
        raise Hidden(Denial(action, "grade_sheet", sheet_id))
    if hold:
        allow.require(actor, action, sheet_subject(sheet))
    return sheet


def sheets_of(session: Session, offering_id: int) -> list[GradeSheet]:
    """In the order in which they were opened."""
    query = sa.select(GradeSheet).where(GradeSheet.offering_id == offering_id).order_by(GradeSheet.id)
    return list(session.scalars(query))


# --- how a class is graded --------------------------------------------------------------------------------------


def scheme_row(session: Session, offering_id: int) -> GradeScheme | None:
    return session.get(GradeScheme, offering_id)


def scheme_of(session: Session, offering: Offering, now: datetime) -> Scheme:
    """As its teacher has said, or as the school has it."""
    row = scheme_row(session, offering.id)
    if row is not None:
        return Scheme(row.scale, row.places, tuple((each["name"], each["weight"]) for each in row.parts))
    school_id = offering.course.school_id
    scale, places, text = (policy_values.value(session, policy, school_id, now) for policy in policies.ALL)
    parts = read_parts(text)
    wrong = isinstance(parts, Refusal) or check_scheme(scale, places, parts) is not None
    return Scheme(scale, places, () if isinstance(parts, Refusal) or wrong else parts)


# --- attempts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attempt:
    """A confirmed row: one sitting of one student."""

    entry: GradeEntry
    sheet: GradeSheet
    grade: Grade
    kind: str


def grade_of(entry: GradeEntry) -> Grade | None:
    return rules.kept(entry.scale, entry.grade, entry.mark)


def attempts_of(session: Session, ids: Collection[int], without: int | None = None) -> dict[int, list[Attempt]]:
    """Enrolment → its confirmed attempts, in order; `without`: a sheet that is left out."""
    if not ids:
        return {}
    query = sa.select(GradeEntry, GradeSheet).join(GradeSheet, GradeSheet.id == GradeEntry.sheet_id)
    query = query.where(
        GradeEntry.enrolment_id.in_(ids), GradeSheet.state == "confirmed", GradeSheet.id != (without or 0)
    )
    rows = session.execute(query.order_by(GradeSheet.confirmed_at, GradeSheet.id)).tuples().all()
    again = retakes(session, ids) if rows else set()
    found: dict[int, list[Attempt]] = {}
    for entry, sheet in rows:
        grade, id_ = grade_of(entry), entry.enrolment_id
        kind = rules.RETAKE if sheet.attempt == rules.FIRST and id_ in again else sheet.attempt
        if grade is not None:
            found.setdefault(id_, []).append(Attempt(entry, sheet, grade, kind))
    return found


def retakes(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the enrolments that are a 重修: their student has failed the course in an earlier one."""
    mine, earlier, here, there = aliased(Enrolment), aliased(Enrolment), aliased(Offering), aliased(Offering)
    query = (
        sa.select(mine.id).join(here, here.id == mine.offering_id)
        .join(earlier, sa.and_(earlier.person_id == mine.person_id, earlier.id < mine.id))
        .join(there, sa.and_(there.id == earlier.offering_id, there.course_id == here.course_id))
        .where(mine.id.in_(ids), earlier.passed.is_(False))
    )  # fmt: skip
    return set(session.scalars(query))


def kinds(attempts: Iterable[Attempt]) -> list[tuple[str, Grade]]:
    """As the rules take them."""
    return [(each.kind, each.grade) for each in attempts]


# --- the rows of a sheet ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One student of a sheet; `before`: what they got in other sheets of the class."""

    enrolment: Enrolment
    entry: GradeEntry | None = None
    before: tuple[Attempt, ...] = ()

    @property
    def version(self) -> int:
        return self.entry.version if self.entry else 0

    @property
    def grade(self) -> Grade | None:
        return grade_of(self.entry) if self.entry else None

    @property
    def total(self) -> str:
        return str(self.grade) if self.grade else ""

    @property
    def mark(self) -> str:
        """What was chosen for the whole."""
        return own_mark(self.entry.parts, self.entry.mark) if self.entry else ""

    @property
    def remark(self) -> str:
        return self.entry.remark if self.entry else ""

    def part(self, name: str) -> str:
        """What stands in that column."""
        if self.entry is None:
            return ""
        return self.entry.grade if name == WHOLE else self.entry.parts.get(name, "")


def rows_of(session: Session, sheet: GradeSheet, *, hold: bool = False) -> list[Row]:
    """Who is on the sheet, by school and 学工号. A confirmed one names who was graded; any other whoever is enrolled and
    may sit it now. `hold`: nobody of them leaves the class until the commit."""
    entries = _entries(session, sheet)
    enrolments = _enrolments(session, sheet, hold=hold)
    if sheet.state == "confirmed":
        return [Row(each, entries[each.id]) for each in enrolments if each.id in entries]
    before = attempts_of(session, [each.id for each in enrolments], without=sheet.id)
    return [
        Row(each, entries.get(each.id), tuple(before.get(each.id, ())))
        for each in enrolments
        if rules.belongs(sheet.attempt, _as_first(before.get(each.id, ())), enrolled=True) is None
    ]


def _as_first(attempts: Iterable[Attempt]) -> list[tuple[str, Grade]]:
    """A 重修 is the first sitting of its own class."""
    return [(each.sheet.attempt, each.grade) for each in attempts]


def _entries(session: Session, sheet: GradeSheet) -> dict[int, GradeEntry]:
    writer = joinedload(GradeEntry.writer).load_only(Person.name)
    query = sa.select(GradeEntry).where(GradeEntry.sheet_id == sheet.id).options(writer)
    query = query.execution_options(populate_existing=True)
    return {each.enrolment_id: each for each in session.scalars(query)}


def _enrolments(session: Session, sheet: GradeSheet, *, hold: bool) -> list[Enrolment]:
    query = (
        sa.select(Enrolment)
        .join(Affiliation, Affiliation.id == Enrolment.affiliation_id)
        .where(Enrolment.offering_id == sheet.offering_id, *([] if sheet.state == "confirmed" else [ENROLLED]))
        .options(
            contains_eager(Enrolment.affiliation),
            joinedload(Enrolment.person).load_only(Person.name, Person.demonstration),
            joinedload(Enrolment.home_school).load_only(School.name),
        )
        .order_by(Enrolment.home_school_id, Affiliation.number, Enrolment.id)
    )
    if hold:
        held = sa.select(Enrolment.id).where(Enrolment.offering_id == sheet.offering_id, ENROLLED)
        session.execute(held.order_by(Enrolment.id).with_for_update(of=Enrolment))
        query = query.execution_options(populate_existing=True)
    return list(session.scalars(query))


def candidates(session: Session, offering_id: int, attempt: str) -> int:
    """How many would be on another sheet of that attempt."""
    ids = session.scalars(sa.select(Enrolment.id).where(Enrolment.offering_id == offering_id, ENROLLED)).all()
    before = attempts_of(session, ids)
    return sum(rules.belongs(attempt, _as_first(before.get(id_, ())), enrolled=True) is None for id_ in ids)


def names(rows: Sequence[Row]) -> list[str]:
    return [f"{row.enrolment.person.name} {row.enrolment.affiliation.number}" for row in rows]


def names_in(session: Session, offering_id: int, ids: Collection[int]) -> dict[int, str]:
    """Enrolment → who it is, of those that are or were in the class."""
    query = sa.select(Enrolment.id, Person.name, Affiliation.number).join(Person, Person.id == Enrolment.person_id)
    query = query.join(Affiliation, Affiliation.id == Enrolment.affiliation_id)
    rows = session.execute(query.where(Enrolment.offering_id == offering_id, Enrolment.id.in_(ids))) if ids else ()
    return {id_: f"{name} {number}" for id_, name, number in rows}


def graded(session: Session, offering_id: int) -> bool:
    """Whether the class has confirmed grades; until the commit none are confirmed beside us."""
    query = sa.select(GradeSheet.state).where(GradeSheet.offering_id == offering_id).order_by(GradeSheet.id)
    return "confirmed" in session.scalars(query.with_for_update()).all()


# --- a student's own --------------------------------------------------------------------------------------------


def of_enrolments(session: Session, ids: Collection[int]) -> dict[int, list[Attempt]]:
    """Enrolment → what its student may see: confirmed attempts only."""
    return attempts_of(session, ids)


def stands(attempts: Sequence[Attempt]) -> tuple[Attempt, Grade] | None:
    """The attempt that counts, and what it counts as."""
    found = rules.standing(kinds(attempts))
    return (attempts[found[0]], found[1]) if found else None
