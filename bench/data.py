"""The data set: 2,619 schools, 5 clusters, 20,000 people, 2,000 courses, 20,000 enrolments. The same every time."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

import courses.catalogue
from bench import bulk, teaching
from zutuan.calendar import demo as calendar_demo
from zutuan.clusters import demo as clusters_demo
from zutuan.clusters.models import Department, Membership, School
from zutuan.db import Database
from zutuan.demo import DemoWorld
from zutuan.migrate import upgrade
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.sharing.models import AuditEvent

SEED = 20221123
PEOPLE = 20_000
TEACHERS, STUDENTS = 60, 460  # a cluster's school; the rest of the people study elsewhere
OUTSIDE = 120  # schools outside any cluster that have people
DEPARTMENTS = ("教育学部", "文学院", "数学学院", "外国语学院", "教育技术学院", "学前教育学院", "体育学院", "音乐学院")
FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
GIVEN = "若桐一诺启航雨晨思源梓涵子轩欣怡浩然嘉懿书瑶明远静宜天佑海燕志强秀英建国文博"


@dataclass
class World:
    """What was made, for those who measure it. Keys of the mappings are school ids."""

    now: datetime
    chance: random.Random
    content: Path
    cluster_of: dict[int, int] = field(default_factory=dict)
    role_of: dict[int, str] = field(default_factory=dict)
    departments: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    terms: dict[int, int] = field(default_factory=dict)
    registrars: dict[int, int] = field(default_factory=dict)
    teachers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    students: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    affiliation: dict[int, int] = field(default_factory=dict)
    offerings: list[teaching.Offered] = field(default_factory=list)
    electives: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # person → number of enrolments

    @property
    def members(self) -> list[int]:
        return sorted(self.cluster_of)

    def schools_of(self, cluster_id: int) -> list[int]:
        return [school for school in self.members if self.cluster_of[school] == cluster_id]


def make(database: Database, now: datetime, say: Callable[[str], None]) -> World:
    """Create the tables and fill them."""
    upgrade(database.engine)
    content = Path(courses.catalogue.__file__).parent / "demo_courses.toml"
    world = World(now, random.Random(SEED), content)
    demo = DemoWorld(now, say, content)
    with database.write() as session:  # the packaged lists, terms and period tables, as the demonstration has them
        clusters_demo.load(session, demo)
        calendar_demo.load(session, demo)
    with database.engine.execution_options(zutuan_writes=True).begin() as connection:
        _places(connection, world)
        _people(connection, world)
        teaching.fill(connection, world)
        bulk.finish(connection)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE")
    return world


def counts(database: Database) -> dict[str, int]:
    """Rows of every table that has any."""
    from zutuan.db import Base

    with database.read() as session:
        tables = Base.metadata.sorted_tables
        found = {each.name: session.scalar(sa.select(sa.func.count()).select_from(each)) or 0 for each in tables}
    return {name: count for name, count in found.items() if count}


def _places(connection: Connection, world: World) -> None:
    from zutuan.calendar.models import Term

    for school, cluster, role in connection.execute(
        sa.select(Membership.school_id, Membership.cluster_id, Membership.role)
    ):
        world.cluster_of[school], world.role_of[school] = cluster, role
    world.terms = {school: term for school, term in connection.execute(sa.select(Term.school_id, Term.id))}
    rows, id_ = [], 0
    for school in world.members:
        for name in DEPARTMENTS:
            id_ += 1
            world.departments[school].append(id_)
            rows.append({"id": id_, "school_id": school, "name": name})
    bulk.insert(connection, Department, rows)


def _people(connection: Connection, world: World) -> None:
    posts = [
        (school, kind)
        for school in world.members
        for kind in ("staff", *["teacher"] * TEACHERS, *["student"] * STUDENTS)
    ]
    every = connection.scalars(sa.select(School.id).order_by(School.id)).all()
    outside = [school for school in every if school not in world.cluster_of][:OUTSIDE]
    posts += [(outside[index % OUTSIDE], "student") for index in range(PEOPLE - len(posts))]
    past = world.now - timedelta(days=400)
    people, belongings, audits = [], [], []
    for id_, (school, kind) in enumerate(posts, start=1):
        people.append(
            {
                "id": id_,
                "name": _name(world.chance),
                "email": _email(kind, id_),
                "created_at": past,
                "privacy_version": PRIVACY_VERSION,
            }
        )
        belongings.append(_belonging(world, id_, school, kind, past))
        audits.append({"at": past, "action": "person.create", "subject_type": "person", "subject_id": id_,
                       "school_id": school, "detail": {}})  # fmt: skip
        _file(world, id_, school, kind)
    bulk.insert(connection, Person, people)
    bulk.insert(connection, Affiliation, belongings)
    bulk.insert(connection, AuditEvent, audits)
    roles = [{"person_id": person, "role": "registrar", "school_id": school, "from_": past}
             for school, person in world.registrars.items()]  # fmt: skip
    bulk.insert(connection, RoleAssignment, roles)


def _name(chance: random.Random) -> str:
    return chance.choice(FAMILY) + "".join(chance.sample(GIVEN, chance.choice((1, 2, 2, 2))))


def _email(kind: str, id_: int) -> str | None:
    """Most students have none."""
    return f"person{id_}@bench.example" if kind != "student" or id_ % 5 == 0 else None


def _belonging(world: World, id_: int, school: int, kind: str, past: datetime) -> dict[str, object]:
    departments = world.departments.get(school)
    student = kind == "student"
    return {
        "id": id_, "person_id": id_, "school_id": school, "kind": kind, "number": f"{kind[0].upper()}{id_:08d}",
        "department_id": world.chance.choice(departments) if departments and kind != "staff" else None,
        "major": "小学教育" if student else "", "grade": str(2021 + id_ % 4) if student else "", "from_": past,
    }  # fmt: skip


def _file(world: World, id_: int, school: int, kind: str) -> None:
    world.affiliation[id_] = id_
    if kind == "staff":
        world.registrars[school] = id_
    else:
        (world.teachers if kind == "teacher" else world.students)[school].append(id_)
