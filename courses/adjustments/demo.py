"""The demonstration's 调停课: at each school that has a registrar, one class is moved, and something is asked of another."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.adjustments import services
from courses.catalogue.models import Offering
from courses.catalogue.timing import TYPE as OFFERING
from zutuan.calendar.models import Occurrence
from zutuan.clock import local
from zutuan.errors import Invalid, Refused
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

SCHOOLS = ("阜阳师范大学", "北京师范大学")
TRAIL = "EDU3021"  # the course of the three steps: its times stay as the sign-in page's visitors find them
WHY = ("参加全国教学研讨会，与会期冲突。", "当天承担教师资格考试监考。")


def load(session: Session, world: DemoWorld) -> None:
    made = 0
    for school in SCHOOLS:
        mine = (offering for (name, code), offering in world.offerings.items() if name == school and code != TRAIL)
        classes = _with_meetings(session, mine, world.now)
        registrar = world.cast.get((school, "registrar"))
        for number, (offering, meeting) in zip(range(2), classes, strict=False):
            teacher = _actor(session, offering.course.staff[0].person_id, world.now - timedelta(hours=20 - number))
            with contextlib.suppress(Invalid, Refused):  # the Saturday is taken by the class itself
                asked = services.ask(session, teacher, offering.id, _wish(meeting, number))
                made += 1
                if number == 0 and registrar is not None:
                    at = world.now - timedelta(hours=2)
                    services.approve(session, _actor(session, registrar, at), asked.id)
    world.say(f"{made} 次调停课")


def _with_meetings(session: Session, ids: Any, now: datetime) -> Iterator[tuple[Offering, Occurrence]]:
    """Published classes of the school that meet some days from now, each with that meeting."""
    o = Occurrence
    for id_ in ids:
        offering = session.get_one(Offering, id_)
        ahead = sa.select(o).where(o.source_type == OFFERING, o.source_id == id_, o.state == "active")
        row = session.scalars(ahead.where(o.starts > now + timedelta(days=5)).order_by(o.starts).limit(1)).first()
        if row is not None and offering.state == "published" and offering.course.item.state == "published":
            yield offering, row


def _wish(row: Occurrence, number: int) -> dict[str, Any]:
    """The first is moved to the Sunday afternoon of its week, the second called off."""
    day = local(row.starts).date()
    sunday = day + timedelta(days=7 - day.isoweekday())
    which = {"week": row.week, "weekday": row.weekday, "period": row.period, "reason": WHY[number]}
    moved = {"date": sunday, "first_period": 5, "last_period": 6, "place": ""}
    return {"kind": "move", **which, **moved} if number == 0 else {"kind": "cancel", **which}


def _actor(session: Session, person_id: int, now: datetime) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), now)
