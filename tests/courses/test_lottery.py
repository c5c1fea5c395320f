"""Draws from the first draft to the statement: who may, what is refused, what is drawn and placed, once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from support.cast import NOW, YEAR, Cast, Player
from support.databases import Fresh
from support.http import api, browser_session, post_form
from support.teaching import Taught, add_people, at_time, changes_nothing, drain, ok, refused, statements, teach

from courses.enrolment.checks import seats_add_up
from courses.enrolment.models import Enrolment
from courses.lottery import changes, recompute, services
from courses.lottery.checks import wishes_stay_as_they_were_sealed
from courses.lottery.models import Draw, Wish, WishList
from courses.lottery.statement import program
from zutuan.app import make_worker
from zutuan.cli import main
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.errors import Refused
from zutuan.notices.models import Notice
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

HOUR = timedelta(hours=1)
CLOSES = NOW + 2 * HOUR


def draw_body(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {
        "cluster_id": cast.clusters["A"], "academic_year": YEAR, "number": 1, "opens": (NOW - HOUR).isoformat(),
        "closes": CLOSES.isoformat(), "most": 2, **changes,
    }  # fmt: skip


def lot(app: Flask, cast: Cast, number: int, *, seats: int = 1, **offering: Any) -> Taught:
    return teach(
        app, cast, code=f"L{number}", title_zh=f"抽签课{number}", seats=seats, meeting=at_time(number),
        offering={"seats_by": "lot", **offering},
    )  # fmt: skip


def announced(app: Flask, cast: Cast, **changes: Any) -> str:
    """The path of cluster A's draw, in which one may wish."""
    admin = api(app, cast.who("A", "cluster_admin"))
    made = ok(admin.post("/draws", draw_body(cast, **changes)), 201)
    ok(admin.post(f"/draws/{made['id']}/publish"))
    return f"/draws/{made['id']}"


def wish(app: Flask, who: Player, path: str, *lots: Taught, most: int = 1, version: int = 0) -> Any:
    body = {"offering_ids": [each.offering_id for each in lots], "most": most}
    return api(app, who).put(f"{path}/wishes", body, headers={"If-Match": f'"v{version}"'})


def run(app: Flask, cast: Cast, clock: Clock, path: str, **said: Any) -> Any:
    clock.set(CLOSES)
    return api(app, cast.who("A", "cluster_admin")).post(f"{path}/run", said)


def mine(app: Flask, who: Player, path: str) -> dict[int, Any]:
    return {each["rank"]: each for each in ok(api(app, who).get(f"{path}/wishes"))["wishes"]}


# --- the whole way -----------------------------------------------------------------------------------------------


def test_from_wishes_to_seats_and_a_statement_that_anybody_recomputes(
    app: Flask, database: Database, cast: Cast, clock: Clock, tmp_path: Path
) -> None:
    first, second = lot(app, cast, 0, seats=2), lot(app, cast, 1)
    path = announced(app, cast)
    students = add_people(database, cast, "B", 4)
    for each in students:
        ok(wish(app, each, path, first, second, most=2))
    ok(run(app, cast, clock, path))
    drain(database)
    got = [[w["outcome"] == "won" for w in mine(app, each, path).values()] for each in students]
    assert sum(sum(each) for each in got) == 3 and sum(any(each) for each in got) == 3, "who got less goes first"
    with database.read() as session:
        assert seats_add_up(session) == []
        rows = session.scalars(sa.select(Enrolment)).all()
        assert {(each.home_state, each.host_state) for each in rows} == {("pending", "accepted")}
        told = session.scalars(sa.select(Notice.person_id).where(Notice.kind.in_(("draw.won", "draw.missed")))).all()
        assert sorted(told) == sorted(each.id for each in students)
        seed = session.scalars(sa.select(Draw.seed)).one()
    statement = ok(api(app, cast.who("C", "student")).get(f"{path}/statement"))
    assert statement["seed"] == seed and not {each.number for each in students} & set(json.dumps(statement).split('"'))
    assert ok(api(app, students[0]).get(f"{path}/recomputed")) == {"equal": True, "differences": []}
    _recomputed_elsewhere(statement, tmp_path)
    enrolment = next(
        w["enrolment_id"] for each in students for w in mine(app, each, path).values() if w["enrolment_id"]
    )
    assert ok(api(app, cast.who("B", "registrar")).get(f"/enrolments/{enrolment}"))["events"][0]["event"] == "draw"
    refused(run(app, cast, clock, path), 409, "drawn_already")


def _recomputed_elsewhere(statement: dict[str, Any], folder: Path) -> None:
    """As somebody does who has only the two files."""
    (folder / "recompute.py").write_text(program(), encoding="utf-8")

    def again(content: dict[str, Any]) -> tuple[int, str]:
        (folder / "s.json").write_text(json.dumps(content), encoding="utf-8")
        command = [sys.executable, "-I", "recompute.py", "s.json"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout

    assert again(statement) == (0, "EQUAL 一致: 3 seats, 4 entrants\n")
    statement = json.loads(json.dumps(statement))
    statement["result"]["won"][0]["ticket"], statement["result"]["won"][1]["ticket"] = "x", "y"
    code, said = again(statement)
    assert code == 1 and said.startswith("DIFFERS")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("seed",), "another"), (("public_value",), "7"), (("commitment",), "0"), (("algorithm",), "x"),
        (("entrants", 0, "wishes"), [2]), (("lots", 0, "pools", 0, "left"), 0), (("result", "missed"), {}),
        (("result", "won"), []), (("entrants",), None), (("wishes_digest",), "0"), (("entrants", 0, "most"), 2),
    ],
)  # fmt: skip
def test_a_changed_statement_is_found_out(path: tuple[Any, ...], value: Any) -> None:
    from courses.lottery.rules import draw
    from courses.lottery.statement import build, wishes_digest

    lots, entrants = _small()
    sealed = wishes_digest((each.ticket, each.most, each.wishes) for each in entrants)
    content = build({"id": 1}, "s", "", lots, {}, entrants, draw(lots, entrants, "s"), sealed=sealed)
    assert recompute.differences(content) == []
    content = json.loads(json.dumps(content))
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert recompute.differences(content)


def _small() -> Any:
    from decimal import Decimal

    from courses.enrolment.rules import Pool
    from courses.lottery.rules import Entrant, Lot

    lots = [Lot(1, Decimal(2), (Pool(10, "all", 1),)), Lot(2, Decimal("2.5"), (Pool(20, "all", 1),))]
    return lots, [Entrant(ticket, (1, 2), frozenset()) for ticket in "abc"]


# --- wishing -----------------------------------------------------------------------------------------------------


def test_wishes_are_changed_until_the_end_and_name_their_version(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    app, student = sqlite_app, cast.who("B", "student")
    a, b = lot(app, cast, 0), lot(app, cast, 1)
    path = announced(app, cast)
    assert ok(api(app, student).get(f"{path}/wishes")) == {"ticket": "", "most": 1, "wishes": [], "version": 0}
    ok(wish(app, student, path, a, b))
    refused(wish(app, student, path, b, a), 412, "stale")
    changed = ok(wish(app, student, path, b, a, version=1))
    assert [each["offering_id"] for each in changed["wishes"]] == [b.offering_id, a.offering_id]
    assert changed["version"] == 2 and len(changed["ticket"]) == 12
    assert api(app, student).put(f"{path}/wishes", {"offering_ids": [a.offering_id]}).status_code == 428
    assert api(app, student).delete(f"{path}/wishes", headers={"If-Match": '"v2"'}).status_code == 204
    ok(wish(app, student, path, a))
    clock.set(CLOSES)
    refused(wish(app, student, path, b, version=1), 409, "wishing_closed")


def test_what_may_not_be_wished(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    app, student = sqlite_app, cast.who("B", "student")
    a, other = lot(app, cast, 0), teach(app, cast, code="F1", meeting=at_time(5))
    path = announced(app, cast, most=1)
    with changes_nothing(sqlite_database):
        refused(wish(app, student, path), 409, "no_wishes")
        refused(wish(app, student, path, a, a), 409, "wish_twice")
        refused(wish(app, student, path, a, other), 409, "not_drawn_for")
        refused(wish(app, student, path, a, most=2), 422, "invalid")
        refused(wish(app, cast.who("A", "student"), path, a), 409, "own_school_course")
    refused(wish(app, cast.who("B", "teacher"), path, a), 403, "forbidden")
    refused(wish(app, cast.who("D", "student"), path, a), 404, "not_found")
    refused(wish(app, cast.who("E", "student"), path, a), 404, "not_found")


def test_what_stands_against_a_class_is_said_before(sqlite_app: Flask, cast: Cast) -> None:
    app, student = sqlite_app, cast.who("B", "student")
    lot(app, cast, 0)
    lot(app, cast, 1, for_majors=["数学"])
    taken = teach(app, cast, code="T1", meeting=at_time(2))
    lot(app, cast, 2)
    ok(api(app, student).post(taken.seats, {}), 201)
    path = announced(app, cast)
    lots = ok(api(app, student).get(f"{path}/lots"))["items"]
    assert [[r["code"] for r in each["reasons"]] for each in lots] == [[], ["not_your_major"], ["time_clash"]]


def test_seats_that_are_drawn_for_are_not_taken_directly(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    student = api(app, cast.who("B", "student"))
    taught = lot(app, cast, 0, seats=3)
    refused(student.post(taught.seats, {}), 409, "lot_unannounced")
    path = announced(app, cast, opens=(NOW + HOUR).isoformat())
    refused(student.post(taught.seats, {}), 409, "lot_not_open")
    clock.set(NOW + HOUR)
    refused(student.post(taught.seats, {}), 409, "lot_wishing")
    reasons = ok(student.get(f"/offerings/{taught.offering_id}/eligibility"))["reasons"]
    assert [each["code"] for each in reasons] == ["lot_wishing"]
    ok(wish(app, cast.who("C", "student"), path, taught))
    clock.set(CLOSES)
    refused(student.post(taught.seats, {}), 409, "lot_closed")
    ok(run(app, cast, clock, path))
    ok(student.post(taught.seats, {}), 201)  # what is left goes first come


# --- drawing -----------------------------------------------------------------------------------------------------


def test_a_trial_shows_figures_and_writes_nothing(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    app, admin = sqlite_app, api(sqlite_app, cast.who("A", "cluster_admin"))
    a = lot(app, cast, 0)
    path = announced(app, cast)
    with changes_nothing(sqlite_database):
        refused(admin.post(f"{path}/try"), 409, "no_wishes_at_all")
    for each in add_people(sqlite_database, cast, "B", 3):
        ok(wish(app, each, path, a))
    figures = ok(admin.post(f"{path}/try"))
    assert {name: figures[name] for name in ("lists", "seats", "given", "with_seat", "without")} == {
        "lists": 3, "seats": 1, "given": 1, "with_seat": 1, "without": 2,
    }  # fmt: skip
    assert figures["ranks"] == [{"rank": 1, "seats": 1}]
    with sqlite_database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Enrolment)) == 0
        assert set(session.scalars(sa.select(Wish.outcome))) == {""}
    refused(admin.post(f"{path}/run", {}), 409, "wishing_still_open")


def test_a_draw_without_wishes_or_classes_is_refused(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    path = announced(sqlite_app, cast)
    clock.set(CLOSES)
    with changes_nothing(sqlite_database):
        refused(run(sqlite_app, cast, clock, path), 409, "no_lots")
        lot_path = path
    clock.set(NOW)
    lot(sqlite_app, cast, 0)
    clock.set(CLOSES)
    with changes_nothing(sqlite_database):
        refused(run(sqlite_app, cast, clock, lot_path), 409, "no_wishes_at_all")
    assert ok(api(sqlite_app, cast.who("B", "student")).get(path))["seed"] == ""


def test_what_changed_after_closing_is_part_of_the_draw(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    """A clash that came meanwhile bars; credits held count; clashing classes are never both got."""
    app, database = sqlite_app, sqlite_database
    early, busy, idle = add_people(database, cast, "B", 3)
    same = at_time(7)
    a = teach(app, cast, code="L0", seats=5, meeting=same, offering={"seats_by": "lot"})
    b = teach(app, cast, code="L1", seats=5, meeting=same, offering={"seats_by": "lot"})
    c = lot(app, cast, 3)
    other = teach(app, cast, code="F2", seats=9, meeting=at_time(3), credits=1)
    more = teach(app, cast, code="F3", seats=9, meeting=at_time(9), credits=1)
    path = announced(app, cast, most=3)
    ok(wish(app, early, path, a, b, most=3))
    ok(wish(app, busy, path, c))
    ok(wish(app, idle, path, c))
    ok(api(app, busy).post(other.seats, {}), 201)
    ok(api(app, early).post(more.seats, {}), 201)
    ok(run(app, cast, clock, path))
    assert [each["outcome"] for each in mine(app, early, path).values()] == ["won", "time_clash"]
    assert mine(app, busy, path)[1]["outcome"] == "barred:time_clash" and mine(app, idle, path)[1]["outcome"] == "won"
    entrants = {each["ticket"]: each for each in ok(api(app, idle).get(f"{path}/statement"))["entrants"]}
    held = entrants[ok(api(app, busy).get(f"{path}/wishes"))["ticket"]]
    assert held["had"] == "1" and held["barred"] == [c.offering_id]
    page = _browser(app, busy).get(path).get_data(as_text=True)
    assert "与您的课表时间冲突" in page


def test_a_public_value_is_announced_before_and_mixed_in(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    app = sqlite_app
    a = lot(app, cast, 0)
    path = announced(app, cast, public_source="次日开奖号码")
    ok(wish(app, cast.who("B", "student"), path, a))
    refused(run(app, cast, clock, path), 409, "public_value_needed")
    drawn = ok(run(app, cast, clock, path, public_value="03 09 17"))
    assert drawn["public_value"] == "03 09 17" and len(drawn["seed"]) == 32
    assert ok(api(app, cast.who("B", "student")).get(f"{path}/recomputed"))["equal"]


def test_a_school_draws_for_its_own_classes(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    app, registrar = sqlite_app, api(sqlite_app, cast.who("A", "registrar"))
    a = lot(app, cast, 0)
    own = ok(registrar.post("/draws", draw_body(cast, cluster_id=None, school_id=cast.schools["A"])), 201)
    refused(registrar.post("/draws", draw_body(cast)), 403, "forbidden")
    ok(registrar.post(f"/draws/{own['id']}/publish"))
    of_cluster = announced(app, cast)
    student = api(app, cast.who("C", "student"))
    assert ok(student.get(f"{of_cluster}/lots"))["items"] == []
    assert len(ok(student.get(f"/draws/{own['id']}/lots"))["items"]) == 1
    ok(wish(app, cast.who("C", "student"), f"/draws/{own['id']}", a))
    clock.set(CLOSES)
    ok(registrar.post(f"/draws/{own['id']}/run", {}))
    assert mine(app, cast.who("C", "student"), f"/draws/{own['id']}")[1]["outcome"] == "won"


# --- its own life ------------------------------------------------------------------------------------------------


def test_a_draw_s_own_life(sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock) -> None:
    app, admin = sqlite_app, api(sqlite_app, cast.who("A", "cluster_admin"))
    student = api(app, cast.who("B", "student"))
    made = ok(admin.post("/draws", draw_body(cast, opens=(NOW + HOUR).isoformat())), 201)
    path = f"/draws/{made['id']}"
    refused(student.get(path), 404, "not_found")
    assert ok(student.get("/draws"))["items"] == [] and len(ok(admin.get("/draws"))["items"]) == 1
    refused(admin.post("/draws", draw_body(cast)), 409, "draw_exists")
    refused(admin.post("/draws", draw_body(cast, number=2, closes=NOW.isoformat())), 422, "invalid")
    refused(admin.post(f"{path}/run", {}), 409, "draw_not_published")
    ok(admin.post(f"{path}/publish"))
    refused(admin.post(f"{path}/publish"), 409, "draw_published")
    seen = ok(student.get(path))
    assert seen["seed"] == "" and len(seen["commitment"]) == 64
    version = ok(admin.patch(path, {"most": 3}, headers={"If-Match": f'"v{seen["version"]}"'}))["version"]
    clock.set(NOW + HOUR)
    match = {"If-Match": f'"v{version}"'}
    refused(admin.patch(path, {"most": 1}, headers=match), 409, "wishing_has_begun")
    ok(admin.patch(path, {"closes": (CLOSES + HOUR).isoformat()}, headers=match))
    refused(student.post(f"{path}/cancel", {"reason": "x"}), 403, "forbidden")
    a = lot(app, cast, 0)
    ok(wish(app, cast.who("B", "student"), path, a))
    refused(admin.post(f"{path}/cancel", {"reason": ""}), 422, "invalid")
    ok(admin.post(f"{path}/cancel", {"reason": "名额够了。"}))
    drain(sqlite_database)
    ok(student.post(a.seats, {}), 201)
    assert "draw.cancelled" in {each["kind"] for each in ok(student.get("/me/notices"))["items"]}


def test_only_what_was_announced_and_then_called_off_goes_first_come(sqlite_app: Flask, cast: Cast) -> None:
    app, admin = sqlite_app, api(sqlite_app, cast.who("A", "cluster_admin"))
    student, other = api(app, cast.who("B", "student")), api(app, cast.who("C", "student"))
    taught = lot(app, cast, 0, seats=2)
    off = {"reason": "改期"}
    draft = ok(admin.post("/draws", draw_body(cast)), 201)["id"]
    ok(admin.post(f"/draws/{draft}/cancel", off))
    refused(student.post(taught.seats, {}), 409, "lot_unannounced")
    refused(student.get(f"/draws/{draft}"), 404, "not_found")
    assert ok(student.get("/draws"))["items"] == [] and ok(admin.get(f"/draws/{draft}"))["state"] == "cancelled"
    ok(admin.post(f"{announced(app, cast)}/cancel", off))
    ok(student.post(taught.seats, {}), 201)
    ok(admin.post("/draws", draw_body(cast)), 201)  # which would take it
    refused(other.post(taught.seats, {}), 409, "lot_unannounced")


def test_a_class_that_comes_after_the_draw_waits_for_its_own(app: Flask, cast: Cast, clock: Clock) -> None:
    student, admin = api(app, cast.who("B", "student")), api(app, cast.who("A", "cluster_admin"))
    first = lot(app, cast, 0, seats=2)
    path = announced(app, cast)
    ok(wish(app, cast.who("C", "student"), path, first))
    ok(run(app, cast, clock, path))
    late = lot(app, cast, 1)
    refused(student.post(late.seats, {}), 409, "lot_unannounced")
    ok(student.post(first.seats, {}), 201)
    again = announced(app, cast, closes=(CLOSES + HOUR).isoformat())
    refused(student.post(late.seats, {}), 409, "lot_wishing")
    ok(admin.post(f"{again}/cancel", {"reason": "够了"}))
    clock.advance(HOUR)
    latest = lot(app, cast, 2)
    refused(student.post(latest.seats, {}), 409, "lot_unannounced")
    ok(student.post(late.seats, {}), 201)


def test_wishing_may_end_later_and_never_opens_again(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    app, student, admin = sqlite_app, cast.who("B", "student"), api(sqlite_app, cast.who("A", "cluster_admin"))
    a = lot(app, cast, 0)
    path = announced(app, cast)
    ok(wish(app, student, path, a))

    def change(**body: Any) -> Any:
        return admin.patch(path, body, headers={"If-Match": admin.get(path).headers["ETag"]})

    refused(change(closes=(CLOSES - HOUR).isoformat()), 409, "closes_later_only")
    ok(change(closes=(CLOSES + HOUR).isoformat()))
    drain(sqlite_database)
    texts = [
        each["text"] for each in ok(api(app, student).get("/me/notices"))["items"] if each["kind"] == "draw.extended"
    ]
    assert len(texts) == 1 and "延长到" in texts[0]
    clock.set(CLOSES + HOUR)
    refused(change(closes=(CLOSES + 2 * HOUR).isoformat()), 409, "wishing_is_over")
    ok(change(note="已截止"))
    refused(wish(app, student, path, a, version=1), 409, "wishing_closed")


def test_a_class_that_was_called_off_is_wished_no_more_and_has_no_places(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    app, database = sqlite_app, sqlite_database
    off, on = lot(app, cast, 0), lot(app, cast, 1)
    path = announced(app, cast)
    student, other = add_people(database, cast, "B", 2)
    for each in (student, other):
        ok(wish(app, each, path, off, on))
    ok(api(app, cast.who("A", "registrar")).post(f"{off.offering}/cancel", {"reason": "教师出国"}))
    refused(wish(app, student, path, off, version=1), 409, "not_drawn_for")
    client = _browser(app, other)
    assert "已不参加抽签" in client.get(path).get_data(as_text=True)
    saved = post_form(client, f"{path}/wishes", {"do": "most", "version": "1", "most": "1"})
    assert saved.status_code == 302 and "1 个志愿已移除" in client.get(path).get_data(as_text=True)
    ok(run(app, cast, clock, path))
    vain, *_rest = mine(app, student, path).values()
    assert (vain["outcome"], vain["place"], vain["rivals"]) == ("not_drawn_for", None, None)
    assert [each["offering_id"] for each in mine(app, other, path).values()] == [on.offering_id]


def test_wishes_are_sealed_when_wishing_closes_and_nobody_alters_them(
    app: Flask, database: Database, cast: Cast, clock: Clock, tmp_path: Path
) -> None:
    a, b = lot(app, cast, 0), lot(app, cast, 1)
    path = announced(app, cast)
    first, second = add_people(database, cast, "B", 2)
    ok(wish(app, first, path, a, b))
    ok(wish(app, second, path, a))
    worker = make_worker(database)
    worker.tick()
    assert ok(api(app, first).get(path))["wishes_digest"] == ""
    clock.set(CLOSES)
    worker.tick()
    said = ok(api(app, first).get(path))["wishes_digest"]
    lists = [ok(api(app, each).get(f"{path}/wishes")) for each in (first, second)]
    rows = sorted([each["ticket"], each["most"], [w["offering_id"] for w in each["wishes"]]] for each in lists)
    assert said == hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
    assert said in _browser(app, second).get(path).get_data(as_text=True)
    with database.write() as session:
        assert [each.stops for each in changes.PEOPLE.clashes(session, first.id, second.id, CLOSES)] == [True]  # type: ignore[misc]
        assert wishes_stay_as_they_were_sealed(session) == []
        session.execute(sa.update(WishList).where(WishList.person_id == second.id).values(most=2))  # behind its back
        assert len(wishes_stay_as_they_were_sealed(session)) == 1
        audit(session, None, "test.altered", Subject(), now=NOW)
    with changes_nothing(database):
        refused(run(app, cast, clock, path), 409, "wishes_altered")
    with database.write() as session:
        session.execute(sa.update(WishList).where(WishList.person_id == second.id).values(most=1))
        audit(session, None, "test.mended", Subject(), now=NOW)
    ok(run(app, cast, clock, path))
    content = ok(api(app, first).get(f"{path}/statement"))
    assert content["wishes_digest"] == said and recompute.differences(content) == []
    with database.read() as session:
        assert wishes_stay_as_they_were_sealed(session) == []


# --- once --------------------------------------------------------------------------------------------------------


def test_four_hands_draw_once(fresh: Fresh, app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    """Real threads, each with a connection of its own: the database lets one of them."""
    a = lot(app, cast, 0, seats=2)
    path = announced(app, cast)
    for each in add_people(database, cast, "B", 3):
        ok(wish(app, each, path, a))
    clock.set(CLOSES)
    hands = [Database(fresh.url, pool_size=1) for _ in range(4)]
    barrier = Barrier(len(hands))

    def one(own: Database) -> str:
        with own.read() as session:
            actor = load_actor(session, session.get_one(Person, cast.who("A", "cluster_admin").id), CLOSES)
            session.get_one(Draw, int(path.split("/")[2]))
        barrier.wait(60)
        try:
            with own.write() as session:
                draw = session.get_one(Draw, int(path.split("/")[2]))
                sa.orm.attributes.set_committed_value(draw, "state", "published")  # as read before the others began
                services.run(session, actor, draw)
        except Refused as error:
            return error.code
        return "drawn"

    with ThreadPoolExecutor(len(hands)) as pool:
        ended = sorted(pool.map(one, hands))
    for each in hands:
        each.dispose()
    assert ended == ["drawn", *["drawn_already"] * 3]
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Enrolment)) == 2 and seats_add_up(session) == []


def test_five_hundred_students_with_five_wishes_each(database: Database, app: Flask, cast: Cast, clock: Clock) -> None:
    """On the list of thorough runs; the same way as the small ones."""
    _crowd(database, app, cast, clock, 500)


def test_a_crowd_of_forty(sqlite_database: Database, sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    _crowd(sqlite_database, sqlite_app, cast, clock, 40)


def _crowd(database: Database, app: Flask, cast: Cast, clock: Clock, count: int) -> None:
    lots = [lot(app, cast, number, seats=count // 10) for number in range(8)]
    path = announced(app, cast)
    people = add_people(database, cast, "B", count // 2) + add_people(database, cast, "C", count - count // 2)
    with database.write() as session:
        for n, each in enumerate(people):
            made = WishList(
                draw_id=int(path.split("/")[2]), person_id=each.id, affiliation_id=each.affiliation_id, most=2,
                ticket=f"t{n}", created_at=NOW, updated_at=NOW,
            )  # fmt: skip
            made.wishes = [Wish(offering_id=lots[(n * 3 + k) % 8].offering_id, rank=k + 1) for k in range(5)]
            session.add(made)
        audit(session, None, "test.crowd", Subject(), now=NOW)
    ok(run(app, cast, clock, path))
    statement = ok(api(app, people[0]).get(f"{path}/statement"))
    assert recompute.differences(statement) == []
    assert len(statement["result"]["won"]) == 8 * (count // 10)
    with database.read() as session:
        assert seats_add_up(session) == []


# --- pages -------------------------------------------------------------------------------------------------------


def _browser(app: Flask, who: Player) -> Any:
    client = app.test_client()
    browser_session(client, who)
    return client


def test_a_student_wishes_by_buttons(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    app, student = sqlite_app, _browser(sqlite_app, cast.who("B", "student"))
    a, b = lot(app, cast, 0), lot(app, cast, 1)
    path = announced(app, cast)
    assert "还没有填志愿" in student.get(path).get_data(as_text=True)
    assert path in student.get("/").get_data(as_text=True)

    def press(do: str, taught: Taught | None, version: int, **more: Any) -> None:
        data = {
            "do": do,
            "version": str(version),
            **({"offering_id": str(taught.offering_id)} if taught else {}),
            **more,
        }
        answer = post_form(student, f"{path}/wishes", data)
        assert answer.status_code == 302, answer.get_data(as_text=True)

    def listed() -> list[int]:
        return [each["offering_id"] for each in mine(app, cast.who("B", "student"), path).values()]

    press("add", a, 0)
    press("add", b, 1)
    press("up", b, 2)
    assert listed() == [b.offering_id, a.offering_id]
    press("down", b, 3)
    press("most", None, 4, most="2")
    assert listed() == [a.offering_id, b.offering_id]
    stale = post_form(student, f"{path}/wishes", {"do": "remove", "version": "1", "offering_id": str(a.offering_id)})
    assert stale.status_code == 412
    press("remove", a, 5)
    press("remove", b, 6)
    assert listed() == []
    page = student.get(f"/offerings/{a.offering_id}").get_data(as_text=True)
    assert f'href="{path}#lot-{a.offering_id}"' in page


def test_the_pages_of_who_runs_it(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    app, admin = sqlite_app, _browser(sqlite_app, cast.who("A", "cluster_admin"))
    a = lot(app, cast, 0)
    form = {"owner": f"cluster:{cast.clusters['A']}", "academic_year": YEAR, "number": "1", "most": "1", "note": "",
            "public_source": "", "opens": "2026-11-25T09:00", "closes": "2026-11-25T12:00"}  # fmt: skip
    assert admin.get("/draws/new").status_code == 200
    assert post_form(admin, "/draws/new", form | {"closes": ""}).status_code == 422
    assert post_form(admin, "/draws/new", form | {"owner": "cluster:999"}).status_code == 422
    path = post_form(admin, "/draws/new", form).headers["Location"]
    assert post_form(admin, f"{path}/publish").status_code == 302
    edit = form | {"version": "2", "closes": "2026-11-25T12:00", "note": "填三个以上"}
    assert post_form(admin, f"{path}/edit", edit).status_code == 302
    assert post_form(admin, f"{path}/try").status_code == 409
    ok(wish(app, cast.who("B", "student"), path, a))
    assert "临时种子" in post_form(admin, f"{path}/try").get_data(as_text=True)
    clock.set(CLOSES)
    assert post_form(admin, f"{path}/run").status_code == 302
    assert "抽签结果" in admin.get(path).get_data(as_text=True)
    assert "完全一致" in admin.get(f"{path}/statement?recompute=1").get_data(as_text=True)
    assert json.loads(admin.get(f"{path}/statement.json").get_data())["algorithm"] == recompute.ALGORITHM
    assert admin.get("/draws/recompute.py").get_data(as_text=True) == program()
    assert "我的结果" in _browser(app, cast.who("B", "student")).get(path).get_data(as_text=True)
    assert _browser(app, cast.who("D", "student")).get(path).status_code == 404


def test_a_student_s_page_asks_as_often_for_many_classes_as_for_few(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:  # fmt: skip
    app, student = sqlite_app, _browser(sqlite_app, cast.who("B", "student"))
    lots = [lot(app, cast, number) for number in range(2)]
    path = announced(app, cast)
    ok(wish(app, cast.who("B", "student"), path, *lots))

    def count() -> int:
        student.get(path)
        with statements(sqlite_database) as seen:
            assert student.get(path).status_code == 200
        return len(seen)

    few = count()
    lots += [lot(app, cast, number) for number in range(2, 7)]
    ok(wish(app, cast.who("B", "student"), path, *lots, version=1))
    assert count() == few


def test_two_lists_of_one_person_become_one(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    app, database = sqlite_app, sqlite_database
    a = lot(app, cast, 0)
    path = announced(app, cast)
    kept, gone = add_people(database, cast, "B", 2)
    for each in (kept, gone):
        ok(wish(app, each, path, a))
    with database.write() as session:
        assert [each.code for each in changes.PEOPLE.clashes(session, kept.id, gone.id, NOW)] == ["merge_both_wished"]  # type: ignore[misc]
        changes.PEOPLE.prepare(session, kept.id, gone.id, NOW)  # type: ignore[misc]
        assert set(session.scalars(sa.select(WishList.person_id))) == {kept.id}
        refusals = changes.SUCCESSION.against(session, cast.schools["A"], cast.schools["B"], NOW)  # type: ignore[misc]
        assert refusals == []
        session.rollback()


def test_the_command_line_recomputes_too(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    app = sqlite_app
    a = lot(app, cast, 0)
    path = announced(app, cast)
    ok(wish(app, cast.who("B", "student"), path, a))
    ok(run(app, cast, clock, path))
    monkeypatch.setenv("ZUTUAN_MODE", "test")
    monkeypatch.setenv("ZUTUAN_DATABASE", sqlite_database.engine.url.render_as_string(hide_password=False))
    file = tmp_path / "s.json"
    content = ok(api(app, cast.who("B", "student")).get(f"{path}/statement"))

    def verify(what: str) -> tuple[int, str]:
        ended = CliRunner().invoke(main, ["draw", "verify", what])
        return ended.exit_code, ended.output

    assert verify(path.split("/")[2]) == (0, "equal\n")
    file.write_text(json.dumps(content), encoding="utf-8")
    assert verify(str(file)) == (0, "equal\n")
    content["result"]["won"] = []
    file.write_text(json.dumps(content), encoding="utf-8")
    assert verify(str(file))[0] == 1
    file.write_text("no json", encoding="utf-8")
    assert verify(str(file))[0] == 1 and verify("999")[0] == 1
