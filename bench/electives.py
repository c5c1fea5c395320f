"""The data set's 20,000 enrolments with their events, promised shares, notices and audit rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from bench import bulk
from courses.catalogue.queries import seat_aspect
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.enrolment.rules import FREEING
from zutuan.notices.models import Notice
from zutuan.sharing import scopes
from zutuan.sharing.models import AuditEvent, Share

if TYPE_CHECKING:
    from bench.data import World
    from bench.teaching import Offered

ENROLMENTS = 20_000
ACTIVE = 140  # students a school who take electives at all
# What became of every 20 enrolments; `pending` waits for the registrar.
FATES = ("accepted",) * 14 + ("pending",) * 3 + ("denied", "withdrawn", "withdrawn")
_EVENT = {"accepted": "approve", "denied": "deny", "withdrawn": "drop"}


@dataclass
class Rows:
    enrolments: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    shares: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    audits: list[dict[str, Any]] = field(default_factory=list)


def seat(world: World) -> Rows:
    """Give seats to students of the other schools of each cluster; some offerings end full, most do not."""
    rows, seen = Rows(), set()
    open_to = {cluster: [o for o in world.offerings if o.audience == "cluster" and world.cluster_of[o.school_id] == cluster]
               for cluster in set(world.cluster_of.values())}  # fmt: skip
    while len(rows.enrolments) < ENROLMENTS:
        home = world.chance.choice(world.members)
        person = world.students[home][world.chance.randrange(ACTIVE)]
        offers = open_to[world.cluster_of[home]]
        offered = offers[int(len(offers) * world.chance.random() ** 1.6)]  # some are more wanted than others
        full = offered.taken >= offered.capacity
        if offered.school_id == home or full or (person, offered.id) in seen:
            continue
        seen.add((person, offered.id))
        _enrol(world, rows, person, home, offered)
    return rows


def _enrol(world: World, rows: Rows, person: int, home: int, offered: Offered) -> None:
    id_ = len(rows.enrolments) + 1
    fate = FATES[id_ % len(FATES)]
    at = world.now - timedelta(days=9) + timedelta(seconds=id_ * 35)
    ends = world.now + timedelta(days=80)
    holds = fate not in FREEING
    rows.enrolments.append({
        "id": id_, "offering_id": offered.id, "pool_id": offered.id, "person_id": person,
        "affiliation_id": world.affiliation[person], "home_school_id": home, "home_department_id": None,
        "host_school_id": offered.school_id, "home_state": fate, "host_state": "accepted",
        "reason": "与培养方案中的课程重复" if fate == "denied" else "",
        "decide_by": at + timedelta(days=10) if fate == "pending" else None,
        "created_at": at, "updated_at": at + timedelta(hours=5),
    })  # fmt: skip
    world.electives[person] += 1
    offered.taken += holds
    if holds:
        rows.shares.append({"item_id": offered.course_id, "aspect": seat_aspect(offered.id), "cluster_id": None,
                            "scope": scopes.person(person), "from_": at, "until": ends})  # fmt: skip
    _step(world, rows, id_, "enrol", at, person, home)
    if fate in _EVENT:
        actor = person if fate == "withdrawn" else world.registrars[home]
        _step(world, rows, id_, _EVENT[fate], at + timedelta(hours=5), actor, home)
    _tell(world, rows, id_, person, home, offered, fate, at)


def _step(world: World, rows: Rows, id_: int, event: str, at: datetime, actor: int, school: int) -> None:
    rows.events.append({"enrolment_id": id_, "at": at, "event": event, "actor_id": actor,
                        "affiliation_id": world.affiliation[actor]})  # fmt: skip
    rows.audits.append({"at": at, "actor_id": actor, "affiliation_id": world.affiliation[actor],
                        "action": f"enrolment.{event}", "subject_type": "enrolment", "subject_id": id_,
                        "school_id": school, "detail": {}})  # fmt: skip


def _tell(
    world: World, rows: Rows, id_: int, person: int, home: int, offered: Offered, fate: str, at: datetime
) -> None:
    """The student hears of it, and so does the registrar; what waits is unread."""
    params = {"title_zh": offered.title, "title_en": "", "student": "", "home": "", "host": "", "reason": "",
              "decide_by": ""}  # fmt: skip
    for reader, kind in ((person, "enrolment.submitted"), (world.registrars[home], "enrolment.to_approve")):
        read = None if fate == "pending" or id_ % 4 == 0 else at + timedelta(hours=2)
        rows.notices.append({"person_id": reader, "kind": kind, "dedupe_key": f"enrolment:{id_}:enrol", "params": params,
                             "link": f"/enrolments/{id_}", "created_at": at, "read_at": read})  # fmt: skip


def write(connection: Connection, rows: Rows) -> None:
    for model, those in ((Enrolment, rows.enrolments), (EnrolmentEvent, rows.events), (Share, rows.shares),
                         (Notice, rows.notices), (AuditEvent, rows.audits)):  # fmt: skip
        bulk.insert(connection, model, those)
