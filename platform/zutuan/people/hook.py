"""What the people feature itself has to say when persons merge, leave a school or are forgotten."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, aliased

from zutuan.clusters.models import School
from zutuan.people.hooks import Clash, Holding, PeopleHook
from zutuan.people.labels import ROLE
from zutuan.people.models import AccessKey, Affiliation, Person, PersonalToken, Proposal, RoleAssignment
from zutuan.people.rules import sign_in_after

LABELS = {
    "affiliation.person_id": _l("所在学校和学工号"),
    "affiliation_proposal.person_id": _l("加入学校的提议"),
    "role_assignment.person_id": _l("角色"),
    "personal_token.person_id": _l("个人令牌（停用）"),
    "access_key.person_id": _l("激活码和邮件链接（作废）"),
    "person.merged_into": _l("以前并入的账号"),
}


# --- merging ----------------------------------------------------------------------------------------------------


def _clashes(session: Session, kept: int, gone: int, now: datetime) -> list[Clash]:
    return [*_numbers(session, kept, gone, now), *_roles(session, kept, gone, now), _sign_in(session, kept, gone)]


def _sign_in(session: Session, kept: int, gone: int) -> Clash:
    from zutuan.people.merging import account

    first, second = account(session.get_one(Person, kept)), account(session.get_one(Person, gone))
    if not (first.activated or second.activated):
        return Clash("merge_sign_in_none")
    return Clash("merge_sign_in_kept" if sign_in_after(first, second)[1] == kept else "merge_sign_in_gone")


def _numbers(session: Session, kept: int, gone: int, now: datetime) -> list[Clash]:
    """Both are at the same school now, under two numbers."""
    a, b = aliased(Affiliation), aliased(Affiliation)

    def still(one: type[Affiliation]) -> sa.ColumnElement[bool]:
        return sa.and_(one.from_ <= now, sa.or_(one.until.is_(None), one.until > now))

    rows = session.execute(
        sa.select(School.name, a.number, b.number)
        .join(a, a.school_id == School.id).join(b, b.school_id == School.id)
        .where(a.person_id == kept, b.person_id == gone, still(a), still(b)).order_by(School.id, a.id, b.id)
    )  # fmt: skip
    return [Clash("merge_two_numbers", {"school": name, "numbers": [one, two]}) for name, one, two in rows]


def _twins(session: Session, kept: int, gone: int, now: datetime) -> list[tuple[RoleAssignment, RoleAssignment]]:
    """(kept's, gone's) of roles that both hold in their own right at the same place."""
    r, g = RoleAssignment, aliased(RoleAssignment)
    later = sa.or_(g.until.is_(None), g.until > now)
    same = sa.and_(
        r.role == g.role, r.school_id.is_not_distinct_from(g.school_id), r.cluster_id.is_not_distinct_from(g.cluster_id),
        r.department_id.is_not_distinct_from(g.department_id),
    )  # fmt: skip
    query = sa.select(r, g).join(g, same).where(r.person_id == kept, g.person_id == gone, r.open_at(now), later)
    rows = session.execute(query.where(r.delegates.is_(None), g.delegates.is_(None)).order_by(r.id, g.id))
    return [(mine, other) for mine, other in rows]


def _roles(session: Session, kept: int, gone: int, now: datetime) -> list[Clash]:
    return [Clash("merge_same_role", {"role": ROLE[mine.role]}) for mine, _other in _twins(session, kept, gone, now)]


def _prepare(session: Session, kept: int, gone: int, now: datetime) -> None:
    tokens = sa.update(PersonalToken).where(PersonalToken.person_id == gone, PersonalToken.revoked_at.is_(None))
    session.execute(tokens.values(revoked_at=now))
    _end_keys(session, kept, gone, now)
    r = RoleAssignment
    for mine, other in _twins(session, kept, gone, now):
        other.until = max(now, other.from_)
        session.execute(sa.update(r).where(r.delegates == other.id).values(delegates=mine.id))
    for lent in session.scalars(_lent_to_oneself(kept, gone, now)):
        lent.until = max(now, lent.from_)
    session.flush()


def _end_keys(session: Session, kept: int, gone: int, now: datetime) -> None:
    """None of the merged account's keys works any more; and how an account was opened whose address does not stay proves
    nothing about the one that does."""
    from zutuan.people.merging import account

    first, second = account(session.get_one(Person, kept)), account(session.get_one(Person, gone))
    unproven = gone if sign_in_after(first, second)[0] == first.email else kept
    k = AccessKey
    over = sa.or_(
        sa.and_(k.person_id == gone, k.used_at.is_(None)), sa.and_(k.person_id == unproven, k.used_at.is_not(None))
    )
    session.execute(sa.update(k).where(over, k.revoked_at.is_(None)).values(revoked_at=now))


def _lent_to_oneself(kept: int, gone: int, now: datetime) -> sa.Select[RoleAssignment]:
    r, source = RoleAssignment, aliased(RoleAssignment)
    pair = (kept, gone)
    query = sa.select(r).join(source, source.id == r.delegates).where(source.person_id.in_(pair), r.person_id.in_(pair))
    return query.where(sa.or_(r.until.is_(None), r.until > now)).order_by(r.id)


# --- leaving a school, and being forgotten ------------------------------------------------------------------------


def _holdings(session: Session, person_id: int, school_id: int, now: datetime) -> list[Holding]:
    r = RoleAssignment
    query = sa.select(r.role).where(r.person_id == person_id, r.school_id == school_id)
    roles = session.scalars(query.where(sa.or_(r.until.is_(None), r.until > now)).order_by(r.id))
    return [Holding(str(_l("角色")), str(ROLE[role])) for role in roles]


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """The number goes (a number once given stays given: it becomes one of ours), and what describes the person."""
    a, p = Affiliation, Proposal
    empty = dict.fromkeys(("major", "grade", "class_name", "level", "programme", "end_reason"), "")
    number = sa.literal("closed-").concat(sa.cast(a.id, sa.String))
    session.execute(sa.update(a).where(a.person_id == person_id).values(number=number, department_id=None, **empty))
    number = sa.literal("closed-").concat(sa.cast(p.id, sa.String))
    session.execute(sa.update(p).where(p.person_id == person_id).values(number=number, values={}))


HOOK = PeopleHook(LABELS, _clashes, _prepare, _holdings, _strip)
