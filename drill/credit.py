"""What it counts as at home, grades, what home makes of them, and the papers that say so."""

from __future__ import annotations

import re
from typing import Any

from drill.opening import FUYANG, HOMES, LEAD, NUMBER, TEACHER, YEAR, hands_in, registrar, students
from drill.seats import RUSH, add_up, enrolled, mine
from drill.stage import Stage, Who, changed, ok, refused

CODES = ("EDU1", "EDU2", "EDU4", "EDU5")


# --- before ------------------------------------------------------------------------------------------------------


def recognitions(stage: Stage) -> None:
    """Each home school's table as a file; students read it before they apply."""
    for school in HOMES:
        rows = [row(code, LEAD if code in ("EDU1", "EDU2") else "四川师范大学") for code in CODES]
        hands_in(stage, school, "recognitions", rows)
    student = stage.api(students(stage, FUYANG)[0])
    seen = ok(student.get(stage.kept["EDU1"]))["counts_as"]
    stage.shown("选课之前就看到：认定为 2 学分", (seen["outcome"], float(seen["credits"])) == ("counts", 2.0), seen)
    too_many = {"course_id": int(stage.kept["EDU1"].rsplit("/", 1)[1]), "credits": "9"}
    heard = registrar(stage, FUYANG).post("/recognitions", too_many)
    stage.shown("认定 9 学分超过开课学校的 2 学分：被拒绝", "exceeds_credits" in heard.text, heard.text)


def row(code: str, school: str) -> dict[str, str]:
    return {
        "课程代码": code, "开课学校": school, "认定为课程代码": f"XX{code[-1]}", "认定课程名称": f"通识选修 {code[-1]}",
        "学分": "2", "课程类别": "", "备注": "",
    }  # fmt: skip


def ask(stage: Stage) -> None:
    """A student asks about a course of which the table says nothing; the answer is there before anybody enrols."""
    who = students(stage, FUYANG)[-1]
    course = int(stage.kept["EDU3"].rsplit("/", 1)[1])
    asked = ok(stage.api(who).post("/recognition-requests", {"course_id": course, "message": "能抵通识课吗？"}), 201)
    office = registrar(stage, FUYANG)
    ok(office.post(f"/recognition-requests/{asked['id']}/answer", {"outcome": "refused", "note": "与本校课程重复"}))
    seen = ok(stage.api(who).get(stage.kept["EDU3"]))["counts_as"]
    stage.shown("教务员答复后，学生看到“不认定”", seen["outcome"] == "refused", seen)


# --- grades ------------------------------------------------------------------------------------------------------


def grade(stage: Stage) -> None:
    """平时 and 期末, one by hand and all by Excel; a number that is none is refused with its row, and nothing is written."""
    path, teacher = stage.kept[f"{RUSH}-01"], stage.api(stage.who(LEAD, TEACHER))
    scheme = {
        "scale": "percent",
        "places": 0,
        "parts": [{"name": "平时", "weight": 40}, {"name": "期末", "weight": 60}],
    }
    changed(teacher, "PUT", f"{path}/grade-scheme", scheme)
    whole = ok(teacher.post(f"{path}/grade-sheets", {"attempt": "first"}), 201)
    stage.kept["sheet"] = f"/grade-sheets/{whole['id']}"
    rows = whole["entries"]
    stage.shown("成绩单上正好是在册学生", len(rows) == len(enrolled(stage, path)), len(rows))
    bad = [entry(each, "80", "59.5" if n == 1 else "70") for n, each in enumerate(rows)]
    tag = {"If-Match": teacher.get(stage.kept["sheet"]).headers["ETag"]}
    heard = teacher.put(f"{stage.kept['sheet']}/entries", {"entries": bad}, headers=tag)
    stage.shown(
        "59.5 在整数成绩里：指明是哪一行", heard.status_code == 422 and "entries.1" in heard.text, heard.text[:300]
    )
    blank = all(not each["grade"] for each in ok(teacher.get(stage.kept["sheet"]))["entries"])
    stage.shown("一行有误，全部未写入", blank)
    marks = [str(60 + n * 3 % 40) for n in range(len(rows))]
    good = [entry(each, "80", mark) for each, mark in zip(rows, marks, strict=True)]
    good[-1] = entry(rows[-1], "20", "30")  # one fails
    changed(teacher, "PUT", f"{stage.kept['sheet']}/entries", {"entries": good})
    ok(teacher.post(f"{stage.kept['sheet']}/submit"))
    refused(
        teacher.put(f"{stage.kept['sheet']}/entries", {"entries": good}, headers=fresh(teacher, stage)), "sheet_locked"
    )


def fresh(api: Any, stage: Stage) -> dict[str, str]:
    return {"If-Match": api.get(stage.kept["sheet"]).headers["ETag"]}


def entry(row: dict[str, Any], usual: str, final: str) -> dict[str, Any]:
    return {"enrolment_id": row["enrolment_id"], "parts": {"平时": usual, "期末": final}}


def confirm(stage: Stage) -> None:
    """The host's registrar confirms; students see their grade, home schools have something to recognise."""
    office = registrar(stage, LEAD)
    ok(office.post(f"{stage.kept['sheet']}/confirm"))
    stage.works()
    rows = ok(office.get(stage.kept["sheet"]))["entries"]
    stage.kept["failed"] = next(each for each in rows if not each["passed"])
    stage.kept["passed"] = next(each for each in rows if each["passed"] and each["school"]["name"] == FUYANG)
    waiting = [
        r for school in HOMES for r in ok(registrar(stage, school).get("/results?state=waiting&limit=200"))["items"]
    ]
    stage.shown(f"{len(rows)} 个成绩到达两所学校，等待认定", len(waiting) == len(rows), (len(waiting), len(rows)))
    add_up(stage)


def called_off_too_late(stage: Stage) -> None:
    heard = registrar(stage, LEAD).post(f"{stage.kept[f'{RUSH}-01']}/cancel", {"reason": "人少"})
    stage.shown("已有成绩的教学班不能停开", heard.status_code == 409, heard.json)


def correct(stage: Stage) -> None:
    """成绩更正: asked by the teacher with a reason, approved by the registrar; home hears of it."""
    teacher, office = stage.api(stage.who(LEAD, TEACHER)), registrar(stage, LEAD)
    row = stage.kept["passed"]
    said = {"entry_id": row["id"], "parts": {"平时": "90", "期末": "90"}, "reason": "期末试卷漏登一题"}
    asked = ok(teacher.post("/grade-corrections", said), 201)
    ok(office.post(f"/grade-corrections/{asked['id']}/approve", {"reason": "已核对试卷"}))
    result = next(each for each in results(stage, FUYANG) if each["enrolment_id"] == row["enrolment_id"])
    stage.shown("更正后的成绩 90 到达本校", result["original"]["grade"] == "90", result["original"])


def resit(stage: Stage) -> None:
    """补考 for who failed: a passed one counts as the pass mark."""
    path, teacher, office = stage.kept[f"{RUSH}-01"], stage.api(stage.who(LEAD, TEACHER)), registrar(stage, LEAD)
    whole = ok(teacher.post(f"{path}/grade-sheets", {"attempt": "resit"}), 201)
    stage.shown(
        "补考名单只有不及格的学生",
        [each["enrolment_id"] for each in whole["entries"]] == [stage.kept["failed"]["enrolment_id"]],
    )
    sheet_path = f"/grade-sheets/{whole['id']}"
    changed(
        teacher,
        "PUT",
        f"{sheet_path}/entries",
        {"entries": [entry(whole["entries"][0], "80", "88")]},
    )
    ok(teacher.post(f"{sheet_path}/submit"))
    ok(office.post(f"{sheet_path}/confirm"))
    school = stage.kept["failed"]["school"]["name"]
    result = next(
        each for each in results(stage, school) if each["enrolment_id"] == stage.kept["failed"]["enrolment_id"]
    )
    stage.shown(
        "补考通过按 60 分计",
        (result["original"]["grade"], result["original"]["attempt"]) == ("60", "resit"),
        result["original"],
    )


# --- at home -----------------------------------------------------------------------------------------------------


def results(stage: Stage, school: str, state: str = "") -> list[dict[str, Any]]:
    query = f"&state={state}" if state else ""
    return list(ok(registrar(stage, school).get(f"/results?limit=200{query}"))["items"])


def recognise(stage: Stage) -> None:
    """All at once, as proposed: credits and category from the table, the original beside the recognised grade."""
    for school in HOMES:
        ids = [each["id"] for each in results(stage, school, "waiting")]
        ok(registrar(stage, school).post("/results/recognise", {"ids": ids}))
    done = [each for school in HOMES for each in results(stage, school, "recognised")]
    stage.shown(
        f"{len(done)} 个成绩已认定，各 2 学分",
        all(float(each["recognised"]["credits"]) == 2 for each in done) and bool(done),
    )
    who = student_of(stage, stage.kept["passed"])
    seen = next(each for each in ok(stage.api(who).get("/me/results"))["items"] if each["state"] == "recognised")
    stage.shown("学生看到原成绩与认定成绩", bool(seen["original"]["grade"]) and bool(seen["recognised"]["grade"]), seen)
    stage.shown("选课记录已修完", mine(stage, who, stage.kept[f"{RUSH}-01"])["state"] == "completed")
    add_up(stage)


def student_of(stage: Stage, entry: dict[str, Any]) -> Who:
    return stage.who(entry["school"]["name"], entry["number"])


def papers(stage: Stage) -> None:
    """学分认定表, the transcript in both languages, and the teacher's 教学工作量证明: anybody can ask whether they stand."""
    office = registrar(stage, FUYANG)
    ids = [each["id"] for each in results(stage, FUYANG, "recognised")][:3]
    forms = ok(office.post("/results/forms", {"ids": ids}), 201)["items"]
    verified(stage, "学分认定表", forms[0])
    who = student_of(stage, stage.kept["passed"])
    for language in ("zh", "en"):
        verified(
            stage,
            f"跨校修读成绩单（{language}）",
            ok(stage.api(who).post("/me/results/transcript", {"language": language}), 201),
        )
    work = {"school_id": stage.schools[LEAD], "academic_year": YEAR, "number": NUMBER}
    verified(stage, "教学工作量证明", ok(stage.api(stage.who(LEAD, TEACHER)).post("/workload", work), 201))


def verified(stage: Stage, name: str, paper: dict[str, Any]) -> None:
    """The address in the paper's QR code, opened by somebody who is not signed in."""
    path = re.sub(r"^https?://[^/]+", "", paper["verify_url"])
    answer = stage.app.test_client().get(path)
    stage.shown(
        f"{name}：核对页面说它有效", answer.status_code == 200 and paper["number"] in answer.text, answer.status_code
    )
