"""From the opening of the rounds to the end of add/drop: a rush, queues, two schools' words, seats handed on."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa

from courses.catalogue.models import SeatPool
from courses.enrolment.models import Enrolment
from drill.opening import HOMES, LEAD, few, registrar, students
from drill.stage import Stage, Who, ok, refused
from zutuan.commands_operations import broken

RUSH = "EDU1"


def rush(stage: Stage) -> None:
    """Everybody at the same time; who finds no seat waits."""
    path = stage.kept[f"{RUSH}-01"]
    everybody = [who for school in HOMES for who in students(stage, school)]
    heard = stage.together(everybody, lambda api, _who: api.post(f"{path}/enrolments", {}))
    seated = [who for who, answer in zip(everybody, heard, strict=True) if answer.status_code == 201]
    others = [who for who in everybody if who not in seated]
    codes = {answer.json["code"] for answer in heard if answer.status_code != 201 and answer.json}
    places = len(HOMES) * few(stage)
    stage.shown(f"{len(everybody)} 人同时选课，{places} 个名额恰好给出", len(seated) == places, (len(seated), codes))
    stage.shown("没有得到名额的人听到的是名额已满", codes <= {"seats_gone"}, codes)
    for who in others:
        ok(stage.api(who).post(f"{path}/enrolments", {"waitlist": True}), 201)
    queue = sorted(place(stage, who, path) for who in others)
    stage.shown(f"{len(others)} 人候补，各校各排各的队", queue == sorted([(1, 2), (2, 2)] * 2), queue)
    stage.kept["seated"], stage.kept["queue"] = seated, others


def mine(stage: Stage, who: Who, path: str) -> dict[str, Any]:
    """The student's newest enrolment in that class."""
    number = int(path.rsplit("/", 1)[1])
    rows = ok(stage.api(who).get("/me/enrolments?limit=100"))["items"]
    return dict(max((each for each in rows if each["offering_id"] == number), key=lambda each: each["id"]))


def place(stage: Stage, who: Who, path: str) -> tuple[int, int]:
    found = ok(stage.api(who).get(f"/enrolments/{mine(stage, who, path)['id']}"))
    return found["place"], found["waiting"]


def decide(stage: Stage) -> None:
    """Each home school's registrar answers everything at once; one student is refused, whose seat goes on."""
    path = stage.kept[f"{RUSH}-01"]
    for school in HOMES:
        api = registrar(stage, school)
        first, *others = pending(stage, school, path)
        ok(api.post("/enrolments/decide", {"event": "deny", "ids": [first], "reason": "本学期已超出培养方案学分"}))
        ok(api.post("/enrolments/decide", {"event": "approve", "ids": others}))
    stage.works()
    offered = [who for who in stage.kept["queue"] if mine(stage, who, path)["state"] == "offered"]
    stage.shown("两校各退下一个名额，各校候补第一位得到", {who.school for who in offered} == set(HOMES), offered)
    takes, waits = offered
    ok(stage.api(takes).post(f"/enrolments/{mine(stage, takes, path)['id']}/accept", {}))
    stage.at(date(2026, 9, 3), 20)
    stage.shown("没有在时限内接受的，名额给下一位", mine(stage, waits, path)["state"] == "expired")
    nexts = [who for who in stage.kept["queue"] if who.school == waits.school and who is not waits]
    (follows,) = nexts
    refused(stage.api(waits).post(f"/enrolments/{mine(stage, waits, path)['id']}/accept", {}), "enrolment_over")
    ok(stage.api(follows).post(f"/enrolments/{mine(stage, follows, path)['id']}/accept", {}))
    for school in HOMES:
        asked = pending(stage, school)
        ok(registrar(stage, school).post("/enrolments/decide", {"event": "approve", "ids": asked}))
    add_up(stage)


def pending(stage: Stage, school: str, path: str = "") -> list[int]:
    """What waits for the school's registrar: of one class, or all of it."""
    rows = ok(registrar(stage, school).get("/enrolments?state=pending&limit=200"))["items"]
    return [each["id"] for each in rows if path in ("", f"/offerings/{each['offering_id']}")]


def leaves(stage: Stage) -> None:
    """In add/drop a student drops the class (退选); a later one is a withdrawal, which the term's second half shows."""
    path = stage.kept[f"{RUSH}-01"]
    who = next(each for each in stage.kept["seated"] if mine(stage, each, path)["state"] == "enrolled")
    ok(stage.api(who).post(f"/enrolments/{mine(stage, who, path)['id']}/withdraw", {}))
    stage.shown("补退选期内退选，名额空出", mine(stage, who, path)["state"] == "withdrawn")
    add_up(stage)


def enrolled(stage: Stage, path: str) -> list[dict[str, Any]]:
    """The roster of the class as its teacher reads it."""
    teacher = stage.api(stage.who(*stage.kept.get("teacher of", {}).get(path, (LEAD, "T001"))))
    return list(ok(teacher.get(f"{path}/enrolments?state=enrolled&limit=200"))["items"])


def add_up(stage: Stage) -> None:
    """In the database: every taken seat is somebody's, nobody has two, no pool is oversold; and `zutuan check` finds
    nothing, asked once on each day."""
    with stage.database.read() as session:
        seats = sa.select(Enrolment.pool_id, sa.func.count()).where(Enrolment.holds_seat()).group_by(Enrolment.pool_id)
        held = {pool: count for pool, count in session.execute(seats)}
        pools = session.execute(sa.select(SeatPool.id, SeatPool.taken, SeatPool.capacity)).all()
        wrong = [row for row in pools if row.taken != held.get(row.id, 0) or row.taken > row.capacity]
    today = stage.clock.today()
    problems = (
        [] if stage.kept.get("checked") == today else [each for each in broken(stage.database) if not each.warning]
    )
    stage.kept["checked"] = today
    stage.shown("名额与在册学生一一对应，自查无误", not wrong and not problems, (wrong, problems))
