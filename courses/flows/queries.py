"""Reading flows: who may see which, the terms there are, the board's numbers, and what was frozen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from courses.catalogue.models import Course, Offering
from courses.enrolment.models import Enrolment
from courses.flows import counting, figures, rules
from courses.flows.counting import Scope
from courses.flows.models import FigureFreeze, FrozenValue
from courses.flows.permissions import allow
from courses.flows.rules import TermKey
from zutuan.calendar.models import Term
from zutuan.clock import local
from zutuan.clusters.models import Cluster, Membership, School
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.people.models import Person
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import fetch

RANKS = (50, 90)


# --- who sees what ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Access:
    """What an actor sees of a cluster: everything, or (`schools`) the lines of their own schools. Of rows on either side
    of which is one of `named`, who it is."""

    cluster: Cluster
    named: frozenset[int]
    whole: bool
    may_freeze: bool = False

    @property
    def schools(self) -> frozenset[int] | None:
        return None if self.whole else self.named


def subject(cluster_id: int) -> Subject:
    return Subject("cluster", cluster_id, cluster_id=cluster_id)


def access(session: Session, actor: Actor, cluster_id: int) -> Access:
    """404 for whoever neither runs the cluster nor looks after a school that is or was a member."""
    cluster = fetch(session, Cluster, cluster_id)
    whole = allow.may(actor, "flows.read", subject(cluster_id))
    own = _own_schools(actor)
    member = sa.select(Membership.school_id).where(Membership.cluster_id == cluster_id, Membership.school_id.in_(own))
    named = frozenset(session.scalars(member)) if own else frozenset()
    if not whole and not named:
        raise Hidden(Denial("flows.read", "cluster", cluster_id))
    return Access(cluster, named, whole, allow.may(actor, "flows.freeze", subject(cluster_id)))


def _own_schools(actor: Actor) -> list[int]:
    """Those that the actor looks after as a whole: a role that is limited to a department is not enough."""
    asked = sorted(allow.schools(actor, "flows.read_own"))
    return [
        id_ for id_ in asked if allow.may(actor, "flows.read_own", Subject(places={"school": Place(id_)}))
    ]  # fmt: skip


def mine(session: Session, actor: Actor) -> list[Cluster]:
    """The clusters whose flows the actor may read."""
    member = sa.select(Membership.cluster_id).where(Membership.school_id.in_(_own_schools(actor)))
    runs = [held.cluster_id for held in actor.roles if held.role == "cluster_admin" and held.cluster_id is not None]
    query = sa.select(Cluster).order_by(Cluster.id)
    if not allow.may(actor, "flows.read", Subject("cluster")):  # a platform admin reads all of them
        query = query.where(sa.or_(Cluster.id.in_(runs), Cluster.id.in_(member)))
    return list(session.scalars(query))


def terms(session: Session, cluster_id: int, now: datetime) -> tuple[list[TermKey], TermKey | None]:
    """The terms that the cluster's schools have or had, the latest first; and the one that is on, or was last."""
    members = sa.select(Membership.school_id).where(Membership.cluster_id == cluster_id)
    first: sa.ColumnElement[date] = sa.func.min(Term.first_day)
    query = sa.select(Term.academic_year, Term.number, first).where(Term.school_id.in_(members))
    found = session.execute(query.group_by(Term.academic_year, Term.number)).all()
    keys = sorted(((TermKey(year, number), begins) for year, number, begins in found), reverse=True)
    begun = [key for key, begins in sorted(keys, key=lambda each: each[1]) if begins <= local(now).date()]
    return [key for key, _ in keys], begun[-1] if begun else (keys[0][0] if keys else None)


def narrowed(scope: Scope, school_id: int | None) -> Scope:
    """Only rows that have the school on either side; nobody is shown more by it."""
    if school_id is None or (scope.schools is not None and school_id not in scope.schools):
        return scope
    return replace(scope, schools=frozenset({school_id}))


# --- the board ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SchoolLine:
    id: int
    name: str
    role: str = ""


@dataclass(frozen=True)
class Board:
    """Every cell that has rows, and the schools that they are of."""

    values: rules.Values
    schools: Sequence[SchoolLine]

    def get(self, figure: str, home: int | None = None, host: int | None = None) -> Decimal | None:
        return self.values.get((figure, home, host), figures.EMPTY.get(figure))


def board(session: Session, scope: Scope, now: datetime) -> Board:
    """The numbers of now, by one grouped statement for each kind of row."""
    values: dict[rules.Cell, Decimal | None] = {**_of_enrolments(session, scope), **_of_offerings(session, scope)}
    values |= _of_words(session, scope)
    figures.add_shares(values)
    if scope.schools is not None:
        values = rules.of_schools(values, scope.schools)
    return Board(values, schools(session, scope.cluster_id, _named_in(values), now))


def _named_in(values: Iterable[rules.Cell]) -> set[int]:
    return {id_ for _figure, *pair in values for id_ in pair if id_ is not None}


def schools(session: Session, cluster_id: int, more: Collection[int], now: datetime) -> list[SchoolLine]:
    """The members of now, the lead first, and whoever else has rows."""
    member = sa.and_(Membership.school_id == School.id, Membership.cluster_id == cluster_id, Membership.open_at(now))
    order = sa.case({"lead": 0, "partner": 1, "supported": 2}, value=Membership.role, else_=3)
    query = sa.select(School.id, School.name, sa.func.coalesce(Membership.role, "")).outerjoin(Membership, member)
    query = query.where(sa.or_(Membership.id.is_not(None), School.id.in_(sorted(more))))
    return [SchoolLine(*row) for row in session.execute(query.order_by(order, School.id))]


def _counted(figure: figures.Figure, scope: Scope) -> Any:
    """The figure's sum over a group of rows."""
    adds = figure.adds() if figure.adds else sa.literal(1)
    none = sa.literal(Decimal(0), adds.type) if figure.adds is not None and figure.rows == figures.ENROLMENT else 0
    return sa.func.coalesce(
        sa.func.sum(sa.case((figure.where(scope), adds), else_=none) if figure.where else adds), none
    )


def _of_enrolments(session: Session, scope: Scope) -> dict[rules.Cell, Decimal | None]:
    counted, e = figures.of(figures.ENROLMENT), Enrolment
    sums = [_counted(each, scope).label(each.key) for each in counted]
    query = counting.enrolments(scope).with_only_columns(e.home_school_id, e.host_school_id, *sums)
    found = session.execute(query.group_by(e.home_school_id, e.host_school_id)).all()
    return _cells(counted, {(row[0], row[1]): row[2:] for row in found})


def _of_offerings(session: Session, scope: Scope) -> dict[rules.Cell, Decimal | None]:
    counted, different = figures.of(figures.OFFERING), figures.of(figures.COURSE)
    sums = [_counted(each, scope).label(each.key) for each in counted]
    for each in different:
        of_it: Any = sa.case((each.where(scope), Offering.course_id)) if each.where else Offering.course_id
        sums.append(sa.func.count(of_it.distinct()).label(each.key))
    query = counting.offerings(scope).with_only_columns(Course.school_id, *sums, maintain_column_froms=True)
    found = session.execute(query.group_by(Course.school_id)).all()
    return _cells([*counted, *different], {(None, row[0]): row[1:] for row in found})


def _cells(counted: Sequence[figures.Figure], found: dict[Any, Sequence[Any]]) -> dict[rules.Cell, Decimal | None]:
    cells: dict[rules.Cell, Decimal | None] = {}
    for index, figure in enumerate(counted):
        of_it = {place: Decimal(values[index]) for place, values in found.items() if values[index]}
        cells |= {(figure.key, home, host): value for (home, host), value in rules.rolled_up(of_it).items()}
    return cells


def _of_words(session: Session, scope: Scope) -> dict[rules.Cell, Decimal | None]:
    """Percentiles by nearest rank, of each school and of all, ranked by the database."""
    rows = counting.timed(scope).cte("timed").c
    sides = {figures.HOME_WORD: rows.home_school_id, figures.HOST_WORD: rows.host_school_id}
    found = session.execute(sa.union_all(*(_ranked(kind, school, rows[kind]) for kind, school in sides.items()))).all()
    cells: dict[rules.Cell, Decimal | None] = {}
    for kind in sides:
        counted = {each.percent: each.key for each in figures.of(kind)}
        of_kind = [row[1:] for row in found if row[0] == kind]
        for index, percent in enumerate(RANKS):
            for school, *seconds in of_kind:
                place = (school, None) if kind == figures.HOME_WORD else (None, school)
                cells[(counted[percent], *place)] = rules.hours(seconds[index])
            over_all = [row[1 + len(RANKS) + index] for row in of_kind]
            least = min((each for each in over_all if each is not None), default=None)
            if least is not None:
                cells[counted[percent], None, None] = rules.hours(least)
    return cells


def _ranked(kind: str, school: Any, seconds: Any) -> Any:
    """(kind, school, the percentiles of the school, those of all as far as they are the school's)."""
    number, count = sa.func.row_number().over, sa.func.count().over
    ranked = (
        sa.select(
            school.label("school"), seconds.label("seconds"),
            number(partition_by=school, order_by=seconds).label("rank"), count(partition_by=school).label("n"),
            number(order_by=seconds).label("rank_of_all"), count().label("all"),
        ).where(seconds.is_not(None)).subquery().c
    )  # fmt: skip
    picks = [
        sa.func.min(sa.case((rank * 100 >= percent * n, ranked.seconds)))
        for rank, n in ((ranked.rank, ranked.n), (ranked.rank_of_all, ranked.all))
        for percent in RANKS
    ]
    return sa.select(sa.literal(kind), ranked.school, *picks).group_by(ranked.school)


# --- frozen -------------------------------------------------------------------------------------------------------


def freezes(session: Session, cluster_id: int, term: TermKey | None = None) -> list[FigureFreeze]:
    """What has been frozen of the cluster, the latest first."""
    query = sa.select(FigureFreeze).where(FigureFreeze.cluster_id == cluster_id)
    if term is not None:
        query = query.where(FigureFreeze.academic_year == term.year, FigureFreeze.number == term.number)
    return list(session.scalars(query.order_by(FigureFreeze.frozen_at.desc(), FigureFreeze.id.desc())))


def view_freeze(session: Session, seen: Access, freeze_id: int) -> FigureFreeze:
    query = sa.select(FigureFreeze).where(FigureFreeze.id == freeze_id, FigureFreeze.cluster_id == seen.cluster.id)
    found = session.scalar(query.options(selectinload(FigureFreeze.figures), joinedload(FigureFreeze.cluster)))
    if found is None:
        raise NotFound
    return found


def scope_of(freeze: FigureFreeze, schools: frozenset[int] | None = None) -> Scope:
    """What was counted then, to be counted again."""
    return Scope(freeze.cluster_id, TermKey(freeze.academic_year, freeze.number), freeze.plan_code, schools)


def frozen_board(session: Session, seen: Access, freeze: FigureFreeze) -> Board:
    """As it was, under the names of that day, in the order that the board had then."""
    v = FrozenValue
    query = sa.select(v.figure, v.home_id, v.home_name, v.host_id, v.host_name, v.value).where(v.freeze_id == freeze.id)
    values, names = dict[rules.Cell, Decimal | None](), dict[int, str]()
    for figure, home, home_name, host, host_name, value in session.execute(query.order_by(v.id)):
        values[figure, home, host] = value
        names |= {id_: name for id_, name in ((home, home_name), (host, host_name)) if id_ is not None}
    if seen.schools is not None:
        values = rules.of_schools(values, seen.schools)
        names = {id_: name for id_, name in names.items() if id_ in _named_in(values)}
    then = schools(session, freeze.cluster_id, names, freeze.frozen_at)
    return Board(values, [SchoolLine(each.id, names[each.id]) for each in then if each.id in names])


def frozen_ids(
    session: Session, seen: Access, freeze: FigureFreeze, figure: str, home: int | None, host: int | None
) -> list[int]:
    """The ids of the rows that were counted there, in order."""
    v = FrozenValue
    query = sa.select(v.rows).where(v.freeze_id == freeze.id, v.figure == figure, v.rows.is_not(None))
    if home is not None:
        query = query.where(v.home_id == home)
    if host is not None:
        query = query.where(v.host_id == host)
    if seen.schools is not None:
        own = sorted(seen.schools)
        query = query.where(sa.or_(v.home_id.in_(own), v.host_id.in_(own)))
    return sorted({id_ for ids in session.scalars(query) for id_ in ids or ()})


def frozen_value(
    session: Session, seen: Access, freeze: FigureFreeze, figure: str, home: int | None, host: int | None
) -> Decimal | None:
    """What the cell said; None for a reader whom it does not concern, as its rows are none to them."""
    if seen.schools is not None and not rules.of_schools({(figure, home, host): None}, seen.schools):
        return None
    v = FrozenValue
    same = [
        column.is_(None) if id_ is None else column == id_ for column, id_ in ((v.home_id, home), (v.host_id, host))
    ]
    query = sa.select(v.value).where(v.freeze_id == freeze.id, v.figure == figure, *same)
    return session.scalar(query)


def name_of(session: Session, person_id: int) -> str:
    """Who froze it, as they are called now."""
    return session.scalar(sa.select(Person.name).where(Person.id == person_id)) or ""
