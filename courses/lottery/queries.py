"""Reading draws: which there are, what is drawn for, and who wishes what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from courses.catalogue.models import Course, Offering
from courses.enrolment.wanted import Wanted
from courses.lottery.models import Draw, DrawLot, DrawStatement, Wish, WishList
from courses.lottery.permissions import allow
from zutuan.calendar.models import Term
from zutuan.clusters.models import Membership
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import fetch

OFFICE = ("registrar", "school_admin", "secretary")
LIVE = ("draft", "published")


# --- who may -----------------------------------------------------------------------------------------------------


def subject(session: Session, actor: Actor, draw: Draw) -> Subject:
    me = frozenset({actor.person_id})
    near = _near(session, actor, draw)
    office = any(held.role in OFFICE and held.school_id in near for held in actor.roles)
    persons = {"member": me if near else frozenset[int](), "office": me if office else frozenset[int]()}
    places = {"host": Place(draw.school_id)} if draw.school_id else {}
    return Subject("draw", draw.id, places=places, cluster_id=draw.cluster_id, persons=persons)


def _near(session: Session, actor: Actor, draw: Draw) -> set[int]:
    """The actor's schools that the draw concerns."""
    if draw.school_id is None:
        clusters = {draw.cluster_id}
    else:
        clusters = {*sharing.clusters_of(session, draw.school_id, actor.now)}
    found = {each.school_id for each in actor.memberships if each.cluster_id in clusters}
    return found | (actor.school_ids & {draw.school_id})


def view_draw(session: Session, actor: Actor, draw_id: int) -> Draw:
    """The draw, or 404: what was never announced is only there for who runs it."""
    draw = fetch(session, Draw, draw_id, joinedload(Draw.cluster), joinedload(Draw.school))
    action = "draw.read" if draw.announced else "draw.read_draft"
    if not allow.may(actor, action, subject(session, actor, draw)):
        raise Hidden(Denial(action, "draw", draw_id))
    return draw


def may_run(session: Session, actor: Actor, draw: Draw) -> bool:
    return allow.may(actor, "draw.edit", subject(session, actor, draw))


def owners(actor: Actor) -> tuple[list[int], list[int]]:
    """(clusters, schools) whose draws the actor makes."""
    clusters = {each.cluster_id for each in actor.roles if each.role == "cluster_admin" and each.cluster_id}
    schools = {each.school_id for each in actor.roles if each.role == "registrar" and each.school_id}
    return sorted(clusters), sorted(schools)


def mine(session: Session, actor: Actor) -> list[Draw]:
    """The draws that the actor sees, what is open first, then the latest."""
    return list(session.scalars(_visible(actor).options(joinedload(Draw.cluster), joinedload(Draw.school))))


def _visible(actor: Actor) -> sa.Select[Draw]:
    runs = owners(actor)
    clusters = sorted({each.cluster_id for each in actor.memberships})
    beside = sa.select(Membership.school_id).where(Membership.cluster_id.in_(clusters), Membership.open_at(actor.now))
    own = sa.or_(Draw.cluster_id.in_(runs[0]), Draw.school_id.in_(runs[1]))
    near = sa.or_(
        Draw.cluster_id.in_(clusters), Draw.school_id.in_(beside), Draw.school_id.in_(sorted(actor.school_ids))
    )
    order = sa.case((Draw.state == "published", 0), (Draw.state == "draft", 1), else_=2)
    query = sa.select(Draw).where(sa.or_(own, sa.and_(near, Draw.published_at.is_not(None))))
    return query.order_by(order, Draw.closes.desc(), Draw.id.desc())


def wishing(session: Session, actor: Actor) -> list[tuple[Draw, WishList | None]]:
    """The draws in which the actor may wish now, with what they have wished."""
    open_now = _visible(actor).where(Draw.state == "published", Draw.opens <= actor.now, Draw.closes > actor.now)
    draws = list(session.scalars(open_now.options(joinedload(Draw.cluster), joinedload(Draw.school))))
    if not draws:
        return []
    ids = [each.id for each in draws]
    lists = session.scalars(sa.select(WishList).where(WishList.draw_id.in_(ids), WishList.person_id == actor.person_id))
    by_draw = {each.draw_id: each for each in lists}
    return [(each, by_draw.get(each.id)) for each in draws]


def to_run(session: Session, actor: Actor) -> list[Draw]:
    """Those that the actor runs, whose wishing is over and which nobody has drawn."""
    clusters, schools = owners(actor)
    own = sa.or_(Draw.cluster_id.in_(clusters), Draw.school_id.in_(schools))
    query = sa.select(Draw).where(own, Draw.state == "published", Draw.closes <= actor.now)
    return list(session.scalars(query.options(joinedload(Draw.cluster), joinedload(Draw.school)).order_by(Draw.closes)))


# --- what is drawn for -------------------------------------------------------------------------------------------


def _lots(draw: Draw, now: datetime) -> sa.Select[Offering]:
    """Published classes of the term whose seats are given by lot and were not drawn for yet: the cluster's that are shared
    with it, but for those of a school that draws for its own; or the school's own."""
    before = sa.select(DrawLot.id).where(DrawLot.offering_id == Offering.id)
    query = (
        sa.select(Offering)
        .join(Course, Course.id == Offering.course_id)
        .join(SharedItem, SharedItem.id == Course.id)
        .join(Term, Term.id == Offering.term_id)
        .where(Offering.seats_by == "lot", Offering.state == "published", SharedItem.state == "published")
        .where(Term.academic_year == draw.academic_year, Term.number == draw.number, sa.not_(before.exists()))
        .order_by(Offering.id)
    )
    if draw.school_id is not None:
        return query.where(Course.school_id == draw.school_id)
    assert draw.cluster_id is not None
    members = sa.select(Membership.school_id).where(Membership.cluster_id == draw.cluster_id, Membership.open_at(now))
    own = sa.orm.aliased(Draw)
    of_its_own = sa.select(own.id).where(
        own.school_id == Course.school_id, own.state == "published", own.academic_year == draw.academic_year,
        own.number == draw.number,
    )  # fmt: skip
    query = query.where(Course.school_id.in_(members), sharing.shared_with_cluster(draw.cluster_id, now))
    return query.where(sa.not_(of_its_own.exists()))


def lot_ids(session: Session, draw: Draw, now: datetime) -> list[int]:
    return list(session.scalars(_lots(draw, now).with_only_columns(Offering.id)))


def seen_lots(session: Session, actor: Actor, draw: Draw) -> list[Offering]:
    """Those that the actor sees; of a draw that is over those that it was about."""
    query = _drawn(draw) if draw.state == "drawn" else _lots(draw, actor.now)
    query = query.options(
        joinedload(Offering.term), selectinload(Offering.pools), selectinload(Offering.meetings),
        joinedload(Offering.course).joinedload(Course.item).joinedload(SharedItem.owner),
    )  # fmt: skip
    return list(session.scalars(sharing.seen_by(actor, query)))


def _drawn(draw: Draw) -> sa.Select[Offering]:
    query = (
        sa.select(Offering).join(Course, Course.id == Offering.course_id).join(SharedItem, SharedItem.id == Course.id)
    )
    return (
        query.join(DrawLot, DrawLot.offering_id == Offering.id).where(DrawLot.draw_id == draw.id).order_by(Offering.id)
    )


def drawn_for(session: Session, offering_id: int) -> bool:
    """Whether it has been: what is left of it goes first come."""
    return session.scalar(sa.select(DrawLot.id).where(DrawLot.offering_id == offering_id)) is not None


def of_offering(session: Session, wanted: Wanted, now: datetime) -> Draw | None:
    """The draw that says how a class that nobody has drawn for is to be had: the announced one, its school's before its
    cluster's. None while one is only drafted, or when there is none. What was announced and then called off, the latest,
    speaks last, for the classes that it was about: those that came later wait for their own."""
    clusters = sorted(sharing.clusters_of(session, wanted.school_id, now))
    called_off = sa.and_(Draw.state == "cancelled", Draw.published_at.is_not(None), Draw.updated_at >= _made(wanted.id))
    order = (
        sa.case((Draw.state == "published", 0), (Draw.state == "draft", 1), else_=2),
        sa.case((Draw.school_id.is_(None), 1), else_=0),
    )
    query = (
        sa.select(Draw)
        .where(Draw.academic_year == wanted.academic_year, Draw.number == wanted.number)
        .where(sa.or_(Draw.state.in_(LIVE), called_off))
        .where(sa.or_(Draw.school_id == wanted.school_id, Draw.cluster_id.in_(clusters)))
        .order_by(*order, Draw.id.desc())
    )
    found = next((each for each in session.scalars(query) if _reaches(session, each, wanted.course_id, now)), None)
    return found if found is not None and found.announced else None


def _made(offering_id: int) -> sa.ScalarSelect[datetime]:
    return sa.select(Offering.created_at).where(Offering.id == offering_id).scalar_subquery()


def _reaches(session: Session, draw: Draw, course_id: int, now: datetime) -> bool:
    if draw.cluster_id is None:
        return True
    shared = sharing.shared_with_cluster(draw.cluster_id, now)
    return session.scalar(sa.select(SharedItem.id).where(SharedItem.id == course_id, shared)) is not None


# --- wishes ------------------------------------------------------------------------------------------------------


def my_list(session: Session, actor: Actor, draw: Draw) -> WishList | None:
    query = sa.select(WishList).where(WishList.draw_id == draw.id, WishList.person_id == actor.person_id)
    item = joinedload(Offering.course).joinedload(Course.item).joinedload(SharedItem.owner)
    return session.scalar(query.options(selectinload(WishList.wishes).joinedload(Wish.offering).options(item)))


@dataclass(frozen=True)
class Wished:
    """How much is wished: of all, and of each class (wishes, first wishes)."""

    lists: int = 0
    wishes: int = 0
    per_lot: Mapping[int, tuple[int, int]] = field(default_factory=dict)


def wished(session: Session, draw: Draw) -> Wished:
    first = sa.func.sum(sa.case((Wish.rank == 1, 1), else_=0))
    query = sa.select(Wish.offering_id, sa.func.count(), first).join(WishList, WishList.id == Wish.list_id)
    rows = session.execute(query.where(WishList.draw_id == draw.id).group_by(Wish.offering_id))
    per_lot = {offering: (count, int(ones or 0)) for offering, count, ones in rows}
    lists = session.scalar(sa.select(sa.func.count()).select_from(WishList).where(WishList.draw_id == draw.id)) or 0
    return Wished(lists, sum(count for count, _ones in per_lot.values()), per_lot)


def entrants(session: Session, draw: Draw) -> Sequence[WishList]:
    """Everybody's wishes, in the order in which they first came."""
    query = sa.select(WishList).where(WishList.draw_id == draw.id).order_by(WishList.id)
    return list(session.scalars(query.options(selectinload(WishList.wishes))))


def statement(session: Session, draw: Draw) -> dict[str, Any]:
    """What was published of the draw. Raises NotFound before there is anything."""
    found = session.scalar(sa.select(DrawStatement.content).where(DrawStatement.draw_id == draw.id))
    if found is None:
        raise NotFound
    return cast("dict[str, Any]", found)
