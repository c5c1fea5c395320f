"""The demonstration's term plan: enrolling is under way, and every fourth class follows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.catalogue.services import update_offering
from courses.plans import services
from zutuan.calendar import services as calendar
from zutuan.calendar.models import Term
from zutuan.clock import at_shanghai, local
from zutuan.people.models import Person, RoleAssignment
from zutuan.people.services import load_actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

EACH = 4


def load(session: Session, world: DemoWorld) -> None:
    r = RoleAssignment
    admins = session.scalars(sa.select(r).where(r.role == "cluster_admin").order_by(r.id)).all()
    for held in {each.cluster_id: each for each in reversed(admins)}.values():
        assert held.cluster_id is not None
        before = load_actor(session, session.get_one(Person, held.person_id), world.now - timedelta(days=10, hours=1))
        offering = session.get_one(Offering, next(iter(world.offerings.values())))
        term = calendar.term_on(session, offering.course.school_id, local(world.now).date()) or offering.term
        plan = services.create(session, before, held.cluster_id, _dates(world.now, term))
        services.publish(session, before, plan)
    followed = list(world.offerings.values())[1::EACH]
    for offering_id in followed:
        offering = session.get_one(Offering, offering_id)
        teacher = session.get_one(Person, offering.course.staff[0].person_id)
        if offering.enrol_until > world.now > offering.enrol_from:
            update_offering(session, load_actor(session, teacher, world.now), offering, {"follows_plan": True})
    world.say("组团选课安排")


def _dates(now: datetime, term: Term) -> dict[str, Any]:
    def at(days: int, hour: int) -> datetime:
        return at_shanghai(local(now).date() + timedelta(days=days)) + timedelta(hours=hour)

    spans = {
        "submission": (at(-40, 8), at(5, 17)), "review": (at(-21, 8), at(6, 17)),
        "preselection": (at(-10, 8), at(-6, 8)), "main": (at(-6, 8), at(8, 17)), "add_drop": (at(8, 17), at(21, 17)),
    }  # fmt: skip
    flat = {
        f"{stage}_{end}": each
        for stage, span in spans.items()
        for end, each in zip(("from", "until"), span, strict=True)
    }
    days = {"teaching_starts": term.first_day, "grades_due": local(at(60, 0)).date()}
    return {"academic_year": term.academic_year, "number": term.number, **flat, **days, "note": ""}
