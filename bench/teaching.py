"""The data set's courses, offerings, meetings, seats and audiences; then `electives` fills the seats."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bench import bulk, electives
from courses.catalogue.models import Course, CourseTeacher, MeetingPattern, Offering, SeatPool
from zutuan.calendar.models import Occurrence, Term
from zutuan.calendar.rules import Pattern, TermDates, expand
from zutuan.calendar.services import usual_periods
from zutuan.sharing import scopes
from zutuan.sharing.models import Share, SharedItem

if TYPE_CHECKING:
    from bench.data import World

COURSES = 2_000
# How often: every 20 courses …
AUDIENCES = ("cluster",) * 14 + ("platform",) * 2 + ("cluster:role",) + ("school",) + ("draft",) * 2
PERIODS = {number: (starts, ends) for number, starts, ends in usual_periods()}


@dataclass
class Offered:
    """A published offering: who may take it, and its seats."""

    id: int
    course_id: int
    school_id: int
    audience: str
    title: str
    teacher_id: int
    capacity: int
    taken: int = 0


@dataclass
class _Rows:
    items: list[dict[str, Any]]
    courses: list[dict[str, Any]]
    staff: list[dict[str, Any]]
    shares: list[dict[str, Any]]
    offerings: list[dict[str, Any]]
    meetings: list[dict[str, Any]]
    occurrences: list[dict[str, Any]]


def fill(connection: Connection, world: World) -> None:
    material = tomllib.loads(world.content.read_text(encoding="utf-8"))["course"]
    rows = _Rows([], [], [], [], [], [], [])
    dates = {
        id_: TermDates(first, weeks)
        for id_, first, weeks in connection.execute(sa.select(Term.id, Term.first_day, Term.weeks))
    }
    for index in range(COURSES):
        _course(world, rows, dates, index, material[index % len(material)])
    for model, those in ((SharedItem, rows.items), (Course, rows.courses), (CourseTeacher, rows.staff),
                         (Share, rows.shares), (Offering, rows.offerings), (MeetingPattern, rows.meetings),
                         (Occurrence, rows.occurrences)):  # fmt: skip
        bulk.insert(connection, model, those)
    rest = electives.seat(world)  # decides how many seats are taken, so before the pools are written
    pools = [{"id": o.id, "offering_id": o.id, "capacity": o.capacity, "wanted": o.capacity, "taken": o.taken}
             for o in world.offerings]  # fmt: skip
    bulk.insert(connection, SeatPool, pools)
    electives.write(connection, rest)


def _course(world: World, rows: _Rows, dates: dict[int, TermDates], index: int, source: dict[str, Any]) -> None:
    id_, school = index + 1, world.members[index % len(world.members)]
    audience = AUDIENCES[index // len(world.members) % len(AUDIENCES)]
    draft = audience == "draft"
    published = world.now - timedelta(days=30) + timedelta(minutes=20 * index)
    title = source["title_zh"] + ("" if index < len(world.members) else f"（{index // len(world.members)}）")
    rows.items.append({
        "id": id_, "kind": "course", "owner_school_id": school, "title_zh": title, "title_en": source["title_en"],
        "summary_zh": source["summary_zh"], "summary_en": source["summary_en"], "keywords": source["keywords"],
        "state": "draft" if draft else "published", "created_at": published, "updated_at": published,
        "published_at": None if draft else published,
    })  # fmt: skip
    rows.courses.append({
        "id": id_, "school_id": school, "code": f"B{id_:05d}", "credits": source["credits"], "hours": source["hours"],
        "category": source["category"], "level": source["level"], "language": source["language"],
        "delivery": source["delivery"], "department_id": world.chance.choice(world.departments[school]),
        "description_zh": source["description_zh"], "description_en": source["description_en"],
        "prerequisites": source["prerequisites_zh"], "assessment": source["assessment_zh"],
    })  # fmt: skip
    teachers = world.chance.sample(world.teachers[school], 1 + (index % 6 == 0))
    rows.staff += [{"course_id": id_, "person_id": person} for person in teachers]
    rows.shares += [_share(id_, scope, published) for scope in _scopes(world, school, audience)]
    for number in range(1 + (index % 5 == 0)):
        _offering(world, rows, dates, Offered(len(rows.offerings) + 1, id_, school, audience, title, teachers[0],
                                              world.chance.choice((20, 30, 36, 45, 60))), number)  # fmt: skip


def _scopes(world: World, school: int, audience: str) -> list[str]:
    if audience == "draft":
        return [scopes.manage(school)]
    cluster = world.cluster_of[school]
    more = {"cluster": scopes.cluster(cluster), "platform": scopes.PLATFORM,
            "cluster:role": scopes.cluster(cluster, "supported")}.get(audience)  # fmt: skip
    return [scopes.manage(school), scopes.school(school), *([more] if more else [])]


def _share(item: int, scope: str, since: Any) -> dict[str, Any]:
    return {"item_id": item, "scope": scope, "cluster_id": scopes.cluster_of(scope), "from_": since, "until": None,
            "aspect": "record"}  # fmt: skip


def _offering(world: World, rows: _Rows, dates: dict[int, TermDates], offered: Offered, number: int) -> None:
    term_id, now = world.terms[offered.school_id], world.now
    rows.offerings.append({
        "id": offered.id, "course_id": offered.course_id, "term_id": term_id, "code": f"{number + 1:02d}",
        "state": "draft" if offered.audience == "draft" else "published", "enrol_from": now - timedelta(days=10),
        "enrol_until": now + timedelta(days=10), "room": f"教学楼 {100 + offered.id % 400}",
        "created_at": now - timedelta(days=11), "updated_at": now - timedelta(days=11),
    })  # fmt: skip
    world.offerings.append(offered)
    for meeting in range(1 + offered.id % 2):
        first = world.chance.choice((1, 3, 5, 7, 9))
        pattern = Pattern((offered.id + 2 * meeting) % 7 + 1, first, first + 1, "1-16")
        rows.meetings.append({"offering_id": offered.id, "weekday": pattern.weekday, "first_period": first,
                              "last_period": first + 1, "weeks": pattern.weeks})  # fmt: skip
        rows.occurrences += [
            {"resource_type": "offering", "resource_id": offered.id, "source_type": "offering",
             "source_id": offered.id, "starts": each.starts, "ends": each.ends, "week": each.week,
             "weekday": pattern.weekday, "period": first, "changed_at": now}
            for each in expand(pattern, dates[term_id], PERIODS)
        ]  # fmt: skip
