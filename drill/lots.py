"""抽签: wishes, a dry run, the draw, once; and its statement recomputed by whoever has it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from courses.lottery import recompute
from drill.opening import HOMES, NUMBER, STAGES, YEAR, admin, students
from drill.seats import add_up, mine
from drill.stage import Stage, Who, ok, refused
from zutuan.clock import at_shanghai

LOTS = ("EDU2-01", "EDU5-01")


def announce(stage: Stage) -> None:
    """The cluster's draw of the term: wishing is 预选, and what is published of the seed is its commitment."""
    opens, closes = (at_shanghai(day).isoformat() for day in STAGES["preselection"])
    body = {"cluster_id": stage.cluster, "academic_year": YEAR, "number": NUMBER, "opens": opens, "closes": closes}
    made = ok(admin(stage).post("/draws", body), 201)
    path = stage.kept["draw"] = f"/draws/{made['id']}"
    published = ok(admin(stage).post(f"{path}/publish"))
    stage.shown(
        "抽签已公布：种子保密，只公布它的承诺值", bool(published["commitment"]) and not published["seed"], published
    )


def wish(stage: Stage) -> None:
    """Everybody ranks both classes, every other student the other way round."""
    path = stage.kept["draw"]
    refused(admin(stage).post(f"{path}/run", {}), "wishing_still_open")
    wanted = [int(stage.kept[lot].rsplit("/", 1)[1]) for lot in LOTS]
    everybody = [who for school in HOMES for who in students(stage, school)]
    for number, who in enumerate(everybody):
        order = wanted if number % 2 else wanted[::-1]
        put(stage, who, {"offering_ids": order, "most": 1})
    heard = stage.api(everybody[0]).post(f"{stage.kept[LOTS[0]]}/enrolments", {})
    stage.shown("抽签的教学班不能直接选", heard.status_code == 409, heard.json)
    stage.kept["wishers"] = everybody


def put(stage: Stage, who: Who, body: dict[str, Any]) -> None:
    api, path = stage.api(who), f"{stage.kept['draw']}/wishes"
    tag = api.get(path).headers["ETag"]
    ok(api.put(path, body, headers={"If-Match": tag}))


def draw(stage: Stage) -> None:
    """A dry run writes nothing; the draw gives the seats; a second one is refused."""
    path, seats = stage.kept["draw"], stage.kept["lot seats"]
    before = counts(stage)
    figures = ok(admin(stage).post(f"{path}/try"))
    stage.shown("试抽不写入任何内容", counts(stage) == before, figures)
    ok(admin(stage).post(f"{path}/run", {}))
    after = counts(stage)
    stage.shown(f"抽签给出全部 {seats} 个名额", after["held"] - before["held"] == seats, (before, after))
    refused(admin(stage).post(f"{path}/run", {}), "drawn_already")
    got = Counter(state(stage, who) for who in stage.kept["wishers"])
    stage.shown("每人至多得到一个，落选的也收到说明", got["one"] == seats and not got["more"], got)
    add_up(stage)
    recomputed(stage)


def counts(stage: Stage) -> dict[str, int]:
    """Seats of the lots that somebody holds."""
    taken = 0
    for lot in LOTS:
        taken += sum(pool["taken"] for pool in ok(admin(stage).get(stage.kept[lot]))["pools"])
    return {"held": taken}


def state(stage: Stage, who: Who) -> str:
    ids = {int(stage.kept[lot].rsplit("/", 1)[1]) for lot in LOTS}
    rows = ok(stage.api(who).get("/me/enrolments?limit=100"))["items"]
    return ("none", "one", "more")[min(sum(each["offering_id"] in ids for each in rows), 2)]


def recomputed(stage: Stage) -> None:
    """A student takes the statement and the published script, and draws again; a statement that was touched differs."""
    student = stage.api(stage.kept["wishers"][0])
    statement = ok(student.get(f"{stage.kept['draw']}/statement"))
    stage.shown("任何人用公布的种子重算，结果相同", verified(statement) == 0)
    touched = copy.deepcopy(statement)
    touched["seed"] = "0" * len(touched["seed"])
    stage.shown("改动过的公告重算不符", verified(touched) != 0)
    stage.shown("平台上重算也相同", ok(student.get(f"{stage.kept['draw']}/recomputed"))["equal"])


def verified(statement: dict[str, Any]) -> int:
    """The exit code of the script that is published beside the statement, run alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "statement.json"
        path.write_text(json.dumps(statement, ensure_ascii=False), encoding="utf-8")
        command = [sys.executable, "-I", str(recompute.__file__), str(path)]
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode


def winner(stage: Stage, lot: str = LOTS[0]) -> Who:
    return next(who for who in stage.kept["wishers"] if holds(stage, who, stage.kept[lot]))


def holds(stage: Stage, who: Who, path: str) -> bool:
    number = int(path.rsplit("/", 1)[1])
    rows = ok(stage.api(who).get("/me/enrolments?limit=100"))["items"]
    return any(each["offering_id"] == number for each in rows) and mine(stage, who, path)["state"] == "enrolled"
