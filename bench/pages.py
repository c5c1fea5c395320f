"""The pages that are measured: who asks, for what, and the tightest SQL that answers the heart of each."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Flask

from bench.client import Request
from bench.data import World
from courses.catalogue.models import CATEGORIES
from zutuan.db import Database
from zutuan.people.models import WebSession
from zutuan.people.services import digest
from zutuan.sharing import scopes

READERS = 140  # different students; registrars are one a school
WORDS = ("教育", "教学", "儿童", "心理", "数学", "小学", "乡村", "设计")
VISIBLE = """i.state = 'published' AND EXISTS (SELECT 1 FROM share s WHERE s.item_id = i.id AND s.aspect = 'record'
    AND s.scope IN (:platform, :school, :cluster, :role) AND s.from_ <= :now AND (s.until IS NULL OR s.until > :now)
    AND (s.cluster_id IS NULL OR EXISTS (SELECT 1 FROM membership m WHERE m.cluster_id = s.cluster_id
         AND m.school_id = i.owner_school_id AND m.from_ <= :now AND (m.until IS NULL OR m.until > :now))))"""


@dataclass(frozen=True)
class Visit:
    """One request: who, where, and the values of the page's main query."""

    person: int
    school: int
    path: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class PageKind:
    """A named page. `sql` is its main query alone, as tight as it gets under the access rule."""

    name: str
    visits: Callable[[World], list[Visit]]
    sql: str


def _students(world: World) -> list[tuple[int, int]]:
    """(person, school) of students who take electives, from every school of every cluster in turn."""
    own = {
        school: [person for person in world.students[school] if world.electives.get(person)] for school in world.members
    }
    turns = range(max(len(people) for people in own.values()))
    return [(own[school][turn], school) for turn in turns for school in world.members if turn < len(own[school])][
        :READERS
    ]


def _registrars(world: World) -> list[tuple[int, int]]:
    return [(person, school) for school, person in sorted(world.registrars.items())]


def _workbench_student(world: World) -> list[Visit]:
    return [Visit(person, school, "/", {}) for person, school in _students(world)]


def _workbench_registrar(world: World) -> list[Visit]:
    return [Visit(person, school, "/", {}) for person, school in _registrars(world)]


def _catalogue(world: World) -> list[Visit]:
    found = []
    for index, (person, school) in enumerate(_students(world)):
        category, weekday = CATEGORIES[index % 2], index % 7 + 1
        query = urlencode({"category": category, "weekday": weekday, "available": "1"})
        found.append(Visit(person, school, f"/courses?{query}", {"category": category, "weekday": weekday}))
    return found


def _offering(world: World) -> list[Visit]:
    found = []
    for index, (person, school) in enumerate(_students(world)):
        cluster = world.cluster_of[school]
        seen = [o for o in world.offerings if o.audience == "cluster" and world.cluster_of[o.school_id] == cluster]
        chosen = seen[index * 37 % len(seen)]
        found.append(Visit(person, school, f"/offerings/{chosen.id}", {"offering": chosen.id}))
    return found


def _electives(world: World) -> list[Visit]:
    return [Visit(person, school, "/enrolments", {}) for person, school in _students(world)]


def _approvals(world: World) -> list[Visit]:
    return [Visit(person, school, "/approvals", {}) for person, school in _registrars(world)]


def _search(world: World) -> list[Visit]:
    found = []
    for index, (person, school) in enumerate(_students(world)):
        word = WORDS[index % len(WORDS)]
        found.append(Visit(person, school, "/search?" + urlencode({"q": word}), {"word": f"%{word}%"}))
    return found


_NEWEST = f"""SELECT i.id, i.title_zh, w.name, c.credits FROM shared_item i JOIN course c ON c.id = i.id
    JOIN school w ON w.id = i.owner_school_id WHERE i.kind = 'course' AND {VISIBLE} AND i.owner_school_id <> :own
    ORDER BY i.published_at DESC, i.id DESC LIMIT 6"""
_CATALOGUE = f"""SELECT i.id, i.title_zh, i.summary_zh, w.name, c.credits, c.hours, o.id, p.capacity - p.taken
    FROM shared_item i JOIN course c ON c.id = i.id JOIN school w ON w.id = i.owner_school_id
    JOIN offering o ON o.course_id = c.id AND o.state = 'published' JOIN seat_pool p ON p.offering_id = o.id
    WHERE i.kind = 'course' AND {VISIBLE} AND c.category = :category AND p.taken < p.capacity
    AND EXISTS (SELECT 1 FROM meeting_pattern t WHERE t.offering_id = o.id AND t.weekday = :weekday)
    ORDER BY i.published_at DESC, i.id DESC LIMIT 31"""
_OFFERING = f"""SELECT o.id, o.enrol_until, c.code, i.title_zh, w.name, p.capacity, p.taken FROM offering o
    JOIN course c ON c.id = o.course_id JOIN shared_item i ON i.id = c.id JOIN school w ON w.id = i.owner_school_id
    JOIN seat_pool p ON p.offering_id = o.id WHERE o.id = :offering AND {VISIBLE}"""
_ENROLMENTS = """SELECT e.id, e.home_state, e.host_state, e.created_at, e.decide_by, i.title_zh, w.name, n.name
    FROM enrolment e JOIN offering o ON o.id = e.offering_id JOIN shared_item i ON i.id = o.course_id
    JOIN school w ON w.id = e.host_school_id JOIN person n ON n.id = e.person_id WHERE """
_SEARCH = f"""SELECT i.id, i.title_zh, w.name FROM shared_item i JOIN school w ON w.id = i.owner_school_id
    WHERE {VISIBLE} AND i.title_zh LIKE :word ORDER BY i.id DESC LIMIT 31"""

PAGES = (
    PageKind("工作台（学生） workbench, student", _workbench_student, _NEWEST),
    PageKind("工作台（教务员） workbench, registrar", _workbench_registrar, _NEWEST),
    PageKind("课程目录，三项筛选 catalogue, three filters", _catalogue, _CATALOGUE),
    PageKind("教学班 an offering", _offering, _OFFERING),
    PageKind("我的选课 my electives", _electives, _ENROLMENTS + "e.person_id = :person ORDER BY e.id DESC LIMIT 51"),
    PageKind("选课审核 approvals", _approvals,
             _ENROLMENTS + "e.home_school_id = :own AND e.home_state = 'pending' AND e.host_state = 'accepted'"
             " ORDER BY e.id LIMIT 51"),
    PageKind("搜索 search", _search, _SEARCH),
)  # fmt: skip


def values_of(world: World, visit: Visit) -> dict[str, Any]:
    """All that any page's main query may ask for."""
    cluster, role = world.cluster_of[visit.school], world.role_of[visit.school]
    return {
        "platform": scopes.PLATFORM, "school": scopes.school(visit.school), "cluster": scopes.cluster(cluster),
        "role": scopes.cluster(cluster, role), "own": visit.school, "person": visit.person, "now": world.now,
        **visit.values,
    }  # fmt: skip


def sign_in(database: Database, app: Flask, people: Sequence[int], world: World) -> dict[int, str]:
    """Person → `Cookie` header of a session of theirs, as the sign-in page would have made it."""
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    name, cookies = app.config["SESSION_COOKIE_NAME"], {}
    ends = world.now + timedelta(hours=12)
    with database.write() as session:
        for person in people:
            secret = secrets.token_urlsafe(32)
            session.add(WebSession(secret_hash=digest(secret), person_id=person, created_at=world.now, expires_at=ends))
            cookies[person] = f"{name}={signer.dumps({'sid': secret})}"
    return cookies


def requests(visits: Sequence[Visit], cookies: Mapping[int, str], count: int) -> list[Request]:
    """`count` requests, the visits in turn."""
    return [Request(visit.path, cookies[visit.person]) for visit in (visits[i % len(visits)] for i in range(count))]
