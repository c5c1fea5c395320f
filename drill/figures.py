"""What the term came to, for the cluster's admin: figures that open to their rows, frozen with a date and definitions."""

from __future__ import annotations

from typing import Any

from drill.opening import FUYANG, NUMBER, TERM, YEAR, admin
from drill.stage import Stage, ok
from zutuan.clusters import succession

SHOWN = ("requests", "enrolled", "completed")


def freeze(stage: Stage) -> None:
    path = f"/clusters/{stage.cluster}"
    figures = ok(admin(stage).get(f"{path}/flow-figures?term={TERM}"))["items"]
    for each in figures:
        if each["key"] in SHOWN:
            rows = ok(admin(stage).get(f"{path}/flow-figures/{each['key']}/rows?term={TERM}&limit=1"))["total"]
            stage.shown(
                f"{each['title']}：{rows}，每一个都打得开", int(float(each["value"] or 0)) == rows, (each, rows)
            )
    body = {"academic_year": YEAR, "number": NUMBER, "name": "期末定格", "note": "上报用", "plan_code": "2.2.2"}
    made = ok(admin(stage).post(f"{path}/freezes", body), 201)
    again = admin(stage).post(f"{path}/freezes", body)
    stage.shown("同名定格不能做两次", again.status_code == 409, again.json)
    stage.kept["freeze"] = f"{path}/freezes/{made['id']}"
    stage.kept["frozen"] = cells(stage)


def cells(stage: Stage) -> dict[Any, Any]:
    found = ok(admin(stage).get(stage.kept["freeze"]))
    return {(each["figure"], each["home_id"], each["host_id"]): each["value"] for each in found["cells"]}


def still_says_so(stage: Stage) -> None:
    """Months later, with a school renamed: the frozen figures are what they were, names and all."""
    before = ok(admin(stage).get(stage.kept["freeze"]))["schools"]
    with stage.database.write() as session:
        succession.rename(session, None, stage.schools[FUYANG], "阜阳师范大学（更名）", None, stage.clock.now())
    after = ok(admin(stage).get(stage.kept["freeze"]))
    stage.shown(
        "学校更名后，定格的数字和名称不变",
        cells(stage) == stage.kept["frozen"] and after["schools"] == before,
        after["schools"],
    )
