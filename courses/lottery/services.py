"""Making draws, and wishing. Drawing itself stands in `drawing`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from courses.enrolment.enrolling import student_affiliation
from courses.enrolment.wanted import Wanted
from courses.lottery import notices, queries, rules
from courses.lottery.drawing import run as run
from courses.lottery.drawing import try_out as try_out
from courses.lottery.models import Draw, Wish, WishList
from courses.lottery.permissions import allow
from zutuan.clusters.models import Cluster, School
from zutuan.decision import Refusal
from zutuan.errors import Invalid, NotFound, Refused, Stale, insist
from zutuan.sharing.actor import Actor, Belongs
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import audit, fetch

FIELDS = ("opens", "closes", "most", "note", "public_source")


# --- the draw ----------------------------------------------------------------------------------------------------


def owner(session: Session, cluster_id: int | None, school_id: int | None) -> tuple[Cluster | School, Subject]:
    """Whose draw it would be: a cluster's or a school's. 404 for what is not there."""
    if (cluster_id is None) == (school_id is None):
        raise Invalid.field("cluster_id", "draw_of_one")
    if cluster_id is not None:
        return fetch(session, Cluster, cluster_id), Subject("cluster", cluster_id, cluster_id=cluster_id)
    assert school_id is not None
    return fetch(session, School, school_id), Subject("school", school_id, places={"host": Place(school_id)})


def create(session: Session, actor: Actor, data: dict[str, Any]) -> Draw:
    """A draft, seen by who makes it only; its seed is made here, and nobody reads it before it is drawn."""
    _owner, subject = owner(session, data.get("cluster_id"), data.get("school_id"))
    allow.require(actor, "draw.create", subject)
    _check(data["opens"], data["closes"], actor.now)
    seed = secrets.token_hex(16)
    draw = Draw(
        cluster_id=data.get("cluster_id"), school_id=data.get("school_id"), academic_year=data["academic_year"],
        number=data["number"], seed=seed, commitment=rules.commitment(seed), created_at=actor.now, updated_at=actor.now,
        **{name: data[name] for name in FIELDS},
    )  # fmt: skip
    session.add(draw)
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused("draw_exists") from error
    _audit(session, actor, "draw.create", draw)
    return draw


def _check(opens: datetime, closes: datetime, now: datetime) -> None:
    errors = rules.check_window(opens, closes, now)
    if errors:
        raise Invalid(errors=errors)


def update(session: Session, actor: Actor, draw: Draw, data: dict[str, Any]) -> Draw:
    allow.require(actor, "draw.edit", queries.subject(session, actor, draw))
    _hold(session, draw)
    changed = [name for name in FIELDS if name in data and getattr(draw, name) != data[name]]
    closes = draw.closes
    insist(rules.may_change(draw.standing, changed, data.get("closes", closes), actor.now))
    for name in changed:
        setattr(draw, name, data[name])
    if {"opens", "closes"} & set(changed):
        _check(draw.opens, draw.closes, actor.now)
    if changed:
        draw.updated_at = actor.now
        session.flush()
        _audit(session, actor, "draw.edit", draw, fields=changed)
    if draw.state == "published" and draw.closes > closes:
        notices.extended(session, draw, actor.now)
    return draw


def publish(session: Session, actor: Actor, draw: Draw) -> Draw:
    """From now on everybody reads when wishing is, and the commitment to the seed."""
    allow.require(actor, "draw.publish", queries.subject(session, actor, draw))
    _check(draw.opens, draw.closes, actor.now)
    _move(session, actor, draw, "publish", published_at=actor.now)
    _audit(session, actor, "draw.publish", draw)
    notices.published(session, draw, actor.now)
    return draw


def cancel(session: Session, actor: Actor, draw: Draw, reason: str) -> Draw:
    """Called off: its classes' seats go first come."""
    allow.require(actor, "draw.cancel", queries.subject(session, actor, draw))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    _move(session, actor, draw, "cancel")
    _audit(session, actor, "draw.cancel", draw)
    notices.cancelled(session, draw, reason, actor.now)
    return draw


def _move(session: Session, actor: Actor, draw: Draw, event: str, **more: Any) -> None:
    _hold(session, draw)
    after = rules.next_state(draw.state, event)
    if isinstance(after, Refusal):
        raise Refused.because(after)
    for name, value in {**more, "state": after, "updated_at": actor.now}.items():
        setattr(draw, name, value)
    session.flush()


def _hold(session: Session, draw: Draw) -> None:
    """Nobody wishes in it, or draws it, until the commit. Raises Stale when it is no longer what was read."""
    read = draw.version
    held = sa.select(Draw).where(Draw.id == draw.id).with_for_update(of=Draw).execution_options(populate_existing=True)
    if session.scalars(held).one().version != read:
        raise Stale


def _audit(session: Session, actor: Actor, action: str, draw: Draw, **detail: Any) -> None:
    subject = Subject("draw", draw.id)
    audit(session, actor, action, subject, now=actor.now, school_id=draw.school_id, cluster=draw.cluster_id, **detail)


# --- wishing -----------------------------------------------------------------------------------------------------


def save_wishes(
    session: Session, actor: Actor, draw: Draw, wishes: Sequence[int], *, most: int, version: int,
    affiliation_id: int | None = None,
) -> WishList:  # fmt: skip
    """The student's whole list, the dearest first, in the place of what they wished before. `version`: of the list that
    was read; 0: there was none."""
    home = _may_wish(session, actor, draw, affiliation_id)
    found = _list(session, actor, draw, version)
    _insist_wishes(session, actor, draw, wishes)
    if most > draw.most:
        raise Invalid.field("most", "too_big", max=draw.most)
    if found is None:
        found = WishList(draw_id=draw.id, person_id=actor.person_id, ticket=secrets.token_hex(6), created_at=actor.now)
        session.add(found)
    known = {each.offering_id: each for each in found.wishes}  # read before anything is written: one version a save
    found.most, found.affiliation_id, found.updated_at = most, home.affiliation_id, actor.now
    found.wishes = [known.get(id_) or Wish(offering_id=id_) for id_ in wishes]
    for rank, wish in enumerate(found.wishes, 1):
        wish.rank = rank
    if found.id is not None:
        flag_modified(found, "updated_at")  # its version moves with its wishes
    session.flush()
    audit(
        session,
        actor,
        "draw.wish",
        Subject("wish_list", found.id),
        now=actor.now,
        school_id=home.school_id,
        n=len(wishes),
    )
    return found


def _insist_wishes(session: Session, actor: Actor, draw: Draw, wishes: Sequence[int]) -> None:
    """Only what is drawn for as it stands: what was wished before and has dropped out is left out of the next list."""
    lots = {each.id: each.course.school_id for each in queries.seen_lots(session, actor, draw)}
    insist(rules.check_wishes(wishes, lots))
    insist(Refusal("own_school_course") if any(lots[id_] in actor.school_ids for id_ in wishes) else None)


def clear_wishes(session: Session, actor: Actor, draw: Draw, version: int) -> None:
    """The student takes part no more."""
    home = _may_wish(session, actor, draw, None)
    found = _list(session, actor, draw, version)
    if found is None:
        raise NotFound
    audit(session, actor, "draw.unwish", Subject("wish_list", found.id), now=actor.now, school_id=home.school_id)
    session.delete(found)
    session.flush()


def _may_wish(session: Session, actor: Actor, draw: Draw, affiliation_id: int | None) -> Belongs:
    """As which student. The draw is held: nobody draws while a list is being written."""
    home = student_affiliation(actor, affiliation_id)
    places = {"home": Place(home.school_id)} if home else {}
    allow.require(actor, "draw.wish", Subject("draw", draw.id, places=places))
    assert home is not None
    held = sa.select(Draw).where(Draw.id == draw.id).with_for_update(read=True, of=Draw)
    now = session.scalars(held.execution_options(populate_existing=True)).one()
    insist(rules.may_wish(now.standing, actor.now))
    return home


def _list(session: Session, actor: Actor, draw: Draw, version: int) -> WishList | None:
    """The student's list as it was read. Raises Stale when it is another by now."""
    query = sa.select(WishList).where(WishList.draw_id == draw.id, WishList.person_id == actor.person_id)
    found = session.scalar(query.with_for_update(of=WishList).execution_options(populate_existing=True))
    if (found.version if found else 0) != version:
        raise Stale
    return found


# --- what enrolling asks -----------------------------------------------------------------------------------------


def against_enrolling(session: Session, wanted: Wanted, now: datetime) -> Refusal | None:
    """The hook of enrolment: how a class whose seats are drawn for is to be had now."""
    if queries.drawn_for(session, wanted.id):
        return None
    draw = queries.of_offering(session, wanted, now)
    if draw is None:
        return rules.against_enrolling(None, None, None, now)
    found = rules.against_enrolling(draw.state, draw.opens, draw.closes, now)
    return Refusal(found.code, {**found.params, "url": f"/draws/{draw.id}#lot-{wanted.id}"}) if found else None
