"""Schools rename, and one school takes another over: what continues where, and what stays true of the old one.

A succession is done at once and whole, between terms; what cannot be done cleanly is refused with the reason:

- people continue at the successor under their numbers, departments are joined by name;
- shared items, and what was shared with the old school, become the successor's;
- roles and memberships end: power over the successor's people is its own admins' to give, and a cluster's to admit;
- enrolments, papers, terms and decisions stay where they happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, aliased

from zutuan.clock import local
from zutuan.clusters import notices, queries, rules
from zutuan.clusters.hooks import Foreseen, SuccessionHook
from zutuan.clusters.models import Cluster, Department, Membership, School
from zutuan.clusters.permissions import allow, school_subject
from zutuan.clusters.services import remember
from zutuan.db import UtcDateTime
from zutuan.decision import Refusal
from zutuan.errors import Invalid, NotFound, Refused, insist
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import Share, SharedItem
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit, fetch

Hooks = Sequence[SuccessionHook]
QUIET = {"synchronize_session": False}


# --- renaming ---------------------------------------------------------------------------------------------------


def rename(session: Session, actor: Actor | None, school_id: int, name: str, day: date | None, now: datetime) -> School:
    """From now on the school is called so; what it was called until that day stays on its page and is found."""
    school = session.get(School, school_id, with_for_update=True)
    if school is None:
        raise NotFound
    if actor is not None:
        allow.require(actor, "school.rename", school_subject(actor, school_id))
    today = local(now).date()
    taken = session.scalar(sa.select(School.id).where(School.name == name, School.id != school_id)) is not None
    insist(rules.may_rename(school.name, name, taken=taken, succeeded=school.successor_id is not None))
    if (day or today) > today:
        raise Invalid.field("day", "not_in_future")
    remember(session, school_id, school.name, day or today)
    school.name = name
    audit(session, actor, "school.rename", Subject("school", school_id), now=now, school_id=school_id)
    notices.renamed(session, school_id, name, now)
    return school


# --- taking over ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """What would happen; nothing has."""

    old: School
    new: School
    refusals: list[Refusal]
    foreseen: list[Foreseen]


def preview(session: Session, actor: Actor | None, hooks: Hooks, old_id: int, new_id: int, now: datetime) -> Preview:
    if actor is not None:
        allow.require(actor, "school.succeed", school_subject(actor, old_id))
    old, new = fetch(session, School, old_id), fetch(session, School, new_id)
    foreseen = [each for hook in hooks if hook.foresee for each in hook.foresee(session, old_id, new_id, now)]
    return Preview(old, new, _against(session, hooks, old, new, now), foreseen)


def _against(session: Session, hooks: Hooks, old: School, new: School, now: datetime) -> list[Refusal]:
    refusal = rules.may_succeed(old.id, new.id, old.successor_id, new.successor_id)
    if refusal is not None:
        return [refusal]
    return [each for hook in hooks if hook.against for each in hook.against(session, old.id, new.id, now)]


def succeed(
    session: Session, actor: Actor | None, hooks: Hooks, old_id: int, new_id: int, day: date | None, now: datetime
) -> School:
    """`new` takes `old` over, now; `day` is the one that the decision names, today or before. Raises Refused, with
    nothing done, where anything stands in the way."""
    query = sa.select(School).where(School.id.in_((old_id, new_id))).order_by(School.id).with_for_update()
    found = {each.id: each for each in session.scalars(query)}
    if old_id not in found or new_id not in found:
        raise NotFound
    if actor is not None:
        allow.require(actor, "school.succeed", school_subject(actor, old_id))
    old, new, today = found[old_id], found[new_id], local(now).date()
    if (day or today) > today:
        raise Invalid.field("day", "not_in_future")
    for refusal in _against(session, hooks, old, new, now):
        raise Refused.because(refusal)
    concerned = notices.managers(session, (old_id, new_id), now)
    departments = _departments(session, old_id, new_id)
    counts: dict[str, int] = {}
    for hook in hooks:
        if hook.pass_on:
            counts |= hook.pass_on(session, actor, old_id, new_id, departments, now)
    old.successor_id, old.succeeded_on = new_id, day or today
    session.execute(sa.update(School).where(School.successor_id == old_id).values(successor_id=new_id))
    audit(session, actor, "school.succeed", Subject("school", old_id), now=now, school_id=old_id, into=new_id, **counts)
    notices.succeeded(session, concerned, old, new, now)
    session.flush()
    session.expire_all()
    return old


def _departments(session: Session, old_id: int, new_id: int) -> dict[int, int]:
    """Old department → the successor's of the same name, made where there is none."""
    query = sa.select(Department).where(Department.school_id.in_((old_id, new_id))).order_by(Department.id)
    both = list(session.scalars(query))
    there = {each.name: each for each in both if each.school_id == new_id}
    found = {}
    for each in both:
        if each.school_id == old_id:
            if each.name not in there:
                there[each.name] = Department(school_id=new_id, name=each.name)
                session.add(there[each.name])
                session.flush()
            found[each.id] = there[each.name].id
    return found


# --- this feature's own part ------------------------------------------------------------------------------------


def _foresee(session: Session, old_id: int, new_id: int, now: datetime) -> list[Foreseen]:
    joined = set(session.scalars(sa.select(Membership.cluster_id).where(Membership.school_id == new_id, _still(now))))
    stays = queries.stays(session, Membership.school_id == old_id, _still(now))
    items = sa.select(sa.func.count()).select_from(SharedItem).where(SharedItem.owner_school_id == old_id)
    lost = [stay.cluster_name for stay in stays if stay.cluster_id not in joined]
    return [
        Foreseen(_l("共享资源转归承接学校"), session.scalar(items) or 0),
        Foreseen(_l("组团成员身份结束"), len(stays)),
        *(Foreseen(_l("承接学校不在其中，需由组团管理员另行加入"), len(lost), lost) for _once in lost[:1]),
    ]


def _still(now: datetime) -> sa.ColumnElement[bool]:
    m = Membership
    return sa.or_(m.until.is_(None), sa.and_(m.until > now, m.until > m.from_))


def _pass_on(
    session: Session, actor: Actor | None, old_id: int, new_id: int, _departments: Mapping[int, int], now: datetime
) -> dict[str, int]:
    memberships = list(session.scalars(sa.select(Membership).where(Membership.school_id == old_id, _still(now))))
    for each in memberships:
        each.until = max(now, each.from_)
        session.get_one(Cluster, each.cluster_id).version += 1
        audit(
            session, actor, "membership.end", Subject("membership", each.id), now=now, school_id=old_id,
            cluster_id=each.cluster_id, role=each.role, at=each.until.isoformat(),
        )  # fmt: skip
    items = session.scalars(sa.select(SharedItem.id).where(SharedItem.owner_school_id == old_id)).all()
    own = sa.update(SharedItem).where(SharedItem.owner_school_id == old_id)
    values = {"owner_school_id": new_id, "version": SharedItem.version + 1, "updated_at": now}
    session.execute(own.values(values).execution_options(**QUIET))
    for item_id in items:
        audit(
            session, actor, "item.succeed", Subject("item", item_id), now=now, school_id=new_id, before=old_id
        )  # fmt: skip
    _shares(session, old_id, new_id, now)
    return {"memberships": len(memberships), "items": len(items)}


def _shares(session: Session, old_id: int, new_id: int, now: datetime) -> None:
    """What the old school, its managers or its named people see is the successor's to see; nothing twice."""
    old, new, twin = scopes.school(old_id), scopes.school(new_id), aliased(Share)
    mine = sa.or_(Share.scope == old, Share.scope.endswith(f":{old}", autoescape=True))
    head = sa.func.substr(Share.scope, 1, sa.func.length(Share.scope) - len(old))
    renamed = head.concat(sa.literal(new))
    later = sa.or_(Share.until.is_(None), Share.until > now)
    twice = sa.select(twin.id).where(twin.item_id == Share.item_id, twin.aspect == Share.aspect, twin.scope == renamed)
    twice = twice.where(twin.from_ <= now, sa.or_(twin.until.is_(None), twin.until > now)).correlate(Share)
    ends = sa.case((Share.from_ > now, Share.from_), else_=sa.literal(now, UtcDateTime))
    closing = sa.update(Share).where(mine, later, twice.exists()).values(until=ends)
    session.execute(closing.execution_options(**QUIET))
    session.execute(sa.update(Share).where(mine, later).values(scope=renamed).execution_options(**QUIET))


SUCCESSION = SuccessionHook(
    moves={"membership.school_id", "shared_item.owner_school_id", "school.successor_id", "department.school_id"},
    stays={"former_name.school_id"}, foresee=_foresee, pass_on=_pass_on,
)  # fmt: skip
