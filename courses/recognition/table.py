"""Rows of a school's table and its answers to single students, as they are written. Who may is `services`' to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course
from courses.recognition import hooks, notices, queries, rules
from courses.recognition.models import Recognition
from courses.recognition.rules import Said, Target, Taught, Ways
from zutuan.clock import at_shanghai
from zutuan.clusters.models import School
from zutuan.decision import FieldError, Refusal
from zutuan.errors import Invalid, Refused, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

R = Recognition
_SCHOOL = sa.select(School.id).where(School.id == sa.bindparam("school")).with_for_update(key_share=True)


def hold(session: Session, school_id: int) -> None:
    """Nobody else changes the school's table until the commit: what was read of its chains stays true."""
    session.execute(_SCHOOL, {"school": school_id})


def write(
    session: Session, actor: Actor, home: int, course: Course, data: Mapping[str, Any], person_id: int | None = None
) -> Recognition:
    """A new row of the table, or (`person_id`) an answer to one student. The one before it is over, and what counts as
    that one says the same from now on. Raises Invalid naming each field, Refused for a chain that loops."""
    insist(rules.may_recognise(home, course.school_id))
    hold(session, home)
    target = _target(session, home, data.get("same_as_id"), actor.now)
    said = _settled(session, home, course, data, target, actor.now)
    if person_id is None and target is not None:
        _insist_on_an_end(session, home, course, target)
    before = _end_before(session, home, course.id, person_id, actor.now)
    row = _add(session, actor, home, course.id, said, target, person_id)
    if before is not None and person_id is None:
        _pass_on(session, actor, before, row)
    return row


def last_instant(day: date | None) -> datetime | None:
    """The end of a row that holds through that Shanghai day."""
    return at_shanghai(day + timedelta(days=1)) if day else None


_SAID = ("outcome", "code", "name", "name_en", "category", "credits", "note")


def _settled(
    session: Session, home: int, course: Course, data: Mapping[str, Any], target: Recognition | None, now: datetime
) -> Said:
    ways, until = queries.ways(session, home, now), last_instant(data.get("last_day"))
    own = Said(**{name: data[name] for name in _SAID if data.get(name) is not None}, until=until)
    if target is not None:
        extra = [name for name in ("code", "name", "category", "credits") if getattr(own, name)]
        if extra:
            raise Invalid(errors=[FieldError(name, "follows_and_says") for name in extra])
        own, ways = copied(own, target, ways)
    found = rules.settle(own, taught(course), ways, now)
    if isinstance(found, Said):
        return found
    raise Invalid(errors=found)


def copied(own: Said, target: Recognition | Said, ways: Ways) -> tuple[Said, Ways]:
    """What a row says that counts as the target, and by which words: the target's category was once one of them."""
    credits = None if ways.credits == rules.HOST else target.credits
    said = replace(
        own, code=target.code, name=target.name, name_en=target.name_en, category=target.category, credits=credits,
        until=rules.earlier(own.until, target.until),
    )  # fmt: skip
    return said, replace(ways, categories=(*ways.categories, target.category))


def taught(course: Course) -> Taught:
    return Taught(course.item.title_zh, course.item.title_en, course.credits)


def _end_before(
    session: Session, home: int, course_id: int, person_id: int | None, now: datetime
) -> Recognition | None:
    whose = R.person_id.is_(None) if person_id is None else R.person_id == person_id
    query = sa.select(R).where(R.home_school_id == home, R.course_id == course_id, whose, R.ended_at.is_(None))
    before = session.scalar(query.with_for_update())
    if before is not None:
        _over(session, before, now)
    return before


def _over(session: Session, row: Recognition, now: datetime) -> None:
    row.ended_at, row.until = now, rules.earlier(row.until, now)
    session.flush()


def _add(
    session: Session, actor: Actor, home: int, course_id: int, said: Said, target: Recognition | None,
    person_id: int | None = None,
) -> Recognition:  # fmt: skip
    """The row itself; enrolments that wait for this word have it, and whose they are hear of it."""
    row = R(
        home_school_id=home, course_id=course_id, person_id=person_id, outcome=said.outcome, code=said.code,
        name=said.name, name_en=said.name_en, category=said.category, credits=said.credits, note=said.note,
        same_as_id=target.id if target else None, since=actor.now, until=said.until, decided_by=actor.person_id,
        created_at=actor.now,
    )  # fmt: skip
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:  # two at once: the partial unique index has the last word
        raise Refused("busy") from error
    _audit(session, actor, "recognition.add", row, same_as=row.same_as_id)
    people = {person for each in hooks.answered for person in each(session, actor, row, actor.now)}
    notices.answered(session, row, people, actor.now)
    return row


def end(session: Session, actor: Actor, row: Recognition) -> None:
    """The school says nothing of the course any more, nor of what counts as it; answers that enrolments have stay."""
    _over(session, row, actor.now)
    _audit(session, actor, "recognition.end", row)
    for follower in followers(session, row, actor.now):
        end(session, actor, follower)


def _audit(session: Session, actor: Actor, action: str, row: Recognition, **detail: Any) -> None:
    subject = Subject("recognition", row.id)
    audit(session, actor, action, subject, now=actor.now, school_id=row.home_school_id, course=row.course_id, **detail)


# --- 认定同 ------------------------------------------------------------------------------------------------------


def _target(session: Session, home: int, row_id: int | None, now: datetime) -> Recognition | None:
    """The row that is to be followed, which the rules let be followed."""
    if row_id is None:
        return None
    row = session.get(R, row_id)
    against = rules.may_follow(as_target(row), home, now)
    if row is None or against is not None:
        said = against or Refusal("no_such")
        raise Invalid.field("same_as_id", said.code, **said.params)
    return row


def as_target(row: Recognition | None) -> Target | None:
    return None if row is None else Target(row.home_school_id, row.person_id is None, queries.answer(row))


def _insist_on_an_end(session: Session, home: int, course: Course, target: Recognition) -> None:
    """The chain that this row would begin ends somewhere; Refused names its courses."""
    way = rules.loop(course.id, {**queries.chains(session, home), course.id: target.course_id})
    if way:
        raise Refused("recognition_loops", rows=named(session, way))


def named(session: Session, course_ids: tuple[int, ...]) -> str:
    """A chain as people read it."""
    titles = sa.select(SharedItem.id, SharedItem.title_zh).where(SharedItem.id.in_(course_ids))
    found = {id_: title for id_, title in session.execute(titles)}
    return " → ".join(found[id_] for id_ in course_ids)


def followers(session: Session, row: Recognition, now: datetime) -> list[Recognition]:
    query = sa.select(R).where(R.same_as_id == row.id, R.person_id.is_(None), R.ended_at.is_(None), R.open_at(now))
    return list(session.scalars(query.order_by(R.id).options(joinedload(R.course).joinedload(Course.item))))


def _pass_on(session: Session, actor: Actor, before: Recognition, row: Recognition) -> None:
    """What counts as the row that was replaced says what the new one says."""
    for follower in followers(session, before, actor.now):
        said = follow(session, follower, row, actor.now)
        _over(session, follower, actor.now)
        new = _add(session, actor, row.home_school_id, follower.course_id, said, row)
        _pass_on(session, actor, follower, new)


def follow(session: Session, follower: Recognition, row: Recognition, now: datetime) -> Said:
    if row.outcome == rules.REFUSED:
        return Said(rules.REFUSED, credits=row.credits, until=row.until, note=follower.note)
    own = Said(note=follower.note)
    said, ways = copied(own, row, queries.ways(session, follower.home_school_id, now))
    found = rules.settle(said, taught(follower.course), ways, now)
    if isinstance(found, Said):
        return found
    host = rules.plain(follower.course.credits)
    title = follower.course.item.title_zh
    raise Refused("follower_exceeds_credits", title=title, credits=rules.plain(row.credits), host=host)
