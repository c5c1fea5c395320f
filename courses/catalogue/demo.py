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
# Seats kept for several schools, rounds, an exam, and a queue (enrolment's loader fills it).
SHOWN: dict[str, Any] = {
    "school": "北京师范大学", "code": "EDU3290", "title_zh": "儿童绘本与早期阅读指导",
    "title_en": "Picture Books and Guiding Early Reading", "credits": 2.0, "hours": 32, "category": "teacher_education",
    "level": "bachelor", "language": "zh", "delivery": "mixed",
    "summary_zh": "读一百本绘本，学会带孩子一起读。",
    "summary_en": "Read a hundred picture books, and learn to read them with children.",
    "description_zh": "每周精读一组绘本，讨论图与文怎样一起讲故事；再到合作园所或通过录像带一次共读，用观察记录改进提问和等待的方式。"
    "隔周线上上课，期末在北京师范大学集中展示。",
    "description_en": "Each week a group of picture books is read closely: how do pictures and words tell a story together? Then "
    "a shared reading with children, and notes to improve how one asks and waits. Online in most weeks, with a closing day on campus.",
    "keywords": ["绘本", "早期阅读", "学前教育"], "prerequisites_zh": "", "assessment_zh": "共读录像与记录 60%，期末考试 40%",
    "department": "教育学部", "weekday": 2, "first_period": 5, "last_period": 6, "weeks": "8-17", "seats": 0,
    "audience": "cluster",
}  # fmt: skip
SHOWN_POOLS = {"阜阳师范大学": 2, "青海师范大学": 1, "四川师范大学": 2}


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
    _shown(session, world, {**SHOWN, "teacher": material[0]["teacher"]})
    draft = {**DRAFT, "teacher": material[0]["teacher"]}
    actor = _teacher(session, world, draft, world.now - timedelta(hours=2))
    course = _course(session, actor, draft)
    services.create_offering(session, actor, course, _offering(world.now, 1, draft))
    session.flush()
    world.say(f"{len(material) + 1} 门课程，1 门草稿")


def _shown(session: Session, world: DemoWorld, each: dict[str, Any]) -> None:
    """The one with everything that an offering can have."""
    now = world.now
    actor = _teacher(session, world, each, now - timedelta(days=6))
    course = _course(session, actor, each)
    services.publish_course(session, actor, course, _audience(session, actor, each))
    days = {"preselection": (-9, 8, -6, 8), "main": (-6, 8, 8, 17), "add_drop": (8, 17, 20, 17)}
    rounds = [
        {"kind": kind, "opens": _office(now + timedelta(days=first), at), "closes": _office(now + timedelta(days=last), until)}
        for kind, (first, at, last, until) in days.items()
    ]  # fmt: skip
    sunday = now + timedelta(weeks=10, days=7 - local(now).isoweekday())
    exam = _office(sunday, 14)
    offering = services.create_offering(
        session, actor, course,
        {
            **_offering(now, 1, each), "enrol_from": None, "enrol_until": None, "rounds": rounds, "seats": None,
            "room": "教二 204", "room_seats": 60, "for_grades": [], "note": "期末考试可以在本校教务处指定的教室线上参加。",
            "pools": [{"scope": scopes.school(world.schools[name]), "seats": n} for name, n in SHOWN_POOLS.items()],
            "dates": [{"kind": "exam", "starts": exam, "ends": exam + timedelta(hours=2), "place": "教二 204", "note": "闭卷"}],
        },
    )  # fmt: skip
    services.move_offering(session, actor, offering, "publish")
    world.offerings[each["school"], each["code"]] = offering.id


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
