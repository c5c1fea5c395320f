"""The demonstration's people: invented, and marked so. An account for every role in schools of two clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from zutuan.clusters.models import Cluster, Membership, School
from zutuan.people import passwords, roles, services
from zutuan.people.labels import ROLE
from zutuan.people.models import Affiliation, Person
from zutuan.people.roles import At
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.people.services import NewPerson
from zutuan.sharing.permissions import ROLES

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

# School → the short name in its people's (unreachable) addresses. The first three of the first cluster and the first two
# of the second have an account for every role; the others a registrar, teachers and students.
SLUGS = {
    "北京师范大学": "bnu", "阜阳师范大学": "fynu", "青海师范大学": "qhnu", "四川师范大学": "sicnu", "安徽师范大学": "ahnu",
    "西北师范大学": "nwnu", "西昌民族幼儿师范高等专科学校": "xcyz", "阿坝师范学院": "abtc",
    "陕西师范大学": "snnu", "渭南师范学院": "wnnu", "咸阳师范学院": "xysf", "天水师范学院": "tssf", "琼台师范学院": "qtsf",
}  # fmt: skip
FULL_CAST = ("北京师范大学", "阜阳师范大学", "青海师范大学", "陕西师范大学", "渭南师范学院")
SECOND_CLUSTER = ("陕西师范大学", "渭南师范学院", "咸阳师范学院", "天水师范学院", "琼台师范学院")
STUDENTS = 45
MAJORS = ("小学教育", "学前教育", "汉语言文学", "数学与应用数学", "英语", "教育技术学", "特殊教育", "历史学")
LONG_AGO = timedelta(days=400)


def load(session: Session, world: DemoWorld) -> None:
    from zutuan.demo import PASSWORD

    hashed = passwords.hash_password(PASSWORD)
    names = _staff_names(world)
    for index, (school, slug) in enumerate(SLUGS.items()):
        _teachers(session, world, school, slug, hashed)
        _staff(session, world, school, slug, hashed, names)
        _students(session, world, school, slug, hashed, index)
        world.say(f"{school}: {len(world.students[school])} 名学生")
    _twice(session, world, hashed)


def _staff_names(world: DemoWorld) -> Iterator[str]:
    """More posts than names: a second round adds nothing but another person of the same name, as life does."""
    staff: list[str] = world.material["names"]["staff"]
    while True:
        yield from staff


def _new(world: DemoWorld, school: str, number: str, name: str, kind: str, **more: Any) -> NewPerson:
    return NewPerson(
        name=name, school_id=world.schools[school], number=number, kind=kind, demonstration=True,
        privacy_version=PRIVACY_VERSION, **more
    )  # fmt: skip


def _account(world: DemoWorld, role: str, school: str, person_id: int, number: str, email: str | None) -> None:
    from zutuan.demo import PASSWORD

    world.cast[school, role] = person_id
    world.accounts.append({"role": role, "school": school, "number": number, "email": email, "password": PASSWORD})


def _teachers(session: Session, world: DemoWorld, school: str, slug: str, hashed: str) -> None:
    """Everyone who teaches a course of the school; the first has the account that is printed."""
    past = world.now - LONG_AGO
    courses = [course for course in world.material["course"] if course["school"] == school]
    for index, name in enumerate(dict.fromkeys(course["teacher"] for course in courses)):
        number = f"T{index + 1:04d}"
        email = f"teacher@{slug}.example" if index == 0 else None
        department = next(course["department"] for course in courses if course["teacher"] == name)
        department_id = services.ensure_department(session, world.schools[school], department).id
        new = _new(
            world, school, number, name, "teacher", email=email, password_hash=hashed, department_id=department_id
        )
        person = services.create_person(session, None, new, past)
        world.teachers[school, name] = person.id
        if index == 0:
            _account(world, "teacher", school, person.id, number, email)


def _staff(session: Session, world: DemoWorld, school: str, slug: str, hashed: str, names: Iterator[str]) -> None:
    past = world.now - LONG_AGO
    posts = [role for role in ROLES if role not in ("student", "teacher")] if school in FULL_CAST else ["registrar"]
    cluster = "陕西师范大学组团" if school in SECOND_CLUSTER else "北京师范大学组团"
    for index, role in enumerate(posts):
        number, email = f"S{index + 1:04d}", f"{role.replace('_', '-')}@{slug}.example"
        new = _new(world, school, number, next(names), "staff", email=email, password_hash=hashed)
        person = services.create_person(session, None, new, past)
        at = At(school_id=world.schools[school])
        if role == "cluster_admin":
            at = At(cluster_id=world.clusters[cluster])
        elif role == "platform_admin":
            at = At()
        roles.grant_role(session, None, person, role, at, past)
        _account(world, role, school, person.id, number, email)


@dataclass(frozen=True)
class _Pupil:
    name: str
    number: str
    major: str
    grade: str


def _pupils(world: DemoWorld, seed: int) -> list[_Pupil]:
    """Names made of the listed ones: a family name of one, a given name of another."""
    listed: list[str] = world.material["names"]["students"]
    plain = [name for name in listed if "·" not in name and 2 <= len(name) <= 3]
    rare = [name for name in listed if "·" in name]
    pupils = []
    for index in range(STUDENTS):
        family, given = plain[(seed * 7 + index) % len(plain)], plain[(seed * 13 + index * 5 + 3) % len(plain)]
        name = rare[(seed + index) % len(rare)] if index % 11 == 10 else family[0] + given[1:]
        grade = str(world.now.year - 1 - index % 3)
        pupils.append(
            _Pupil(name, f"{grade}{1100 + seed:04d}{index + 1:02d}", MAJORS[(seed + index) % len(MAJORS)], grade)
        )
    return pupils


def _twice(session: Session, world: DemoWorld, hashed: str) -> None:
    """A student whom a second roster has made a second person: changed the major, and with it the number (人员 › 重复的人)."""
    school = "阜阳师范大学"
    first = session.get_one(Person, world.students[school][-1])
    major, grade = MAJORS[2], str(world.now.year - 1)
    again = _new(
        world, school, f"{grade}990001", first.name, "student", password_hash=hashed, major=major, grade=grade,
        class_name=class_name(major, grade),
    )  # fmt: skip
    services.create_person(session, None, again, world.now - timedelta(days=30))


def class_name(major: str, grade: str) -> str:
    return f"{grade}级{major}1班"


def _students(session: Session, world: DemoWorld, school: str, slug: str, hashed: str, seed: int) -> None:
    """Most have no e-mail and sign in by school and number, as in real life."""
    past = world.now - LONG_AGO
    world.students[school] = []
    for index, pupil in enumerate(_pupils(world, seed)):
        email = f"student@{slug}.example" if index == 0 else None
        new = _new(
            world, school, pupil.number, pupil.name, "student", email=email, password_hash=hashed,
            major=pupil.major, grade=pupil.grade, class_name=class_name(pupil.major, pupil.grade),
        )  # fmt: skip
        person = services.create_person(session, None, new, past)
        world.students[school].append(person.id)
        if index == 0:
            _account(world, "student", school, person.id, pupil.number, email)


# --- the demonstration's sign-in page ---------------------------------------------------------------------------


def demo_sign_ins(session: Session) -> dict[str, Any]:
    """The printed accounts grouped by role, and the trail of three steps."""
    rows = session.execute(
        sa.select(Person.id, Person.name, Person.email, School.name, sa.func.min(Cluster.name))
        .join(Affiliation, Affiliation.person_id == Person.id)
        .join(School, School.id == Affiliation.school_id)
        .outerjoin(Membership, Membership.school_id == School.id)
        .outerjoin(Cluster, Cluster.id == Membership.cluster_id)
        .where(Person.demonstration, Person.email.is_not(None))
        .group_by(Person.id, Person.name, Person.email, School.name)
        .order_by(Person.id)
    )
    by_role: dict[str, list[dict[str, Any]]] = {role: [] for role in ROLES}
    for id_, name, email, school, cluster in rows:
        role = (email or "").partition("@")[0].replace("-", "_")
        by_role.setdefault(role, []).append(
            {"id": id_, "name": name, "school": school, "cluster": cluster, "email": email}
        )
    groups = [{"label": ROLE[role], "people": people} for role, people in by_role.items() if people]
    return {"groups": groups, "trail": _trail(session, by_role)}


def _trail(session: Session, by_role: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    people = {person["email"]: person for group in by_role.values() for person in group}
    steps = (
        ("teacher@bnu.example", "/", _("发布"), _("一位教师把课程草稿发布给组团")),
        ("student@fynu.example", "/courses?sort=newest", _("选课"), _("一名学生找到它并选课")),
        ("registrar@fynu.example", "/", _("审核"), _("学生所在学校的教务员审核")),
    )
    return [
        {
            "label": label,
            "note": f"{note}{_('：')}{people[email]['name']} · {people[email]['school']}",
            "person_id": people[email]["id"],
            "next": target,
            "action": _("以%(role)s身份开始", role=ROLE[email.partition("@")[0]]),
        }
        for email, target, label, note in steps
        if email in people
    ]
