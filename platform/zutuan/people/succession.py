"""The people of a school that another one takes over: they continue there, under their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.clusters.hooks import Foreseen, SuccessionHook
from zutuan.clusters.models import School
from zutuan.db import UtcDateTime
from zutuan.decision import Refusal
from zutuan.people import rules
from zutuan.people.models import AccessKey, Affiliation, Proposal, RoleAssignment
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

QUIET = {"synchronize_session": False}
FACTS = ("kind", "major", "grade", "class_name", "level", "programme", "standing")
SHOWN = 20


@dataclass(frozen=True)
class _Move:
    """One affiliation that ends; `number` is the one at the successor, None for whoever is there already."""

    affiliation: Affiliation
    number: str | None


def _later(table: type[Affiliation | RoleAssignment], now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(table.until.is_(None), table.until > now)


def _moves(session: Session, old_id: int, new_id: int, now: datetime) -> tuple[list[_Move], list[str]]:
    """(who goes over how, numbers for which there is no free one)."""
    a = Affiliation
    old = session.get_one(School, old_id)
    rows = session.execute(sa.select(a.number, a.person_id, a.until).where(a.school_id == new_id)).all()
    taken = {number for number, _person, _until in rows}
    there = {person for _number, person, until in rows if until is None or until > now}
    found, stuck = [], []
    mine = sa.select(a).where(a.school_id == old_id, _later(a, now)).order_by(a.id)
    for each in session.scalars(mine):
        number = None if each.person_id in there else rules.number_after(each.number, old.code or str(old.id), taken)
        if number is None and each.person_id not in there:
            stuck.append(each.number)
        if number is not None:
            taken.add(number)
            there.add(each.person_id)
        found.append(_Move(each, number))
    return found, stuck


def _against(session: Session, old_id: int, new_id: int, now: datetime) -> list[Refusal]:
    stuck = _moves(session, old_id, new_id, now)[1]
    return [Refusal("succession_numbers", {"numbers": stuck[:SHOWN]})] if stuck else []


def _foresee(session: Session, old_id: int, new_id: int, now: datetime) -> list[Foreseen]:
    moves = _moves(session, old_id, new_id, now)[0]
    anew = [f"{m.affiliation.number} → {m.number}" for m in moves if m.number and m.number != m.affiliation.number]
    r = RoleAssignment
    roles = sa.select(sa.func.count()).select_from(r).where(r.school_id == old_id, _later(r, now))
    return [
        Foreseen(_l("人员以原学工号转入承接学校"), sum(move.number is not None for move in moves) - len(anew)),
        Foreseen(_l("学工号与承接学校相同，转入时换号"), len(anew), anew[:SHOWN]),
        Foreseen(_l("本来就属于承接学校，只结束原来的身份"), sum(move.number is None for move in moves)),
        Foreseen(_l("角色结束，由承接学校另行授予"), session.scalar(roles) or 0),
    ]


def _pass_on(
    session: Session, actor: Actor | None, old_id: int, new_id: int, departments: Mapping[int, int], now: datetime
) -> dict[str, int]:
    moves = _moves(session, old_id, new_id, now)[0]
    new = [_row(move, new_id, departments, now) for move in moves if move.number is not None]
    if new:
        session.execute(sa.insert(Affiliation), new)
    a, p, k = Affiliation, Proposal, AccessKey
    ends = sa.update(a).where(a.school_id == old_id, _later(a, now))
    session.execute(
        ends.values(until=sa.case((a.from_ > now, a.from_), else_=sa.literal(now, UtcDateTime))).execution_options(
            **QUIET
        )
    )
    roles = _end_roles(session, actor, old_id, now)
    asked = sa.update(p).where(p.school_id == old_id, p.state == "open").values(state="declined", decided_at=now)
    session.execute(asked.execution_options(**QUIET))
    keys = sa.update(k).where(k.school_id == old_id, k.used_at.is_(None), k.revoked_at.is_(None))
    session.execute(keys.values(revoked_at=now).execution_options(**QUIET))
    _audits(session, actor, [move.affiliation.person_id for move in moves], new_id, now)
    return {"people": len(moves), "roles": roles}


def _row(move: _Move, school_id: int, departments: Mapping[int, int], now: datetime) -> dict[str, Any]:
    was = move.affiliation
    return {
        **{name: getattr(was, name) for name in FACTS}, "person_id": was.person_id, "school_id": school_id,
        "number": move.number, "department_id": departments.get(was.department_id or 0),
        "from_": max(now, was.from_), "until": was.until,
    }  # fmt: skip


def _end_roles(session: Session, actor: Actor | None, old_id: int, now: datetime) -> int:
    r = RoleAssignment
    held = list(session.scalars(sa.select(r).where(r.school_id == old_id, _later(r, now)).order_by(r.id)))
    for each in held:
        each.until = max(now, each.from_)
        audit(
            session, actor, "role.revoke", Subject("person", each.person_id), now=now, school_id=old_id,
            role=each.role, assignment=each.id,
        )  # fmt: skip
    return len(held)


def _audits(session: Session, actor: Actor | None, people: list[int], school_id: int, now: datetime) -> None:
    belongs = actor.at(school_id) if actor else None
    common: dict[str, Any] = {
        "at": now, "actor_id": actor.person_id if actor else None, "action": "affiliation.succeed",
        "affiliation_id": belongs.affiliation_id if belongs else None, "subject_type": "person", "school_id": school_id,
        "detail": {}, "request_id": actor.request_id if actor else "",
    }  # fmt: skip
    if people:
        session.execute(sa.insert(AuditEvent), [{**common, "subject_id": person} for person in people])


SUCCESSION = SuccessionHook(
    moves={
        "affiliation.school_id", "affiliation.department_id", "affiliation_proposal.school_id", "access_key.school_id",
        "role_assignment.school_id", "role_assignment.department_id",
    },
    against=_against, foresee=_foresee, pass_on=_pass_on,
)  # fmt: skip
