"""The demonstration's courses: what such schools really teach, in this term, from open to closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from courses.catalogue import services
from courses.catalogue.models import Course
from zutuan.clock import at_shanghai, local
from zutuan.people.models import Person
from zutuan.people.services import ensure_department, load_actor
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.services import clusters_of

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

# Enrolment opened ten days ago and closes in ten, but for every ninth (closed) and every thirteenth (not yet open).
OPENED = timedelta(days=10)
# Meets on whatever day the demonstration is made, so that somebody's workbench has a class today.
TODAY = "PSY2052"
DRAFT = {
    "school": "北京师范大学", "code": "EDU4107", "title_zh": "乡村小学课堂的证据化教研",
    "title_en": "Evidence-Based Lesson Study in Rural Primary Schools", "credits": 2.0, "hours": 32,
    "category": "teacher_education", "level": "bachelor", "language": "zh", "delivery": "live_online",
    "summary_zh": "与乡村小学教师一起备课、上课、看数据，学着让教研讲证据。",
    "summary_en": "Plan, teach and read the data together with rural teachers: lesson study that argues from evidence.",
    "description_zh": "每三周为一轮：与合作乡村小学的教师共同备一节课，在线观课并记录学生的表现，再用记录讨论哪里需要改。"
    "期末提交一份完整的教研档案。",
    "description_en": "In rounds of three weeks: plan a lesson with a partner rural school, observe it online, and use the "
    "notes on pupils' work to decide what to change. A complete lesson-study file closes the term.",
    "keywords": ["乡村教育", "教研", "证据"], "prerequisites_zh": "", "assessment_zh": "教研档案 70%，课堂参与 30%",
    "department": "教育学部", "weekday": 2, "first_period": 9, "last_period": 10, "weeks": "8-17", "seats": 36,
    "audience": "cluster",
}  # fmt: skip


def load(session: Session, world: DemoWorld) -> None:
    material: list[dict[str, Any]] = world.material["course"]
    for index, each in enumerate(material):
        published = world.now - timedelta(days=11) + timedelta(hours=index)
        actor = _teacher(session, world, each, published)
        course = _course(session, actor, each)
        services.publish_course(session, actor, course, _audience(session, actor, each))
        offering = services.create_offering(session, actor, course, _offering(world.now, index, each))
        services.move_offering(session, actor, offering, "publish")
        world.offerings[each["school"], each["code"]] = offering.id
    draft = {**DRAFT, "teacher": material[0]["teacher"]}
    actor = _teacher(session, world, draft, world.now - timedelta(hours=2))
    course = _course(session, actor, draft)
    services.create_offering(session, actor, course, _offering(world.now, 1, draft))
    session.flush()
    world.say(f"{len(material)} 门课程，1 门草稿")


def _teacher(session: Session, world: DemoWorld, each: dict[str, Any], now: datetime) -> Actor:
    person = session.get_one(Person, world.teachers[each["school"], each["teacher"]])
    return load_actor(session, person, now)


def _course(session: Session, actor: Actor, each: dict[str, Any]) -> Course:
    same = (
        "code", "title_zh", "title_en", "summary_zh", "summary_en", "description_zh", "description_en", "keywords",
        "credits", "hours", "category", "level", "language", "delivery",
    )  # fmt: skip
    school_id = actor.affiliations[0].school_id
    data = {name: each[name] for name in same} | {
        "school_id": school_id,
        "department_id": ensure_department(session, school_id, each["department"]).id,
        "prerequisites": each["prerequisites_zh"],
        "assessment": each["assessment_zh"],
        "teacher_ids": None,
        "audience": [],
        "credits": Decimal(str(each["credits"])),
    }
    if each["category"] == "teacher_education":
        data |= {"discipline_scheme": "gbt13745", "discipline_code": "880"}
    return services.create_course(session, actor, data)


def _audience(session: Session, actor: Actor, each: dict[str, Any]) -> list[str]:
    if each["audience"] == "platform":
        return [scopes.PLATFORM]
    if each["audience"] == "school":
        return []
    members = clusters_of(session, actor.affiliations[0].school_id, actor.now)
    return [scopes.cluster(cluster_id) for cluster_id in members]


def _office(moment: datetime, hour: int) -> datetime:
    """That hour of that day in Shanghai: nobody opens a window at 03:41."""
    return at_shanghai(local(moment).date()) + timedelta(hours=hour)


def _offering(now: datetime, index: int, each: dict[str, Any]) -> dict[str, Any]:
    opens, closes = _office(now - OPENED, 8), _office(now + OPENED, 17)
    if index % 9 == 8:
        closes = _office(now - timedelta(days=1), 17)
    elif index % 13 == 12:
        opens = _office(now + timedelta(days=3), 8)
    meeting = {name: each[name] for name in ("weekday", "first_period", "last_period", "weeks")}
    if each["code"] == TODAY:
        meeting |= {"weekday": local(now).isoweekday(), "first_period": 9, "last_period": 10, "weeks": "1-16"}
    online = each["delivery"] != "on_site"
    return {
        "code": "01", "term_id": None, "enrol_from": opens, "enrol_until": closes, "seats": each["seats"],
        "room": "" if online else "教学楼 " + f"{100 + index * 7 % 400}", "note": "",
        "online_url": f"https://live.example/{each['code'].lower()}" if online else "", "meetings": [meeting],
    }  # fmt: skip
