"""The fixed cast of all tests: five schools, two clusters, and at each school one person per role.

    cluster 甲 (A):   A leads, B is a partner, C is supported; E was a partner until yesterday
    cluster 乙 (other): D leads

Everyone's password is PASSWORD. It is 2026-11-25 10:00 in Shanghai, a Wednesday in week 12.
Whoever needs more builds it on top; whoever changes this changes every test's world.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache

from sqlalchemy.orm import Session

from zutuan.calendar.models import Period, PeriodTable, Term
from zutuan.calendar.services import usual_periods
from zutuan.clusters.models import Cluster, Membership, School
from zutuan.db import Database
from zutuan.people import passwords
from zutuan.people.models import Person, RoleAssignment
from zutuan.people.roles import At, grant_role
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.people.services import NewPerson, create_person, create_token, ensure_department, load_actor
from zutuan.sharing.permissions import ROLES, Subject
from zutuan.sharing.services import audit

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
LONG_AGO = NOW - timedelta(days=400)
PASSWORD = "correct horse battery"
DEPARTMENT = "教育学院"
FIRST_DAY, WEEKS, YEAR = date(2026, 9, 7), 18, "2026-2027"

# letter → (code, name, cluster letter, role in it, whether the membership ended yesterday)
_SCHOOLS = {
    "A": ("4199000001", "甲牵头师范大学", "A", "lead", False),
    "B": ("4199000002", "甲参与师范大学", "A", "partner", False),
    "C": ("4199000003", "甲支持师范学院", "A", "supported", False),
    "D": ("4199000004", "乙牵头师范大学", "D", "lead", False),
    "E": ("4199000005", "甲退出师范大学", "A", "partner", True),
}
_CLUSTERS = {"A": "甲组团", "D": "乙组团"}
_KINDS = {"student": "student", "teacher": "teacher"}


@dataclass(frozen=True)
class Player:
    """One person of the cast: how they sign in, and a personal token."""

    id: int
    school: str
    role: str
    number: str
    email: str
    affiliation_id: int
    token: str


@dataclass(frozen=True)
class Cast:
    """Ids of everything: `cast.schools["B"]`, `cast.clusters["A"]`, `cast.who("B", "registrar")`."""

    schools: dict[str, int] = field(default_factory=dict)
    clusters: dict[str, int] = field(default_factory=dict)
    departments: dict[str, int] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    players: dict[tuple[str, str], Player] = field(default_factory=dict)

    def who(self, school: str, role: str) -> Player:
        return self.players[school, role]

    def __iter__(self) -> Iterator[Player]:
        return iter(self.players.values())

    def name_of(self, school: str) -> str:
        return _SCHOOLS[school][1]

    def code_of(self, school: str) -> str:
        return _SCHOOLS[school][0]


def build(database: Database) -> Cast:
    """Put the cast into an empty database."""
    cast = Cast()
    with database.write() as session:
        for letter, name in _CLUSTERS.items():
            cluster = Cluster(name=name)
            session.add(cluster)
            session.flush()
            cast.clusters[letter] = cluster.id
        for letter in _SCHOOLS:
            _add_school(session, cast, letter)
        for letter in _SCHOOLS:
            for role in ROLES:
                cast.players[letter, role] = _add_player(session, cast, letter, role)
    return cast


@cache
def password_hash() -> str:
    """Made once: argon2 is slow on purpose."""
    return passwords.hash_password(PASSWORD)


def _add_school(session: Session, cast: Cast, letter: str) -> None:
    code, name, cluster, role, ended = _SCHOOLS[letter]
    school = School(code=code, name=name, province="测试省", city="测试市", level="本科")
    session.add(school)
    session.flush()
    cast.schools[letter] = school.id
    cast.departments[letter] = ensure_department(session, school.id, DEPARTMENT).id
    session.add(
        Membership(
            cluster_id=cast.clusters[cluster], school_id=school.id, role=role, from_=LONG_AGO,
            until=YESTERDAY if ended else None,
        )
    )  # fmt: skip
    term = Term(school_id=school.id, academic_year=YEAR, number=1, first_day=FIRST_DAY, weeks=WEEKS)
    table = PeriodTable(school_id=school.id, from_day=date(2020, 9, 1))
    table.periods = [Period(number=n, starts=starts, ends=ends) for n, starts, ends in usual_periods()]
    session.add_all([term, table])
    session.flush()
    cast.terms[letter] = term.id
    audit(session, None, "test.cast", Subject("school", school.id), now=LONG_AGO, school_id=school.id)


def _add_player(session: Session, cast: Cast, letter: str, role: str) -> Player:
    school_id = cast.schools[letter]
    number = f"{letter}{ROLES.index(role) + 1:03}"
    email = f"{role}@{letter.lower()}.example.cn"
    kind = _KINDS.get(role, "staff")
    person = create_person(
        session, None,
        NewPerson(
            name=f"{letter} {role}", school_id=school_id, number=number, kind=kind, email=email,
            password_hash=password_hash(), privacy_version=PRIVACY_VERSION, department_id=cast.departments[letter] if role != "school_admin" else None,
            major="小学教育" if kind == "student" else "", grade="2024" if kind == "student" else "",
        ),
        LONG_AGO,
    )  # fmt: skip
    if kind == "staff":
        _grant(session, cast, letter, person, role)
    session.flush()
    _token, secret = create_token(session, load_actor(session, person, NOW), "test", NOW)
    return Player(person.id, letter, role, number, email, person.affiliations[0].id, secret)


def _grant(session: Session, cast: Cast, letter: str, person: Person, role: str) -> RoleAssignment:
    """At the usual place: a secretary at the department, cluster admins at the cluster (E's until it left)."""
    cluster, ended = _SCHOOLS[letter][2], _SCHOOLS[letter][4]
    until = None
    if role == "cluster_admin":
        at, until = At(cluster_id=cast.clusters[cluster]), YESTERDAY if ended else None
    elif role == "platform_admin":
        at = At()
    elif role == "secretary":
        at = At(cast.schools[letter], cast.departments[letter])
    else:
        at = At(cast.schools[letter])
    return grant_role(session, None, person, role, at, LONG_AGO, until)
