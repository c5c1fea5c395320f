"""How long schools keep what is left of a closed account, and what happens when that time is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.clusters.models import School
from zutuan.people import rules
from zutuan.people.hooks import PeopleHook
from zutuan.people.models import Person
from zutuan.people.own_data import references
from zutuan.policies import services as policies
from zutuan.policies.models import PolicyValue
from zutuan.policies.rules import Policy
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

YEARS = Policy(
    "people.retention_years", _l("账号注销后保存的年限"),
    _l("本人注销账号后，学校必须保存的选课、证明和学工号再保存这么多年，到期自动删除；关系到几所学校的，以最长的为准。"), 10, "whole",
    ("platform", "school"), low=1, high=50, unit=_l("年"),
)  # fmt: skip
"""Ten years is the shorter of the two fixed terms (30 and 10 years) that 国家档案局令第8号 (2006) knows for records of
institutions. The 学籍 itself is a school's to keep for ever, in its own archive and not here."""

EVERY = timedelta(hours=24)
AT_ONCE = 50


def years(session: Session, person_id: int, now: datetime) -> int:
    """The longest time of all schools that keep anything of the person."""
    schools = _heirs(session, _schools(session, person_id))
    return int(max(policies.values(session, YEARS, schools or [None], now).values()))


def _schools(session: Session, person_id: int) -> set[int]:
    """Every school that stands beside the person in any row about them: home and host, issuer of a paper …"""
    found: set[int] = set()
    for table, column in references():
        if column.name != "person_id":
            continue
        for other in table.columns:
            if any(key.column.table.name == "school" for key in other.foreign_keys):
                mine = sa.select(other).where(column == person_id, other.is_not(None)).distinct()
                found |= set(session.scalars(mine))
    return found


def _heirs(session: Session, schools: set[int]) -> list[int | None]:
    """Who answers for them now: a school that was taken over left that to its successor."""
    query = sa.select(School.id, School.successor_id).where(School.id.in_(schools))
    return [successor or id_ for id_, successor in session.execute(query)]


class Retention:
    """Periodic work that looks at the clock itself: once a day, the accounts whose time is over, a few at a time."""

    def __init__(self, hooks: Sequence[PeopleHook]) -> None:
        self._hooks = hooks
        self._next: datetime | None = None

    def __call__(self, session: Session, now: datetime) -> int:
        if self._next is not None and now < self._next:
            return 0
        done = strip_due(session, self._hooks, now)
        self._next = now if done == AT_ONCE else now + EVERY
        return done


def strip_due(session: Session, hooks: Sequence[PeopleHook], now: datetime) -> int:
    """Answers how many accounts were stripped."""
    longest_ago = rules.kept_until(now, -_least(session))
    due = sa.select(Person).where(
        Person.state == "closed", Person.stripped_at.is_(None), Person.closed_at <= longest_ago
    )
    done = 0
    for person in session.scalars(due.order_by(Person.closed_at).with_for_update(skip_locked=True)).all():
        assert person.closed_at is not None
        if rules.kept_until(person.closed_at, years(session, person.id, now)) <= now:
            _strip(session, hooks, person, now)
            done += 1
        if done == AT_ONCE:
            break
    return done


def _least(session: Session) -> int:
    """The shortest time that anybody has ever decided: what was closed later is not due anywhere."""
    decided = session.scalars(sa.select(PolicyValue.value).where(PolicyValue.key == YEARS.key))
    return min([YEARS.default, *(value for value in decided if value is not None and YEARS.wrong(value) is None)])


def _strip(session: Session, hooks: Sequence[PeopleHook], person: Person, now: datetime) -> None:
    for hook in hooks:
        if hook.strip:
            hook.strip(session, person.id, now)
    person.stripped_at = now
    audit(session, None, "person.strip", Subject("person", person.id), now=now)


def told(session: Session, person_id: int, now: datetime) -> dict[str, Any]:
    """What the page says before an account is closed: how many years, and until when."""
    longest = years(session, person_id, now)
    return {"years": longest, "until": rules.kept_until(now, longest)}
