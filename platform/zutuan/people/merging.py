"""Two persons turn out to be one: everything that points at the one goes to the other, and a tombstone stays behind.

Found by the tables themselves: every column that refers to a person, so that a feature cannot forget one. The audit is
never rewritten: it keeps the old id, which leads to the survivor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.db import MAX_ID
from zutuan.errors import Denial, Forbidden, Hidden, NotFound, Refused, insist
from zutuan.guards import is_append_only
from zutuan.notices.services import tell
from zutuan.people import rules
from zutuan.people.hooks import Clash, PeopleHook
from zutuan.people.models import Affiliation, Person, WebSession
from zutuan.people.own_data import references
from zutuan.people.permissions import allow
from zutuan.people.slips import within_reach
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import Share
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import audit

MERGED_NAME = "已合并"
# Rows that end with the merged account instead of going over.
ENDED = frozenset({"web_session"})


def goes_over() -> Iterator[tuple[sa.Table, sa.Column[Any]]]:
    """Every column that a merge rewrites. What the database lets nobody rewrite (decisions, like the audit) keeps the id
    of whoever decided, which leads to the survivor."""
    return ((t, c) for t, c in references() if t.name not in ENDED and not is_append_only(t.name))


Hooks = Sequence[PeopleHook]


@dataclass(frozen=True)
class Preview:
    """What a merge would do. `moves`: (what, how many); `handled`: rows that only name who dealt with something."""

    kept: Person
    gone: Person
    moves: list[tuple[Any, int]]
    handled: int
    clashes: list[Clash]
    refusal: tuple[str, dict[str, Any]] | None

    @property
    def possible(self) -> bool:
        return self.refusal is None and not any(clash.stops for clash in self.clashes)


# --- who may ----------------------------------------------------------------------------------------------------


def pair_subject(session: Session, kept: int, gone: int) -> Subject:
    """Whose the two are to merge: the one school's that alone knows both; else only the platform's."""
    query = sa.select(Affiliation.school_id).where(Affiliation.person_id.in_((kept, gone))).distinct()
    schools = set(session.scalars(query))
    return Subject("person", gone, places={"only": Place(next(iter(schools)))} if len(schools) == 1 else {})


def _authorized(session: Session, actor: Actor, kept: int, gone: int, *, lock: bool = False) -> tuple[Person, Person]:
    """Both, held against others; 404 for whoever runs neither's school, 403 for whoever is not the one to decide."""
    query = sa.select(Person).where(Person.id.in_((kept, gone))).order_by(Person.id)
    found = {each.id: each for each in session.scalars(query.with_for_update() if lock else query)}
    if not (0 < kept <= MAX_ID and 0 < gone <= MAX_ID) or kept not in found or gone not in found:
        raise NotFound
    subject = pair_subject(session, kept, gone)
    if not allow.may(actor, "person.merge", subject):
        runs = allow.schools(actor, "person.merge")
        if not all(_known_at(session, each, runs) for each in (kept, gone)):
            raise Hidden(Denial("person.merge", "person", gone))
        raise Forbidden(Denial("person.merge", "person", gone))
    if not allow.may(actor, "person.merge"):  # a school's admin, not the platform's
        reach = within_reach(actor, subject.places["only"].school_id)
        if len(session.scalars(sa.select(Person.id).where(Person.id.in_((kept, gone)), reach)).all()) < len(
            {kept, gone}
        ):
            raise Refused("merge_beyond_reach")
    return found[kept], found[gone]


def _known_at(session: Session, person_id: int, schools: frozenset[int]) -> bool:
    query = sa.select(Affiliation.id).where(Affiliation.person_id == person_id, Affiliation.school_id.in_(schools))
    return session.scalar(query.limit(1)) is not None


# --- looking ahead ----------------------------------------------------------------------------------------------


def preview(session: Session, actor: Actor, hooks: Hooks, kept_id: int, gone_id: int) -> Preview:
    """What merging `gone` into `kept` would move, settle, and not get past."""
    kept, gone = _authorized(session, actor, kept_id, gone_id)
    refusal = rules.may_merge(account(kept), account(gone), actor.person_id)
    if refusal is not None:
        return Preview(kept, gone, [], 0, [], (refusal.code, dict(refusal.params)))
    moves, handled = _counted(session, hooks, gone_id)
    return Preview(kept, gone, moves, handled, clashes(session, hooks, kept_id, gone_id, actor.now), None)


def _counted(session: Session, hooks: Hooks, gone: int) -> tuple[list[tuple[Any, int]], int]:
    """(rows that have a name, how many others)."""
    labels = {name: label for hook in hooks for name, label in hook.labels.items()}
    moves, handled = [], 0
    for table, column in goes_over():
        count = session.scalar(sa.select(sa.func.count()).select_from(table).where(column == gone)) or 0
        label = labels.get(f"{table.name}.{column.name}")
        if label is None:
            handled += count
        elif count:
            moves.append((label, count))
    return moves, handled


def account(person: Person) -> rules.Account:
    activated = person.password_hash is not None
    return rules.Account(person.id, person.state, person.email, activated, person.demonstration)


def clashes(session: Session, hooks: Hooks, kept: int, gone: int, now: datetime) -> list[Clash]:
    found = [clash for hook in hooks if hook.clashes for clash in hook.clashes(session, kept, gone, now)]
    return sorted(found, key=lambda clash: not clash.stops)


# --- merging ----------------------------------------------------------------------------------------------------


def merge(session: Session, actor: Actor, hooks: Hooks, kept_id: int, gone_id: int) -> Person:
    """Make `gone` a tombstone of `kept`. Raises Refused where a rule, or something both hold, stands in the way."""
    kept, gone = _authorized(session, actor, kept_id, gone_id, lock=True)
    now = actor.now
    insist(rules.may_merge(account(kept), account(gone), actor.person_id))
    for clash in clashes(session, hooks, kept_id, gone_id, now):
        if clash.stops:
            raise Refused(clash.code, **clash.params)
    subject = pair_subject(session, kept_id, gone_id)
    school_id = subject.places["only"].school_id if subject.places else None
    for hook in hooks:
        if hook.prepare:
            hook.prepare(session, kept_id, gone_id, now)
    _join_accounts(session, kept, gone)
    moved = _move(session, kept_id, gone_id)
    about = Subject("person", kept_id)
    audit(session, actor, "person.merge", about, now=now, school_id=school_id, merged=gone_id, moved=moved)
    audit(session, actor, "person.merged", Subject("person", gone_id), now=now, school_id=school_id, into=kept_id)
    tell(session, [kept_id], "person.merged", f"merge:{gone_id}", {}, "/account", now)
    session.expire_all()
    return kept


def _join_accounts(session: Session, kept: Person, gone: Person) -> None:
    """One sign-in stays; the other ends everywhere, and nothing of the tombstone names anybody."""
    email, source = rules.sign_in_after(account(kept), account(gone))
    signs_in = kept if source == kept.id else gone
    password, version, at = signs_in.password_hash, signs_in.privacy_version, signs_in.privacy_at
    session.execute(sa.delete(WebSession).where(WebSession.person_id == gone.id))
    unseen = sa.update(WebSession).where(WebSession.viewing_id == gone.id)
    session.execute(unseen.values(viewing_id=None, viewing_until=None))
    if password != kept.password_hash:
        session.execute(sa.delete(WebSession).where(WebSession.person_id == kept.id))
    gone.email = gone.password_hash = None
    gone.name, gone.state, gone.merged_into = MERGED_NAME, "merged", kept.id
    session.flush()  # the address is unique: it is free only now
    kept.email, kept.password_hash = email, password
    kept.privacy_version, kept.privacy_at = version, at
    session.flush()


def _move(session: Session, kept: int, gone: int) -> dict[str, int]:
    """`table.column` → how many rows went over."""
    moved = {}
    for table, column in goes_over():
        change = sa.update(table).where(column == gone).values({column: kept})
        count = _count(session.execute(change))
        if count:
            moved[f"{table.name}.{column.name}"] = count
    count = _count(session.execute(_scopes(kept, gone)))
    return {**moved, **({"share.scope": count} if count else {})}


def _count(result: Any) -> int:
    return int(result.rowcount)


def _scopes(kept: int, gone: int) -> Any:
    """What was shared with the one person, as such or as one of a school, is shared with the other."""
    old, new = scopes.person(gone), scopes.person(kept)
    tail = sa.func.substr(Share.scope, len(old) + 1)
    mine = sa.or_(Share.scope == old, Share.scope.startswith(old + ":", autoescape=True))
    change = sa.update(Share).where(mine).values(scope=sa.literal(new).concat(tail))
    return change.execution_options(synchronize_session=False)


# --- likely duplicates ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Two persons of one name. `why`: `same_number` at different schools, or `same_school`."""

    kept: int
    gone: int
    name: str
    why: str


MOST = 50


def likely(session: Session, school_id: int | None) -> list[Pair]:
    """People of the same name who share a school, or have the same number at two; of one school, or (None) of all.
    Which of the two stays: whoever has activated the account, else the older one."""
    p, q = sa.orm.aliased(Person), sa.orm.aliased(Person)
    a, b = sa.orm.aliased(Affiliation), sa.orm.aliased(Affiliation)
    alive = ("active", "disabled")
    query = (
        sa.select(p.id, q.id, p.name, p.password_hash.is_(None), q.password_hash.is_(None), p.state, q.state,
                  sa.func.max(sa.case((a.number == b.number, 1), else_=0)))
        .join(q, sa.and_(q.name == p.name, q.id > p.id))
        .join(a, a.person_id == p.id).join(b, b.person_id == q.id)
        .where(p.state.in_(alive), q.state.in_(alive), p.demonstration == q.demonstration)
        .where(sa.or_(a.school_id == b.school_id, a.number == b.number))
        .group_by(p.id, q.id, p.name, p.password_hash, q.password_hash, p.state, q.state)
        .order_by(sa.func.max(sa.case((a.number == b.number, 1), else_=0)).desc(), p.id, q.id).limit(MOST)
    )  # fmt: skip
    if school_id is not None:
        query = query.where(a.school_id == school_id, b.school_id == school_id)
    found = []
    for first, second, name, first_new, second_new, first_state, second_state, number in session.execute(query):
        better = (second_state == "active", not second_new) > (first_state == "active", not first_new)
        kept, gone = (second, first) if better else (first, second)
        found.append(Pair(kept, gone, name, "same_number" if number else "same_school"))
    return found
