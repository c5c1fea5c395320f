"""The permission matrix, performed cell by cell over HTTP against `tests/permission_matrix.csv`.

Each cell that could write starts from the same state: the database's file is put back before it.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import NOW, YEAR, Cast, Player
from support.databases import Fresh
from support.hosting import confirm
from support.http import Api, api
from support.teaching import add_people, calm, course_body, drain, offering_body, ok, plan_body, to_cluster
from werkzeug.test import TestResponse

from zutuan.clusters.models import Membership
from zutuan.db import Database
from zutuan.notices.models import Notice
from zutuan.people.models import PersonalToken, RoleAssignment
from zutuan.sharing import scopes
from zutuan.sharing.permissions import ROLES

MATRIX = Path(__file__).parents[1] / "permission_matrix.csv"
SCHOOL_OF = {"own": "A", "sibling": "B", "other": "D", "former": "E", "staff": "A"}
TITLE = "矩阵课程"


# --- what is expected -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    operation: str
    relation: str
    expected: dict[str, str]


def _read() -> list[Row]:
    with MATRIX.open(encoding="utf-8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    header, *rows = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    assert header == ["operation", "relation", *ROLES]
    return [Row(row[0], row[1], dict(zip(ROLES, row[2:], strict=True))) for row in rows]


ROWS = _read()


# --- what is tried ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """Ids of what is acted on."""

    ids: dict[str, int]
    versions: dict[str, str]


@dataclass(frozen=True)
class Operation:
    """One request. `{course}` and the like in the path, and callables in the body, are filled in from the stage;
    `contains` makes the answer `in` or `out`: whether that id is among the items of a list. `sends` are bytes, with
    these `headers`, where it is no JSON."""

    method: str
    path: str
    body: Callable[[Stage], dict[str, Any]] | None = None
    match: str = ""
    contains: str = ""
    sends: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def perform(self, app: Flask, player: Player, stage: Stage) -> str:
        headers = {**self.headers, **({"If-Match": stage.versions[self.match]} if self.match else {})}
        path, body = self.path.format(**stage.ids), self.body(stage) if self.body else None
        response = api(app, player).request(self.method, path, body, headers=headers, data=self.sends)
        if self.contains and response.status_code == 200:
            return self._listed(response, stage)
        return str(response.status_code)

    def _listed(self, response: TestResponse, stage: Stage) -> str:
        body = response.json
        assert body["next"] is None and body["total"] == len(body["items"])
        return "in" if stage.ids[self.contains] in {each["id"] for each in body["items"]} else "out"


def _nothing(_stage: Stage) -> dict[str, Any]:
    return {}


def _new_course(stage: Stage) -> dict[str, Any]:
    return course_body(code="NEW", school_id=stage.ids["school"], department_id=stage.ids["department"])


def _joins(stage: Stage) -> dict[str, Any]:
    return {"school_id": stage.ids["newcomer"], "role": "supported"}


_CANCEL = {"kind": "cancel", "week": 13, "weekday": 3, "period": 1, "reason": "监考"}
_BUSY = {"title": "家教", "day": "2026-12-05", "starts": "09:00", "ends": "11:00"}


def _grants(role: str, **place: str) -> Callable[[Stage], dict[str, Any]]:
    """To a teacher of school A."""
    return lambda stage: {
        "person_ids": [stage.ids["person"]],
        "role": role,
        **{k: stage.ids[v] for k, v in place.items()},
    }


SOON = (NOW + timedelta(days=9)).isoformat()


def _draw(cluster_id: int, number: int) -> dict[str, Any]:
    opens, closes = (NOW - timedelta(hours=1)).isoformat(), (NOW + timedelta(days=2)).isoformat()
    return {"cluster_id": cluster_id, "academic_year": YEAR, "number": number, "opens": opens, "closes": closes}


def _admits(stage: Stage) -> dict[str, Any]:
    return {"course_ids": [stage.ids["theirs"]], "academic_year": YEAR, "number": 1, "admitted": True}


def _audience(scope: Callable[[Stage], str]) -> Callable[[Stage], dict[str, Any]]:
    return lambda stage: {"audience": [scope(stage)]}


_BYTES, _TEXT = {"Content-Type": "application/octet-stream"}, b"words of a file"
_TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "filename YS50eHQ="}  # a.txt
_DAYS = "policies/enrolment.approval_days"


_FIRST = "offering-{offering}-1-3-1"  # its meeting of the first week


def _format(stage: Stage) -> dict[str, Any]:
    columns = [{"column": "number", "head": "学号"}]
    return {"school_id": stage.ids["school"], "kind": "roster", "name": "矩阵", "columns": columns}


def _value(_stage: Stage) -> dict[str, Any]:
    return {"value": 7}


OPERATIONS = {
    "course.read": Operation("GET", "/courses/{course}"),
    "course.read_draft": Operation("GET", "/courses/{draft}"),
    "course.list": Operation("GET", "/courses", contains="course"),
    "course.list_draft": Operation("GET", "/courses?mine=1", contains="draft"),
    "course.search": Operation("GET", f"/search?q={TITLE}", contains="course"),
    "course.create": Operation("POST", "/courses", _new_course),
    "course.patch": Operation("PATCH", "/courses/{course}", lambda _: {"hours": 48}, match="course"),
    "course.patch_draft": Operation("PATCH", "/courses/{draft}", lambda _: {"hours": 48}, match="draft"),
    "course.publish": Operation("POST", "/courses/{draft}/publish", _nothing),
    "course.set_audience": Operation("POST", "/courses/{course}/publish", _audience(lambda _: scopes.PLATFORM)),
    "course.set_foreign_audience": Operation(
        "POST", "/courses/{course}/publish", _audience(lambda stage: scopes.cluster(stage.ids["foreign"]))
    ),
    "course.suspend": Operation("POST", "/courses/{quiet}/suspend", _nothing),
    "course.archive": Operation("POST", "/courses/{quiet}/archive", _nothing),
    "course.archive_held": Operation("POST", "/courses/{course}/archive", _nothing),
    "offering.list": Operation("GET", "/courses/{course}/offerings"),
    "offering.read": Operation("GET", "/offerings/{offering}"),
    "offering.read_draft": Operation("GET", "/offerings/{draft_offering}"),
    "course.copy": Operation("POST", "/courses/{course}/copy", lambda _: {"code": "COPY77"}),
    "offering.create": Operation("POST", "/courses/{course}/offerings", lambda _: offering_body(code="77")),
    "offering.patch": Operation("PATCH", "/offerings/{offering}", lambda _: {"seats": 7}, match="offering"),
    "offering.publish": Operation("POST", "/offerings/{draft_offering}/publish", _nothing),
    "offering.archive": Operation("POST", "/offerings/{quiet_offering}/archive", _nothing),
    "offering.archive_held": Operation("POST", "/offerings/{offering}/archive", _nothing),
    "offering.roster": Operation("GET", "/offerings/{offering}/enrolments"),
    "attendance.read": Operation("GET", "/offerings/{offering}/attendance"),
    "attendance.save": Operation("PUT", f"/offerings/{{offering}}/attendance/{_FIRST}", _nothing, match="sheet"),
    "export_format.create": Operation("POST", "/export-formats", _format),
    "offering.eligibility": Operation("GET", "/offerings/{offering}/eligibility"),
    "offering.enrol": Operation("POST", "/offerings/{offering}/enrolments", _nothing),
    "offering.enrol_draft": Operation("POST", "/offerings/{draft_offering}/enrolments", _nothing),
    "enrolment.read": Operation("GET", "/enrolments/{enrolment}"),
    "enrolment.approve": Operation("POST", "/enrolments/{enrolment}/approve", _nothing),
    "minimum.list": Operation("GET", "/offerings/decisions", contains="offering"),
    "minimum.cancel": Operation("POST", "/offerings/{quiet_offering}/cancel", lambda _: {"reason": "人数不足"}),
    "minimum.confirm": Operation("POST", "/offerings/{offering}/confirm", lambda _: {"reason": "人数不足"}),
    "minimum.affected": Operation("GET", "/lost-seats"),
    "enrolment.deny": Operation("POST", "/enrolments/{enrolment}/deny", lambda _: {"reason": "先修课程未完成"}),
    "enrolment.withdraw": Operation("POST", "/enrolments/{enrolment}/withdraw", _nothing),
    "enrolment.list_home": Operation("GET", "/enrolments?side=home", contains="enrolment"),
    "enrolment.list_host": Operation("GET", "/enrolments?side=host", contains="enrolment"),
    "enrolment.list_mine": Operation("GET", "/me/enrolments", contains="enrolment"),
    "adjustment.of_offering": Operation("GET", "/offerings/{offering}/adjustments"),
    "adjustment.ask": Operation("POST", "/offerings/{offering}/adjustments", lambda _: _CANCEL),
    "adjustment.read": Operation("GET", "/adjustments/{adjustment}"),
    "adjustment.approve": Operation("POST", "/adjustments/{adjustment}/approve", _nothing),
    "adjustment.list": Operation("GET", "/adjustments", contains="adjustment"),
    "cluster.list": Operation("GET", "/clusters"),
    "cluster.read": Operation("GET", "/clusters/{cluster}"),
    "membership.list": Operation("GET", "/clusters/{cluster}/memberships"),
    "membership.add": Operation("POST", "/clusters/{cluster}/memberships", _joins),
    "membership.end": Operation("POST", "/clusters/{cluster}/memberships/{membership}/end", _nothing),
    "plan.list": Operation("GET", "/clusters/{cluster}/term-plans"),
    "plan.create": Operation("POST", "/clusters/{cluster}/term-plans", lambda _: plan_body(number=3)),
    "plan.read_draft": Operation("GET", "/clusters/{cluster}/term-plans/{plan}"),
    "plan.publish": Operation("POST", "/clusters/{cluster}/term-plans/{plan}/publish", _nothing),
    "plan.board": Operation("GET", "/clusters/{cluster}/term-plans/{plan}/board"),
    "flows.read": Operation("GET", "/clusters/{cluster}/flows"),
    "flows.rows": Operation("GET", "/clusters/{cluster}/flow-figures/requests/rows"),
    "flows.freeze": Operation(
        "POST", "/clusters/{cluster}/freezes", lambda _: {"academic_year": YEAR, "number": 1, "name": "期末上报"}
    ),
    "draw.read": Operation("GET", "/draws/{draw}"),
    "draw.read_draft": Operation("GET", "/draws/{draft_draw}"),
    "draw.list": Operation("GET", "/draws", contains="draw"),
    "draw.create": Operation("POST", "/draws", lambda stage: _draw(stage.ids["cluster"], 3)),
    "draw.patch": Operation("PATCH", "/draws/{draw}", lambda _: {"note": "新的说明"}, match="draw"),
    "draw.publish": Operation("POST", "/draws/{draft_draw}/publish", _nothing),
    "draw.cancel": Operation("POST", "/draws/{draw}/cancel", lambda _: {"reason": "名额够了"}),
    "draw.try": Operation("POST", "/draws/{draw}/try", _nothing),
    "draw.run": Operation("POST", "/draws/{draw}/run", _nothing),
    "draw.wish": Operation(
        "PUT", "/draws/{draw}/wishes", lambda stage: {"offering_ids": [stage.ids["offering"]]}, match="policy"
    ),
    "draw.statement": Operation("GET", "/draws/{draw}/statement"),
    "admission.list": Operation("GET", "/schools/{school}/admissions", contains="theirs"),
    "admission.decide": Operation("POST", "/schools/{school}/admissions", _admits),
    "school.list": Operation("GET", "/schools"),
    "school.read": Operation("GET", "/schools/{school}"),
    "school.terms": Operation("GET", "/schools/{school}/terms"),
    "school.periods": Operation("GET", "/schools/{school}/periods"),
    "school.departments": Operation("GET", "/schools/{school}/departments"),
    "people.list": Operation("GET", "/people?school_id={school}"),
    "role.list": Operation("GET", "/roles?school_id={school}"),
    "role.list_cluster": Operation("GET", "/roles?cluster_id={cluster}"),
    "role.list_platform": Operation("GET", "/roles"),
    "role.grant": Operation("POST", "/roles", _grants("librarian", school_id="school")),
    "role.grant_secretary": Operation("POST", "/roles", _grants("secretary", school_id="school")),
    "role.grant_cluster": Operation("POST", "/roles", _grants("cluster_admin", cluster_id="cluster")),
    "role.revoke": Operation("POST", "/roles/{role}/revoke", _nothing),
    "role.delegate": Operation("POST", "/roles/{role}/delegate", lambda _: {"number": "A002", "until": SOON}),
    "me.read": Operation("GET", "/me"),
    "me.timetable": Operation("GET", "/me/timetable"),
    "notice.list": Operation("GET", "/me/notices", contains="notice"),
    "notice.read_other": Operation("POST", "/me/notices/{notice}/read", _nothing),
    "import.list": Operation("GET", "/imports"),
    "import.kinds": Operation("GET", "/imports/kinds?school_id={school}"),
    "import.read": Operation("GET", "/imports/{import}"),
    "import.lines": Operation("GET", "/imports/{import}/lines"),
    "import.failed": Operation("GET", "/imports/{import}/failed"),
    "import.apply": Operation("POST", "/imports/{import}/apply", _nothing),
    "import.abandon": Operation("POST", "/imports/{import}/abandon", _nothing),
    "busy.list": Operation("GET", "/me/busy-periods"),
    "busy.add": Operation("POST", "/me/busy-periods", lambda _: _BUSY),
    "busy.remove_other": Operation("POST", "/me/busy-periods/{busy}/remove"),
    "token.list": Operation("GET", "/me/tokens"),
    "token.create": Operation("POST", "/me/tokens", lambda _: {"name": "matrix"}),
    "token.revoke_other": Operation("POST", "/me/tokens/{token}/revoke", _nothing),
    "file.create_own": Operation("POST", "/files?name=a.txt", sends=_TEXT, headers=_BYTES),
    "file.list": Operation("GET", "/files", contains="private"),
    "file.read_private": Operation("GET", "/files/{private}/content"),
    "file.delete_private": Operation("DELETE", "/files/{private}", match="private"),
    "upload.create": Operation("POST", "/uploads", headers=_TUS),
    "upload.read_other": Operation("HEAD", "/uploads/{upload}"),
    "paper.issue": Operation("POST", "/enrolments/{seated}/certificate", _nothing),
    "paper.read": Operation("GET", "/papers/{paper}"),
    "paper.list_mine": Operation("GET", "/papers", contains="paper"),
    "paper.list_school": Operation("GET", "/papers?side=school", contains="paper"),
    "paper.revoke": Operation("POST", "/papers/{paper}/revoke", lambda _: {"reason": "内容有误"}),
    "result.read": Operation("GET", "/results/{result}"),
    "result.recognise": Operation("POST", "/results/{result}/recognise", _nothing),
    "result.list": Operation("GET", "/results", contains="result"),
    "result.forms": Operation("POST", "/results/forms", lambda stage: {"ids": [stage.ids["result"]]}),
    "policy.read_school": Operation("GET", "/schools/{school}/policies"),
    "policy.decide_school": Operation("PUT", f"/schools/{{school}}/{_DAYS}", _value, match="policy"),
    "policy.read_cluster": Operation("GET", "/clusters/{cluster}/policies"),
    "policy.decide_cluster": Operation("PUT", f"/clusters/{{cluster}}/{_DAYS}", _value, match="policy"),
    "policy.read_platform": Operation("GET", "/policies"),
    "policy.decide_platform": Operation("PUT", f"/{_DAYS}", _value, match="policy"),
}


def test_every_operation_role_and_relation_has_its_row() -> None:
    listed = [(row.operation, row.relation) for row in ROWS]
    assert len(set(listed)) == len(listed)
    for operation in OPERATIONS:
        relations = {relation for name, relation in listed if name == operation}
        assert relations >= {"own", "sibling", "other", "former"}, operation
    assert {operation for operation, _ in listed} == set(OPERATIONS)


# --- where it is tried ------------------------------------------------------------------------------------------


def _set_stage(app: Flask, database: Database, cast: Cast, *, named: bool) -> Stage:
    """School A's courses, made by a teacher who is not of the cast; with `named`, all of A's cast teach them too."""
    (maker,) = add_people(database, cast, "A", 1, "teacher")
    student, seated = add_people(database, cast, "B", 2)
    teacher = api(app, maker)
    staff = [cast.who("A", role).id for role in ROLES if role != "student"] if named else []  # no student can be named
    common = {
        "audience": to_cluster(cast), "department_id": cast.departments["A"], "teacher_ids": [maker.id, *staff],
    }  # fmt: skip
    ids = {
        "school": cast.schools["A"], "department": cast.departments["A"], "newcomer": cast.schools["D"],
        "cluster": cast.clusters["A"], "foreign": cast.clusters["D"], "person": cast.who("A", "teacher").id,
    }  # fmt: skip
    for number, name in enumerate(("course", "quiet", "draft", "papered")):
        body = course_body(code=f"M{number}", title_zh=f"{TITLE}{number}", **common)
        ids[name] = ok(teacher.post("/courses", body), 201)["id"]

    their_teacher = api(app, cast.who("B", "teacher"))
    theirs = course_body(code="THEIRS", audience=to_cluster(cast))
    ids["theirs"] = ok(their_teacher.post("/courses", theirs), 201)["id"]
    offered = ok(their_teacher.post(f"/courses/{ids['theirs']}/offerings", offering_body()), 201)["id"]
    ok(their_teacher.post(f"/courses/{ids['theirs']}/publish", {}))
    ok(their_teacher.post(f"/offerings/{offered}/publish"))
    plans = api(app, cast.who("A", "cluster_admin"))
    ids["plan"] = ok(plans.post(f"/clusters/{ids['cluster']}/term-plans", plan_body(number=2)), 201)["id"]

    for name, number in (("draw", 1), ("draft_draw", 2)):
        ids[name] = ok(plans.post("/draws", _draw(ids["cluster"], number)), 201)["id"]
    ok(plans.post(f"/draws/{ids['draw']}/publish"))

    def offer(course: str, code: str) -> int:
        made = ok(teacher.post(f"/courses/{ids[course]}/offerings", offering_body(code=code)), 201)
        return int(made["id"])

    for course, offering in (("course", "offering"), ("quiet", "quiet_offering"), ("papered", "papered_offering")):
        ids[offering] = offer(course, "01")
        ok(teacher.post(f"/courses/{ids[course]}/publish", {}))
        ok(teacher.post(f"/offerings/{ids[offering]}/publish"))
    ids["draft_offering"] = offer("course", "02")
    asked = teacher.post(f"/offerings/{ids['offering']}/adjustments", {**_CANCEL, "week": 14})
    ids["adjustment"] = ok(asked, 201)["id"]
    ids["enrolment"] = ok(api(app, student).post(f"/offerings/{ids['offering']}/enrolments", {}), 201)["id"]
    ids["seated"] = ok(api(app, seated).post(f"/offerings/{ids['papered_offering']}/enrolments", {}), 201)["id"]
    ok(api(app, cast.who("B", "registrar")).post(f"/enrolments/{ids['seated']}/approve", {}))
    ids["paper"] = ok(api(app, seated).post(f"/enrolments/{ids['seated']}/certificate"), 201)["id"]
    (ids["result"],) = confirm(database, cast, {ids["seated"]: "86"}, course_id=ids["papered"])
    ids["private"] = ok(teacher.post("/files?name=b.txt", data=_TEXT, headers=_BYTES), 201)["id"]
    ids["upload"] = int(teacher.post("/uploads", headers=_TUS).headers["Location"].rsplit("/", 1)[1])
    ids["busy"] = ok(api(app, student).post("/me/busy-periods", _BUSY), 201)["id"]
    ids["import"] = _hand_in(api(app, cast.who("A", "registrar")), ids["school"])
    drain(database)
    with database.read() as session:
        ids["notice"] = session.scalars(sa.select(Notice.id).where(Notice.person_id == student.id)).one()
        ids["token"] = session.scalars(sa.select(PersonalToken.id).where(PersonalToken.person_id == student.id)).one()
        librarian = RoleAssignment.person_id == cast.who("A", "librarian").id
        ids["role"] = session.scalars(sa.select(RoleAssignment.id).where(librarian)).one()
        member = sa.select(Membership.id).where(Membership.cluster_id == ids["cluster"])
        ids["membership"] = session.scalars(member.where(Membership.school_id == cast.schools["C"])).one()
    paths = {"course": f"/courses/{ids['course']}", "draft": f"/courses/{ids['draft']}",
             "offering": f"/offerings/{ids['offering']}", "draw": f"/draws/{ids['draw']}"}  # fmt: skip
    versions = {name: teacher.get(path).headers["ETag"] for name, path in paths.items()}
    versions |= {"private": teacher.get(f"/files/{ids['private']}").headers["ETag"], "policy": '"v0"', "sheet": '"v0"'}
    return Stage(ids, versions)


def _hand_in(registrar: Api, school_id: int) -> int:
    days = b"\xe7\xb1\xbb\xe5\x9e\x8b,from\nholiday,2026-12-04\n"
    form = {"kind": "calendar", "school_id": str(school_id), "file": (io.BytesIO(days), "days.csv")}
    return int(ok(registrar.post("/imports", data=form, content_type="multipart/form-data"), 201)["id"])


@dataclass
class Board:
    """The two stages (with and without the cast among the staff), and a way back to either's first state."""

    app: Flask
    database: Database
    cast: Cast
    path: Path
    stages: dict[bool, Stage] = field(default_factory=dict)
    files: dict[bool, Path] = field(default_factory=dict)

    def set_up(self, folder: Path) -> None:
        empty = folder / "empty.db"
        self._save(empty)
        for named in (False, True):
            self._restore(empty)
            self.stages[named] = _set_stage(self.app, self.database, self.cast, named=named)
            self.files[named] = folder / f"{named}.db"
            self._save(self.files[named])

    def begin(self, named: bool) -> None:
        self._restore(self.files[named])

    def _save(self, to: Path) -> None:
        with self.database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.database.dispose()
        shutil.copyfile(self.path, to)

    def _restore(self, from_: Path) -> None:
        self.database.dispose()
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(from_, self.path)

    def differences(self, row: Row) -> list[str]:
        """Every cell of the row whose answer is not the expected one."""
        operation, named = OPERATIONS[row.operation], row.relation == "staff"
        self.begin(named)
        found = []
        for role, expected in row.expected.items():
            player = self.cast.who(SCHOOL_OF[row.relation], role)
            answer = operation.perform(self.app, player, self.stages[named])
            if answer != expected:
                found.append(f"{row.operation} · {row.relation} · {role}: expected {expected}, got {answer}")
            if answer.startswith("2") and operation.method != "GET":
                self.begin(named)
        return found


@pytest.fixture
def board(
    sqlite_fresh: Fresh, sqlite_app: Flask, sqlite_database: Database, cast: Cast, tmp_path: Path
) -> Iterator[Board]:
    made = Board(sqlite_app, sqlite_database, cast, Path(sqlite_fresh.url.removeprefix("sqlite:///")))
    made.set_up(tmp_path)
    yield made


def test_the_matrix(board: Board) -> None:
    with calm():
        differences = [line for row in ROWS for line in board.differences(row)]
    assert not differences, "\n" + "\n".join(differences)


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_the_sibling_s_reading_and_refusals_are_the_same_on_postgres(
    app: Flask, database: Database, cast: Cast
) -> None:
    """What leaves no trace needs no way back, and the sibling school sees the most that is not its own."""
    stage = _set_stage(app, database, cast, named=False)
    differences = []
    with calm():
        for row in ROWS:
            operation = OPERATIONS[row.operation]
            for role, expected in row.expected.items():
                if row.relation != "sibling" or (operation.method != "GET" and expected.startswith("2")):
                    continue
                answer = operation.perform(app, cast.who("B", role), stage)
                if answer != expected:
                    differences.append(f"{row.operation} · {row.relation} · {role}: expected {expected}, got {answer}")
    assert not differences, "\n" + "\n".join(differences)
