"""The demonstration's draws: one in which students may wish now, one whose wishing is over and that waits to be drawn, and one
that has been drawn. (A cluster has one undrawn draw a term, so the open one is a school's own.)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue import services as catalogue
from courses.catalogue.models import Offering
from courses.lottery import services
from courses.lottery.models import Draw
from zutuan.clock import at_shanghai, local
from zutuan.people.models import Person, RoleAssignment
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

# A second, small class of each of these courses; (weekday, first period, last period).
OPEN = {
    ("四川师范大学", "EDU2230"): (6, 3, 4), ("四川师范大学", "PRE2018"): (7, 7, 8), ("四川师范大学", "EDU3192"): (6, 9, 10),
    ("四川师范大学", "PHY3061"): (7, 1, 2),
}  # fmt: skip
DRAWN = {("北京师范大学", "EDU3021"): (7, 1, 2), ("北京师范大学", "CHN2117"): (7, 5, 6)}
DUE = {
    ("安徽师范大学", "PSY2107"): (7, 7, 8), ("西北师范大学", "EDU5102"): (6, 3, 4), ("青海师范大学", "MUS2015"): (6, 9, 10),
}  # fmt: skip
SEATS, WISHING, WISHED = 6, 3, 8
HOME, HOST, OPEN_HOST = "阜阳师范大学", "北京师范大学", "四川师范大学"


def load(session: Session, world: DemoWorld) -> None:
    _open(session, world)
    _due(session, world)
    _drawn(session, world)
    world.say("3 次抽签：1 次正在填志愿，1 次可以抽签")


def _open(session: Session, world: DemoWorld) -> None:
    """Of 四川师范大学 alone; the printed student of 阜阳师范大学 has three wishes already."""
    lots, now = _classes(session, world, OPEN), world.now
    draw = _announce(
        session, _actor(session, world.cast[OPEN_HOST, "registrar"], now - timedelta(days=2)), session.get_one(Offering, lots[0]), school_id=world.schools[OPEN_HOST],
        opens=_at(now, -1, 8), closes=_at(now, 3, 17), most=2, note="小班教学，名额少；填报三个以上志愿，抽中的机会更大。",
        public_source="志愿截止次日公布的中国福利彩票双色球开奖号码",
    )  # fmt: skip
    at = now - timedelta(hours=4)
    _wish(session, draw, _actor(session, world.students[HOME][0], at), [lots[1], lots[0], lots[3]])
    for place, person in enumerate(world.students[HOME][1:WISHED]):
        _wish(session, draw, _actor(session, person, at), [lots[(place + step) % len(lots)] for step in range(WISHING)])


def _cluster_admin(session: Session, world: DemoWorld, at: datetime) -> Actor:
    held = RoleAssignment.cluster_id == world.clusters["北京师范大学组团"]
    query = sa.select(RoleAssignment.person_id).where(held, RoleAssignment.role == "cluster_admin")
    return _actor(session, session.scalars(query.order_by(RoleAssignment.id)).first() or 0, at)


def _due(session: Session, world: DemoWorld) -> None:
    """Of the cluster: wishing ended yesterday, and its admin may draw."""
    lots, now = _classes(session, world, DUE), world.now
    draw = _announce(
        session, _cluster_admin(session, world, now - timedelta(days=6)), session.get_one(Offering, lots[0]),
        cluster_id=world.clusters["北京师范大学组团"], opens=_at(now, -5, 8), closes=_at(now, -1, 17), most=1,
        note="志愿已截止，等待组团管理员抽签。", public_source="",
    )  # fmt: skip
    for school in (HOME, OPEN_HOST, "阿坝师范学院"):
        for place, person in enumerate(world.students[school][1:WISHED]):
            order = lots if place % 2 else lots[::-1]
            _wish(session, draw, _actor(session, person, now - timedelta(days=3)), order)


def _drawn(session: Session, world: DemoWorld) -> None:
    """Of 北京师范大学 alone, drawn the day before yesterday."""
    lots, now = _classes(session, world, DRAWN), world.now
    registrar = world.cast[HOST, "registrar"]
    draw = _announce(
        session, _actor(session, registrar, now - timedelta(days=8)), session.get_one(Offering, lots[0]), school_id=world.schools[HOST],
        opens=_at(now, -7, 8), closes=_at(now, -3, 17), most=1, note="", public_source="",
    )  # fmt: skip
    for school in ("四川师范大学", "安徽师范大学", "西北师范大学", "青海师范大学"):
        for place, person in enumerate(world.students[school][1 : 1 + WISHED // 2]):
            order = lots if place % 2 else lots[::-1]
            _wish(session, draw, _actor(session, person, now - timedelta(days=5)), order)
    services.run(session, _actor(session, registrar, _at(now, -2, 9)), draw)


def _classes(session: Session, world: DemoWorld, times: dict[tuple[str, str], tuple[int, int, int]]) -> list[int]:
    made = []
    for key, (weekday, first, last) in times.items():
        course = session.get_one(Offering, world.offerings[key]).course
        teacher = _actor(session, course.staff[0].person_id, world.now - timedelta(days=9))
        meeting = {"weekday": weekday, "first_period": first, "last_period": last, "weeks": "1-16"}
        data: dict[str, Any] = {
            "code": "02", "term_id": None, "enrol_from": None, "enrol_until": None, "follows_plan": True, "seats": SEATS,
            "room": "", "note": "", "online_url": f"https://live.example/{key[1].lower()}-02", "meetings": [meeting],
            "seats_by": "lot",
        }  # fmt: skip
        offering = catalogue.create_offering(session, teacher, course, data)
        catalogue.move_offering(session, teacher, offering, "publish")
        made.append(offering.id)
    return made


def _announce(session: Session, actor: Actor, lot: Offering, **data: Any) -> Draw:
    term = {"academic_year": lot.term.academic_year, "number": lot.term.number}
    return services.publish(session, actor, services.create(session, actor, {**term, **data}))


def _wish(session: Session, draw: Draw, student: Actor, lots: Sequence[int]) -> None:
    services.save_wishes(session, student, draw, lots, most=min(2, draw.most), version=0)


def _actor(session: Session, person_id: int, now: datetime) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), now)


def _at(now: datetime, days: int, hour: int) -> datetime:
    return at_shanghai(local(now).date() + timedelta(days=days)) + timedelta(hours=hour)
