"""Recognitions when persons merge, leave a school or are forgotten, and when a school is taken over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, aliased, joinedload

from courses.catalogue.models import Course
from courses.recognition.models import Recognition, RecognitionRequest
from zutuan.clusters.hooks import Foreseen, SuccessionHook
from zutuan.db import UtcDateTime
from zutuan.people.hooks import Holding, PeopleHook
from zutuan.sharing.actor import Actor
from zutuan.web.texts import title

R, Q = Recognition, RecognitionRequest
_QUIET = {"synchronize_session": False}


def _prepare(session: Session, kept: int, gone: int, now: datetime) -> None:
    """One last word of a school to a person, and one open request: the survivor's stay."""
    own, asked = aliased(R), aliased(Q)
    answered = sa.select(own.id).where(own.person_id == kept, own.ended_at.is_(None))
    answered = answered.where(own.home_school_id == R.home_school_id, own.course_id == R.course_id)
    twice = sa.update(R).where(R.person_id == gone, R.ended_at.is_(None), answered.correlate(R).exists())
    session.execute(_ended(twice, now).execution_options(**_QUIET))
    asks = sa.select(asked.id).where(asked.person_id == kept, asked.state == "open")
    asks = asks.where(asked.home_school_id == Q.home_school_id, asked.course_id == Q.course_id)
    again = sa.update(Q).where(Q.person_id == gone, Q.state == "open", asks.correlate(Q).exists())
    session.execute(again.values(state="withdrawn", version=Q.version + 1).execution_options(**_QUIET))


def _ended(change: sa.Update, now: datetime) -> sa.Update:
    at = sa.literal(now, UtcDateTime())
    return change.values(ended_at=now, until=sa.case((sa.or_(R.until.is_(None), R.until > now), at), else_=R.until))


def _holdings(session: Session, person_id: int, school_id: int, now: datetime) -> list[Holding]:
    query = sa.select(Q).where(Q.person_id == person_id, Q.home_school_id == school_id, Q.state == "open")
    found = session.scalars(query.order_by(Q.id).options(joinedload(Q.course).joinedload(Course.item)))
    return [Holding(_("学分认定申请"), title(each.course.item), f"/recognition-requests/{each.id}") for each in found]


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """The words that were written by and about them go."""
    said = sa.update(R).where(R.person_id == person_id).values(note="")
    asked = sa.update(Q).where(Q.person_id == person_id).values(message="")
    for each in (said, asked):
        session.execute(each.execution_options(**_QUIET))


PEOPLE = PeopleHook(
    {"recognition.person_id": _l("学分认定"), "recognition_request.person_id": _l("学分认定申请")},
    prepare=_prepare, holdings=_holdings, strip=_strip,
)  # fmt: skip


# --- a school is taken over -------------------------------------------------------------------------------------

_OWN = (
    "course_id",
    "person_id",
    "outcome",
    "code",
    "name",
    "name_en",
    "category",
    "credits",
    "note",
    "until",
    "decided_by",
)


def _going_on(session: Session, old_id: int, new_id: int, now: datetime) -> list[Recognition]:
    """What the old school has said last, of courses that are not the successor's and of which that has said nothing."""
    other = aliased(R)
    known = sa.select(other.id).where(other.home_school_id == new_id, other.course_id == R.course_id)
    known = known.where(other.ended_at.is_(None), other.person_id.is_not_distinct_from(R.person_id))
    query = sa.select(R).join(Course, Course.id == R.course_id).where(R.home_school_id == old_id)
    query = query.where(R.ended_at.is_(None), R.open_at(now), sa.not_(known.correlate(R).exists()))
    return list(session.scalars(query.where(Course.school_id.not_in((old_id, new_id))).order_by(R.id)))


def _foresee(session: Session, old_id: int, new_id: int, now: datetime) -> list[Foreseen]:
    count = len(_going_on(session, old_id, new_id, now))
    return [Foreseen(_l("学分认定由接收的学校继续"), count)] if count else []


def _pass_on(
    session: Session, actor: Actor | None, old_id: int, new_id: int, departments: Mapping[int, int], now: datetime
) -> dict[str, int]:
    """What the old school said stays its word; the successor goes on by saying the same. What was asked is asked of it."""
    going_on = _going_on(session, old_id, new_id, now)
    made: dict[int, Recognition] = {}
    for row in going_on:
        made[row.id] = R(
            home_school_id=new_id, since=now, created_at=now, **{name: getattr(row, name) for name in _OWN}
        )
    over = sa.update(R).where(R.home_school_id == old_id, R.ended_at.is_(None))
    session.execute(_ended(over, now).execution_options(**_QUIET))
    session.add_all(made.values())
    session.flush()
    for row in going_on:
        followed = made.get(row.same_as_id or 0)
        made[row.id].same_as_id = followed.id if followed else None
    session.flush()
    return {"recognition": len(made), "recognition_request": _move_requests(session, old_id, new_id, now)}


def _move_requests(session: Session, old_id: int, new_id: int, now: datetime) -> int:
    asked = aliased(Q)
    asks = sa.select(asked.id).where(asked.home_school_id == new_id, asked.state == "open")
    asks = asks.where(asked.person_id == Q.person_id, asked.course_id == Q.course_id)
    again = sa.update(Q).where(Q.home_school_id == old_id, Q.state == "open", asks.correlate(Q).exists())
    session.execute(again.values(state="withdrawn", version=Q.version + 1).execution_options(**_QUIET))
    moved = sa.update(Q).where(Q.home_school_id == old_id).values(home_school_id=new_id, version=Q.version + 1)
    return len(session.execute(moved.returning(Q.id).execution_options(**_QUIET)).all())


SUCCESSION = SuccessionHook(
    moves={"recognition_request.home_school_id"}, stays={"recognition.home_school_id"}, foresee=_foresee,
    pass_on=_pass_on,
)  # fmt: skip
