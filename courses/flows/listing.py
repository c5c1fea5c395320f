"""The rows behind a figure, as lists show them: of now, or of a freeze."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from courses.catalogue.models import Course, Offering
from courses.enrolment import rules as enrolment
from courses.enrolment.models import Enrolment
from courses.flows import counting, figures, rules
from courses.flows.counting import Scope
from courses.flows.figures import Figure
from courses.results.models import Result
from zutuan.clusters.models import School
from zutuan.db import chunks
from zutuan.errors import Invalid
from zutuan.paging import Key, Page, fetch_page
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.models import SharedItem

_HOME, _HOST = aliased(School, name="home"), aliased(School, name="host")


@dataclass(frozen=True)
class Line:
    """One row. `student` and `number` are empty where the reader is not to know them; `adds`: what it adds to the figure
    (seconds of an approval); `counts`: whether a row of a freeze is counted now, too."""

    id: int
    host: str
    title_zh: str
    title_en: str
    course_id: int
    offering_id: int | None = None
    code: str = ""
    home: str = ""
    state: str = ""
    at: datetime | None = None
    student: str = ""
    number: str = ""
    adds: int | Decimal | None = None
    seats: int | None = None
    taken: int | None = None
    counts: bool = True


def page(
    session: Session, figure: Figure, scope: Scope, named: Collection[int], home: int | None, host: int | None,
    cursor: str | None, limit: int,
) -> Page:  # fmt: skip
    """One page of what the figure counts at those schools."""
    query = figures.at(figure, figures.select(figure, scope), home, host)
    found = fetch_page(session, _shown(figure, query, named), [Key(figures.columns(figure)[0])], cursor, limit)
    return Page([_line(figure, row) for row in found.items], found.next, found.total)


def every(
    session: Session, figure: Figure, scope: Scope, named: Collection[int], home: int | None, host: int | None
) -> Iterator[Line]:
    """All of it, for a workbook."""
    query = figures.at(figure, figures.select(figure, scope), home, host)
    for row in session.execute(_shown(figure, query, named).order_by(figures.columns(figure)[0])):
        yield _line(figure, row)


def value(session: Session, figure: Figure, scope: Scope, home: int | None, host: int | None) -> Decimal | None:
    """The figure's number, made of those rows."""
    if figure.how == "share":
        part, whole = (
            value(session, figures.BY_KEY[key], scope, home, host) for key in (figure.part, figure.whole)
        )  # fmt: skip
        return rules.share(part, whole)
    query = figures.at(figure, figures.select(figure, scope), home, host)
    adds = figures.columns(figure)[3].label("adds")
    if figure.how != "sum":
        return figure.measure(list(session.scalars(query.with_only_columns(adds, maintain_column_froms=True))))
    rows = query.with_only_columns(adds, maintain_column_froms=True).subquery().c
    return Decimal(session.scalar(sa.select(sa.func.sum(rows.adds))) or 0)


def frozen_page(
    session: Session, figure: Figure, scope: Scope, named: Collection[int], ids: Sequence[int], cursor: str | None,
    limit: int,
) -> Page:  # fmt: skip
    """Of the rows that were counted once, in order, those that are still there, as they are now."""
    after = _after(cursor)
    rest = [id_ for id_ in ids if id_ > after]
    here = rest[:limit]
    following = str(here[-1]) if len(rest) > limit else None
    return Page(_frozen(session, figure, scope, named, here), following, len(ids))


def _after(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > 18:
        raise Invalid.field("cursor", "bad_cursor")
    return int(cursor)


def frozen_every(
    session: Session, figure: Figure, scope: Scope, named: Collection[int], ids: Sequence[int]
) -> Iterator[Line]:
    for part in chunks(ids, 1000):
        yield from _frozen(session, figure, scope, named, part)


def _frozen(
    session: Session, figure: Figure, scope: Scope, named: Collection[int], ids: Sequence[int]
) -> list[Line]:  # fmt: skip
    column = figures.columns(figure)[0]
    still = figures.select(figure, scope).with_only_columns(column, maintain_column_froms=True).where(column.in_(ids))
    counted = set(session.scalars(still))
    found = session.execute(_shown(figure, _by_id(figure, ids), named).order_by(column))
    return [_line(figure, row, counts=row[0] in counted) for row in found]


def _by_id(figure: Figure, ids: Sequence[int]) -> Any:
    if figure.rows == figures.COURSE:
        return counting.courses(ids)
    if figure.rows == figures.OFFERING:
        query = sa.select(Offering.id).select_from(Offering).where(Offering.id.in_(ids))
    else:
        query = sa.select(Enrolment.id).select_from(Enrolment).where(Enrolment.id.in_(ids))
        query = query.join(Offering, Offering.id == Enrolment.offering_id)
        query = query.outerjoin(Result, Result.enrolment_id == Enrolment.id)
    query = query.join(Course, Course.id == Offering.course_id)
    return query.join(SharedItem, SharedItem.id == Course.id)


# --- columns ------------------------------------------------------------------------------------------------------

_TITLES = (SharedItem.title_zh, SharedItem.title_en, Course.id)


def _shown(figure: Figure, query: Any, named: Collection[int]) -> Any:
    """The rows with what a list shows of them."""
    by_kind: dict[str, Callable[..., Any]] = {figures.COURSE: _courses, figures.OFFERING: _offerings}
    show: Callable[..., Any] = by_kind.get(figure.rows, _enrolments)
    return show(figure, query, named)


def _courses(_figure: Figure, query: Any, _named: Collection[int]) -> Any:
    query = query.join(_HOST, _HOST.id == Course.school_id)
    return query.with_only_columns(Course.id, _HOST.name, *_TITLES, Course.code, maintain_column_froms=True)


def _offerings(_figure: Figure, query: Any, _named: Collection[int]) -> Any:
    query = query.join(_HOST, _HOST.id == Course.school_id)
    seats = (counting.capacity().label("capacity"), counting.taken().label("taken"))
    return query.with_only_columns(Offering.id, _HOST.name, *_TITLES, Offering.code, *seats, maintain_column_froms=True)


def _enrolments(figure: Figure, query: Any, named: Collection[int]) -> Any:
    e, own = Enrolment, sorted(named)
    known = sa.or_(e.home_school_id.in_(own), e.host_school_id.in_(own)) if own else sa.false()
    query = query.join(_HOME, _HOME.id == e.home_school_id).join(_HOST, _HOST.id == e.host_school_id)
    query = query.join(Person, Person.id == e.person_id).join(Affiliation, Affiliation.id == e.affiliation_id)
    who = [sa.case((known, column), else_="") for column in (Person.name, Affiliation.number)]
    told = (Offering.code, Offering.id, _HOME.name, e.home_state, e.host_state, figures.STOPPED, e.created_at)
    adds = figures.columns(figure)[3].label("adds")
    return query.with_only_columns(e.id, _HOST.name, *_TITLES, *told, *who, adds, maintain_column_froms=True)


def _line(figure: Figure, row: Sequence[Any], *, counts: bool = True) -> Line:
    id_, host, zh, en, course_id, code, *more = row
    if figure.rows == figures.COURSE:
        return Line(id_, host, zh, en, course_id, code=code, counts=counts)
    if figure.rows == figures.OFFERING:
        seats, taken = more[:2]
        return Line(id_, host, zh, en, course_id, id_, code, seats=seats, taken=taken, counts=counts)
    offering_id, home, home_state, host_state, stopped, at, student, number, adds = more[:9]
    state = "stopped" if stopped else enrolment.combined(enrolment.Tracks(home_state, host_state))
    return Line(
        id_, host, zh, en, course_id, offering_id, code, home, state, at, student, number, adds, counts=counts
    )  # fmt: skip
