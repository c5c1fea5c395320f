"""停开: a class with too few students is called off after add/drop, and who sat in it may enrol elsewhere for some days."""

from __future__ import annotations

from datetime import date

from drill.opening import FUYANG, HOMES, LEAD, registrar, students
from drill.seats import add_up, mine, pending
from drill.stage import Stage, ok, refused

SMALL, OTHER = "EDU3-01", "EDU4-01"
MINIMUM = 3


def few_come(stage: Stage) -> None:
    """Two students where three are needed."""
    path = stage.kept[SMALL]
    sat = [students(stage, school)[0] for school in HOMES]
    for who in sat:
        ok(stage.api(who).post(f"{path}/enrolments", {}), 201)
    for school in HOMES:
        ids = pending(stage, school, path)
        ok(registrar(stage, school).post("/enrolments/decide", {"event": "approve", "ids": ids}))
    stage.kept["sat"] = sat


def call_off(stage: Stage) -> None:
    """The host's registrar sees it first in the list, and calls it off with a reason."""
    path, api = stage.kept[SMALL], registrar(stage, LEAD)
    first = ok(api.get("/offerings/decisions?standing=waiting"))["items"][0]
    number = int(path.rsplit("/", 1)[1])
    stage.shown(f"开班确认：不足 {MINIMUM} 人的排在最前", (first["id"], first["minimum"]) == (number, MINIMUM), first)
    ok(api.post(f"{path}/cancel", {"reason": f"不足 {MINIMUM} 人"}))
    again = api.post(f"{path}/cancel", {"reason": "再停一次"})
    stage.shown("停开只有一次", again.status_code == 409, again.json)
    stage.works()
    gone = [mine(stage, who, path)["state"] for who in stage.kept["sat"]]
    stage.shown("学生的名额都已释放", set(gone) <= {"denied", "withdrawn", "expired"}, gone)
    add_up(stage)


def rescue(stage: Stage) -> None:
    """Who lost a seat may still enrol, somebody else may not; after the window nobody may."""
    path, (first, second) = stage.kept[OTHER], stage.kept["sat"]
    lost = ok(stage.api(first).get("/me/lost-seats"))["items"]
    stage.shown("学生看到失去的名额和可补选的教学班", len(lost) == 1 and bool(lost[0]["alternatives"]), lost)
    bystander = students(stage, FUYANG)[-1]
    refused(stage.api(bystander).post(f"{path}/enrolments", {}), "window_closed")
    ok(stage.api(first).post(f"{path}/enrolments", {}), 201)
    stage.shown("停开补选：选课已截止，仍可补选", mine(stage, first, path)["state"] in ("pending", "enrolled"))
    stage.at(date(2026, 9, 26))
    refused(stage.api(second).post(f"{path}/enrolments", {}), "window_closed")
    stage.shown("补选窗口过后不能再选", True)
    add_up(stage)
