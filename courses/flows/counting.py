"""The rows that figures count: one select for each kind, from which both the numbers and the lists behind them are made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from courses.catalogue.models import Course, Offering, SeatPool
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.flows.rules import TermKey
from courses.results.models import Result
from zutuan.calendar.models import Term
from zutuan.clusters.models import Membership
from zutuan.sharing import rules as sharing
from zutuan.sharing import scopes
from zutuan.sharing.models import Share, SharedItem

UNMARKED = "none"
ACCEPTED, HOME_WORD, HOST_WORD = ("accept",), ("approve", "deny"), ("host_approve", "host_deny")


@dataclass(frozen=True)
class Scope:
    """Whose figures: a cluster's, of one term; `plan`: only of courses that serve that task of the plan (UNMARKED: none
    of them); `schools`: only rows with one of these on either side."""

    cluster_id: int
    term: TermKey
    plan: str = ""
    schools: frozenset[int] | None = None


class seconds_between(FunctionElement[int]):  # noqa: N801  (it is written as SQL functions are)
    """`seconds_between(earlier, later)`: whole seconds, the same on both engines."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(seconds_between, "postgresql")
def _seconds_postgresql(element: seconds_between, compiler: Any, **kw: Any) -> str:
    earlier, later = (f"floor(extract(epoch from {compiler.process(part, **kw)}))" for part in element.clauses)
    return f"CAST({later} - {earlier} AS bigint)"


@compiles(seconds_between, "sqlite")
def _seconds_sqlite(element: seconds_between, compiler: Any, **kw: Any) -> str:
    earlier, later = (f"CAST(strftime('%s', {compiler.process(part, **kw)}) AS INTEGER)" for part in element.clauses)
    return f"({later} - {earlier})"


# --- of this cluster --------------------------------------------------------------------------------------------


def _member(cluster_id: int, school: Any, at: Any) -> sa.ColumnElement[bool]:
    m = Membership
    query = sa.select(m.id).where(m.cluster_id == cluster_id, m.school_id == school, m.open_at(at))
    return query.correlate(Enrolment).exists()


def _shared(cluster_id: int, *when: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether the course is shared with the cluster (any role in it) or the whole platform."""
    wide = sa.or_(Share.scope == scopes.PLATFORM, Share.cluster_id == cluster_id)
    query = sa.select(Share.id).where(Share.item_id == Course.id, Share.aspect == sharing.RECORD, wide, *when)
    return query.correlate(Course, Enrolment, Offering).exists()


def _of_term(query: Any, scope: Scope) -> Any:
    query = query.join(Course, Course.id == Offering.course_id).join(SharedItem, SharedItem.id == Course.id)
    query = query.join(Term, Term.id == Offering.term_id)
    query = query.where(Term.academic_year == scope.term.year, Term.number == scope.term.number)
    if scope.plan:
        query = query.where(SharedItem.plan_code == ("" if scope.plan == UNMARKED else scope.plan))
    return query


def enrolments(scope: Scope) -> Any:
    """Requests of students of one member school for classes of another, in classes of the term: both were members when
    the request was made, and the course was shared with the cluster then. What a school left behind stays counted."""
    e = Enrolment
    at: Any = e.created_at
    query = sa.select(e.id).select_from(e).join(Offering, Offering.id == e.offering_id)
    query = _of_term(query, scope).outerjoin(Result, Result.enrolment_id == e.id)
    query = query.where(
        e.home_school_id != e.host_school_id,
        _member(scope.cluster_id, e.home_school_id, at),
        _member(scope.cluster_id, e.host_school_id, at),
        _shared(scope.cluster_id, Share.open_at(at)),
    )
    if scope.schools is not None:
        mine = sorted(scope.schools)
        query = query.where(sa.or_(e.home_school_id.in_(mine), e.host_school_id.in_(mine)))
    return query


def offerings(scope: Scope) -> Any:
    """Classes of the term that have been published by a school of the cluster and shared with it while one could enrol,
    those that were called off too: `figures` tells them apart. Three spans that meet two by two have a moment in common."""
    o, m = Offering, Membership

    def meets(begins: Any, ends: Any, from_: Any, until: Any) -> sa.ColumnElement[bool]:
        return sa.and_(from_ < ends, sa.or_(until.is_(None), until > begins))

    both = sa.and_(
        sa.or_(Share.until.is_(None), m.from_ < Share.until), sa.or_(m.until.is_(None), Share.from_ < m.until)
    )
    wide = sa.or_(Share.scope == scopes.PLATFORM, Share.cluster_id == scope.cluster_id)
    open_then = (
        sa.select(Share.id)
        .join(m, both)
        .where(Share.item_id == Course.id, Share.aspect == sharing.RECORD, wide)
        .where(m.cluster_id == scope.cluster_id, m.school_id == Course.school_id)
        .where(meets(o.enrol_from, o.enrol_until, Share.from_, Share.until))
        .where(meets(o.enrol_from, o.enrol_until, m.from_, m.until))
        .correlate(Course, Offering)
        .exists()
    )
    query = _of_term(sa.select(o.id).select_from(o), scope)
    query = query.where(o.state != "draft", SharedItem.state != "draft", open_then)
    if scope.schools is not None:
        query = query.where(Course.school_id.in_(sorted(scope.schools)))
    return query


# --- what rows add ----------------------------------------------------------------------------------------------


def _event(names: Collection[str]) -> Any:
    v = EnrolmentEvent
    query = sa.select(sa.func.min(v.at)).where(v.enrolment_id == Enrolment.id, v.event.in_(names))
    return query.correlate(Enrolment).scalar_subquery()


def _home(steps: Any, asked: Any, said: Any) -> Any:
    """From being asked to the home school's last word; nothing where its policy asks nobody, or it has not spoken."""
    return sa.case((steps > 0, seconds_between(asked, said)), else_=None)


def _host(asked: Any, home: Any, said: Any) -> Any:
    """From the home school's word (or from being asked, where the host spoke first) to the host's."""
    return seconds_between(sa.case((home <= said, home), else_=asked), said)


def _asked(accepted: Any) -> Any:
    """When the home school was asked: by the request, or by taking the seat that the queue had offered."""
    return sa.func.coalesce(accepted, Enrolment.created_at)


def home_seconds() -> Any:
    return _home(Enrolment.home_steps, _asked(_event(ACCEPTED)), _event(HOME_WORD))


def host_seconds() -> Any:
    return _host(_asked(_event(ACCEPTED)), _event(HOME_WORD), _event(HOST_WORD))


def timed(scope: Scope) -> Any:
    """(home school, host school, `home_word` seconds, `host_word` seconds) of every request with a word: the same as the
    two above, each request's events read once."""
    e, v = Enrolment, EnrolmentEvent

    def first(names: Collection[str]) -> Any:
        return sa.func.min(sa.case((v.event.in_(names), v.at)))

    told = sa.and_(v.enrolment_id == e.id, v.event.in_((*ACCEPTED, *HOME_WORD, *HOST_WORD)))
    kept = (e.id, e.home_school_id, e.host_school_id, e.home_steps, e.created_at)
    moments = (
        _asked(first(ACCEPTED)).label("asked"), first(HOME_WORD).label("home_at"), first(HOST_WORD).label("host_at"),
    )  # fmt: skip
    rows = enrolments(scope).join(v, told).with_only_columns(*kept, *moments).group_by(*kept).subquery().c
    return sa.select(
        rows.home_school_id, rows.host_school_id,
        _home(rows.home_steps, rows.asked, rows.home_at).label("home_word"),
        _host(rows.asked, rows.home_at, rows.host_at).label("host_word"),
    )  # fmt: skip


def _seats(column: Any) -> sa.ScalarSelect[int]:
    query = sa.select(sa.func.coalesce(sa.func.sum(column), 0)).where(SeatPool.offering_id == Offering.id)
    return query.correlate(Offering).scalar_subquery()


def capacity() -> sa.ScalarSelect[int]:
    return _seats(SeatPool.capacity)


def taken() -> sa.ScalarSelect[int]:
    return _seats(SeatPool.taken)


def courses(ids: Any) -> Any:
    """Courses of these ids, each once."""
    query = sa.select(Course.id).select_from(Course).join(SharedItem, SharedItem.id == Course.id)
    return query.where(Course.id.in_(ids))
