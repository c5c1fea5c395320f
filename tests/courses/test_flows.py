"""Flows of a cluster: each figure is a count of the rows that it opens, for whoever reads it; frozen figures stay."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy.exc import DatabaseError
from support.cast import LONG_AGO, NOW, YEAR, Cast
from support.http import api, browser_session, csrf_token
from support.teaching import add_people, at_time, ok, refused, teach, to_cluster

from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.flows import charts, figures, listing, queries, rules, services
from courses.flows.counting import Scope
from courses.flows.rules import TermKey
from courses.results.models import Result
from zutuan.clusters.models import Membership, School
from zutuan.clusters.services import end_membership
from zutuan.db import Database
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

TERM = TermKey(YEAR, 1)
HOUR = timedelta(hours=1)
OFF = ("called_off", "lost", "made_good", "stopped")


def flows(cast: Cast, letter: str = "A") -> str:
    return f"/clusters/{cast.clusters[letter]}"


class World:
    """B's and C's students in classes of A and B, in every state there is; D is of another cluster, E has left."""

    def __init__(self, app: Flask, database: Database, cast: Cast) -> None:
        self.app, self.database, self.cast = app, database, cast
        self.first = teach(app, cast, code="F1", seats=20, title_zh="教育心理学")
        self.second = teach(app, cast, "B", code="F2", seats=3, meeting=at_time(1), title_zh="儿童文学")
        self.home_only = teach(app, cast, code="F3", audience=[], meeting=at_time(2), title_zh="校内课程")
        self.unused = teach(app, cast, "C", code="F4", meeting=at_time(3), title_zh="乡土课程")
        self.elsewhere = teach(app, cast, "D", code="F5", title_zh="他团课程")
        fates = ("pending", "enrolled", "completed", "recognised", "denied", "withdrawn", "expired", "slow")
        self.by_fate = {f"B {fate}": self.request("B", self.first, fate) for fate in fates}
        self.by_fate |= {
            f"C {fate}": self.request("C", self.first, fate) for fate in ("enrolled", "recognised", "slow")
        }
        self.by_fate |= {f"C {fate} at B": self.request("C", self.second, fate) for fate in ("enrolled", "pending")}
        self.request("A", self.second, "enrolled")
        for _ in range(2):
            self.request("C", self.second, "waiting")

    def request(self, school: str, taught: Any, fate: str) -> int:
        (student,) = add_people(self.database, self.cast, school, 1)
        body = {"waitlist": True} if fate == "waiting" else {}
        made = ok(api(self.app, student).post(taught.seats, body), 201)["id"]
        with self.database.write() as session:
            self._become(session, session.get_one(Enrolment, made), fate)
            audit(session, None, "test.flows", Subject("enrolment", made), now=NOW)
        return int(made)

    def _become(self, session: Any, enrolment: Enrolment, fate: str) -> None:
        """As the services of this part and of others would leave it."""
        said = {"slow": 80, "completed": 4, "recognised": 3}.get(fate, 5)
        if fate in ("enrolled", "completed", "recognised", "slow"):
            enrolment.home_state = enrolment.host_state = "accepted"
            self._say(session, enrolment, "approve", said)
        if fate in ("completed", "recognised"):
            enrolment.home_state = enrolment.host_state = "completed"
        if fate == "slow":
            self._say(session, enrolment, "host_approve", said + 10)
        if fate in ("denied", "withdrawn", "expired"):
            enrolment.home_state, enrolment.host_state = fate, "withdrawn" if fate == "withdrawn" else "accepted"
            if fate == "denied":
                self._say(session, enrolment, "deny", 7)
            else:
                enrolment.host_state = fate
        if fate == "recognised":
            session.add(
                Result(
                    enrolment_id=enrolment.id, person_id=enrolment.person_id, home_school_id=enrolment.home_school_id, state="recognised",
                    original={}, credits=Decimal("1.5"), created_at=NOW, updated_at=NOW,
                )
            )  # fmt: skip
        enrolment.updated_at = NOW

    @staticmethod
    def _say(session: Any, enrolment: Enrolment, event: str, hours: int) -> None:
        session.add(EnrolmentEvent(enrolment_id=enrolment.id, at=enrolment.created_at + hours * HOUR, event=event))

    def scope(self, **changes: Any) -> Scope:
        return Scope(self.cast.clusters["A"], TERM, **changes)

    def freeze(self, name: str, **changes: Any) -> dict[str, Any]:
        body = {"academic_year": YEAR, "number": 1, "name": name, **changes}
        made = api(self.app, self.cast.who("A", "cluster_admin")).post(f"{flows(self.cast)}/freezes", body)
        return dict(ok(made, 201))


@pytest.fixture
def world(app: Flask, database: Database, cast: Cast) -> World:
    return World(app, database, cast)


@pytest.fixture
def small(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> World:
    return World(sqlite_app, sqlite_database, cast)


# --- rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, None), ([3], 50, 3), ([1, 2], 50, 1), ([3, 1, 2], 50, 2), (range(1, 11), 90, 9), (range(1, 12), 90, 10),
     ([5, 5, 9], 90, 9)],
)  # fmt: skip
def test_percentiles_are_values_that_there_are(values: Any, percent: int, expected: int | None) -> None:
    assert rules.percentile(values, percent) == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [("2026-2027-1", TermKey("2026-2027", 1)), ("2026-2028-1", None), ("2026-2027-5", None), ("2026-2027", None), ("", None)],
)  # fmt: skip
def test_terms_are_read_as_they_are_written(text: str, key: TermKey | None) -> None:
    assert rules.TermKey.read(text) == key
    assert key is None or key.text == text


def test_a_school_sees_its_own_lines_only() -> None:
    values = {
        ("f", None, None): Decimal(9), ("f", 1, None): Decimal(5), ("f", 2, None): Decimal(4), ("f", None, 1): Decimal(3),
        ("f", 1, 2): Decimal(1), ("f", 2, 3): Decimal(2), ("f", 3, 1): Decimal(1),
    }  # fmt: skip
    assert set(rules.of_schools(values, frozenset({1}))) == {("f", 1, None), ("f", None, 1), ("f", 1, 2), ("f", 3, 1)}


def test_differences_name_what_came_and_what_went() -> None:
    then, now = {("f", 1, 2): Decimal(1), ("f", 1, 3): Decimal(2)}, {("f", 1, 2): Decimal(1), ("f", 4, 2): Decimal(5)}
    found = rules.differences(then, now, {"f": Decimal(0)})
    assert [(each.cell, each.then, each.now, each.change) for each in found] == [
        (("f", 1, 3), 2, 0, -2), (("f", 4, 2), 0, 5, 5),
    ]  # fmt: skip
    assert rules.differences({("p", 1, None): Decimal(3)}, {}, {"p": None})[0].change is None


def test_shades_tell_nothing_from_something_and_the_most() -> None:
    highest = Decimal(10)
    assert [rules.shade(Decimal(n), highest) for n in (0, 1, 2, 3, 9, 10)] == [0, 1, 1, 2, 5, 5]
    assert (rules.shade(None, highest), rules.shade(Decimal(1), Decimal(0))) == (0, 0)


def test_every_figure_says_what_it_counts() -> None:
    assert len({each.key for each in figures.FIGURES}) == len(figures.FIGURES)
    for each in figures.FIGURES:
        assert str(each.title) and str(each.unit) and len(str(each.definition)) > 10 and each.plan == figures.TASK


# --- numbers and rows ---------------------------------------------------------------------------------------------


def _cells(board: queries.Board) -> set[tuple[int | None, int | None]]:
    return {(home, host) for _figure, home, host in board.values}


def test_every_number_is_a_count_of_the_rows_that_it_opens(world: World) -> None:
    """At every cell, of all and of one school's board: the grouped statement, the list, and the same rows gathered by hand
    say one number. And the numbers are what happened."""
    for schools in (None, frozenset({world.cast.schools["B"]})):
        _one_number_at_every_cell(world, world.scope(schools=schools))
    _what_is_counted_and_what_not(world)
    with world.database.read() as session:
        marked, other = (queries.board(session, world.scope(plan=code), NOW) for code in ("2.2.2", "none"))
    assert (marked.get("requests") or 0) + (other.get("requests") or 0) == 16


def _one_number_at_every_cell(world: World, scope: Scope) -> None:
    with world.database.read() as session:
        board = queries.board(session, scope, NOW)
        for figure in figures.FIGURES:
            places = {(home, host) for key, home, host in board.values if key == figure.key}
            assert places or figure.key in ("expired", *OFF) or scope.schools
            for home, host in places:
                shown = board.get(figure.key, home, host)
                assert listing.value(session, figure, scope, home, host) == shown, (figure.key, home, host)
                lines = list(listing.every(session, figure, scope, (), home, host))
                if figure.how == "sum" and figure.adds is None:
                    assert len(lines) == shown, (figure.key, home, host)
                assert lines and len({each.id for each in lines}) == len(lines)
                if figure.how in ("p50", "p90"):
                    adds = [int(each.adds or 0) for each in lines]
                    assert rules.hours(rules.percentile(adds, figure.percent)) == shown


def _what_is_counted_and_what_not(world: World) -> None:
    with world.database.read() as session:
        board = queries.board(session, world.scope(), NOW)
    a, b, c = (world.cast.schools[letter] for letter in "ABC")
    said = {key: board.get(key) for key in figures.BY_KEY}
    states = ("pending", "enrolled", "waiting", "denied", "withdrawn", "stopped", "expired")
    assert said["requests"] == 16 == sum(said[state] or 0 for state in states)
    assert (said["enrolled"], said["completed"], said["recognised"], said["credits"]) == (9, 3, 2, Decimal("3"))
    assert (said["denied"], said["withdrawn"], said["expired"], said["waiting"], said["pending"]) == (1, 1, 1, 2, 2)
    assert (board.get("requests", b, a), board.get("requests", c, a), board.get("requests", c, b)) == (8, 3, 4)
    assert (board.get("enrolled", c), board.get("enrolled", host=b), board.get("enrolled", a, b)) == (4, 2, 1)
    assert (said["offerings"], said["courses"], said["offerings_chosen"], board.get("courses_chosen", host=c)) == (
        3,
        3,
        2,
        0,
    )
    assert (said["seats"], board.get("seats", host=b), board.get("seat_use", host=b)) == (33, 3, Decimal(100))
    assert board.get("home_median") == 5 and board.get("home_p90") == 80 and board.get("host_median") == 10
    assert board.get("host_median", host=b) is None and board.get("home_median", b) == 5


def test_a_called_off_class_is_counted_apart(world: World) -> None:
    """With it go its seats; of the two who lost one, one finds another class."""
    cast, app = world.cast, world.app
    taught = teach(app, cast, code="F6", seats=7, meeting=at_time(4), title_zh="停开的课")
    students = add_people(world.database, cast, "B", 3)
    made = [ok(api(app, each).post(taught.seats, {}), 201)["id"] for each in students]
    ok(api(app, cast.who("B", "registrar")).post(f"/enrolments/{made[2]}/deny", {"reason": "学分已满"}))
    with world.database.read() as session:
        assert queries.board(session, world.scope(), NOW).get("seats") == 40
    ok(api(app, cast.who("A", "registrar")).post(f"{taught.offering}/cancel", {"reason": "教师出国"}))
    ok(api(app, students[0]).post(world.first.seats, {}), 201)
    a, b = cast.schools["A"], cast.schools["B"]
    with world.database.read() as session:
        board = queries.board(session, world.scope(), NOW)
        assert [board.get(key) for key in ("requests", "offerings", "courses", "seats")] == [20, 3, 3, 33]
        assert (
            [board.get(key) for key in OFF]
            == [1, 2, 1, 2]
            == [board.get(OFF[0]), *(board.get(key, b, a) for key in OFF[1:])]
        )
        assert board.get("denied", b, a) == 2  # the one of before, and whom the own school had refused this class
        stopped = listing.every(session, figures.BY_KEY["stopped"], world.scope(), (), None, None)
        assert [each.state for each in stopped] == ["stopped", "stopped"]
    _one_number_at_every_cell(world, world.scope())


def test_a_school_that_left_keeps_what_it_did_and_adds_nothing(small: World) -> None:
    with small.database.write() as session:
        admin = load_actor(session, session.get_one(Person, small.cast.who("A", "cluster_admin").id), NOW + HOUR)
        stay = sa.select(Membership.id).where(Membership.school_id == small.cast.schools["C"])
        end_membership(session, admin, small.cast.clusters["A"], session.scalars(stay).one(), None, NOW + HOUR)
    with small.database.read() as session:
        board = queries.board(session, small.scope(), NOW + 2 * HOUR)
        assert board.get("requests") == 16
        assert [(each.id, each.role) for each in board.schools][-1] == (small.cast.schools["C"], "")
        session.execute(sa.text("SELECT 1"))
    with small.database.write() as session:
        session.execute(
            sa.update(Enrolment)
            .where(Enrolment.home_school_id == small.cast.schools["C"])
            .values(created_at=NOW + 2 * HOUR)
        )
        audit(session, None, "test.flows", Subject(), now=NOW)
    with small.database.read() as session:  # the same requests made after it had left
        assert queries.board(session, small.scope(), NOW + 3 * HOUR).get("requests") == 9


# --- who ------------------------------------------------------------------------------------------------------------


def test_names_are_for_the_schools_that_have_them(small: World) -> None:
    cast, app = small.cast, small.app
    rows = f"{flows(cast)}/flow-figures/requests/rows"
    of_all = ok(api(app, cast.who("A", "cluster_admin")).get(rows))
    assert of_all["total"] == 16 and {each["student"] + each["number"] for each in of_all["items"]} == {""}
    own = ok(api(app, cast.who("B", "registrar")).get(rows))
    assert own["total"] == 13 and all(each["student"] for each in own["items"])
    ask = api(app, cast.who("C", "school_admin")).get(f"{rows}?home={cast.schools['B']}")
    assert ok(ask)["items"] == []
    for school, role in (
        ("D", "registrar"),
        ("D", "cluster_admin"),
        ("A", "teacher"),
        ("B", "student"),
        ("A", "secretary"),
    ):
        refused(api(app, cast.who(school, role)).get(rows), 404, "not_found")
    past = ok(api(app, cast.who("E", "registrar")).get(f"{flows(cast)}/flows"))
    assert past["cells"] == []
    everywhere = ok(api(app, cast.who("D", "platform_admin")).get(f"{flows(cast)}/flows"))
    assert len(everywhere["cells"]) > 20


def test_a_school_s_board_has_no_sums_over_others(small: World) -> None:
    b = small.cast.schools["B"]
    said = ok(api(small.app, small.cast.who("B", "registrar")).get(f"{flows(small.cast)}/flows?term=2026-2027-1"))
    assert said["cells"] and all(b in (each["home_id"], each["host_id"]) for each in said["cells"])
    named = ok(api(small.app, small.cast.who("B", "registrar")).get(f"{flows(small.cast)}/flow-figures"))
    assert {each["value"] for each in named["items"]} == {None}


@contextmanager
def browsing(app: Flask, player: Any) -> Iterator[FlaskClient]:
    client = app.test_client()
    browser_session(client, player)
    yield client


def test_the_pages(small: World) -> None:
    base = f"/clusters/{small.cast.clusters['A']}/flows"
    with browsing(small.app, small.cast.who("A", "cluster_admin")) as client:
        page = client.get(base).text
        assert "流向与用量" in page and 'class="heat-5"' in page and "<svg" in page and "薄弱" not in page
        assert client.get("/flows").headers["Location"].endswith(base)
        for query in ("?term=2020-2021-1", "?figure=credits", "?plan=none", "?term=nonsense&plan=x"):
            assert client.get(base + query).status_code == 200, query
        for key in figures.BY_KEY:
            assert client.get(f"{base}/rows?figure={key}").status_code == 200, key
            assert client.get(f"{base}/rows.xlsx?figure={key}").status_code == 200, key
        assert "查找" in client.get(f"{base}/rows?figure=enrolled").text
        book = load_workbook(BytesIO(client.get(f"{base}.xlsx").data))
        assert book.sheetnames[:2] == ["合计", "各校"] and book.sheetnames[-1] == "说明"
        sums = {row[0].value: row[1].value for row in book["合计"].iter_rows(min_row=2)}
        assert (sums["申请"], sums["认定学分"], sums["名额使用率"]) == (16, 3, 42.4)
        assert {row[3].value for row in book["合计"].iter_rows(min_row=2)} == {"二（二）2 学生协同培养"}
        with client.session_transaction() as cookie:
            cookie["lang"] = "en"
        page = client.get(base).text
        assert "Flows and use" in page and "What each figure means" in page
    with browsing(small.app, small.cast.who("B", "registrar")) as client:
        page = client.get(base).text
        assert "本校送出和接收" in page and "送出合计" not in page
        student = client.get(f"{base}/rows?figure=requests").text
        assert "B student" in student and "C student" in student  # C's students sit in B's class
    with browsing(small.app, small.cast.who("D", "registrar")) as client:
        assert client.get(base).status_code == 404


def test_every_link_of_the_board_says_its_number_again(small: World) -> None:
    """The page as its reader meets it: each number, followed, is the number at the head of its rows."""
    base = f"/clusters/{small.cast.clusters['A']}/flows"
    for school, role in (("A", "cluster_admin"), ("C", "registrar")):
        with browsing(small.app, small.cast.who(school, role)) as client:
            links = set(re.findall(rf'<a href="({base}/rows[^"]*)">([^<]+)</a>', client.get(base).text))
            assert len(links) > 10
            for address, text in links:
                page = client.get(html.unescape(address)).text
                head = re.search(r'<p class="figure"><b>([^<]+)</b>', page)
                assert head is not None
                if "school=" not in address:  # received less sent opens both
                    assert head[1] == text, address
                listed = re.search(r'<span class="num">共 (\d+) 项', page)
                if "figure=requests" in address or "figure=enrolled" in address:
                    assert listed is not None and listed[1] == head[1], address


def test_a_balance_opens_both_of_its_sides_and_widens_nothing(small: World) -> None:
    rows, schools = f"{flows(small.cast)}/flow-figures/enrolled/rows", small.cast.schools
    admin, registrar = (api(small.app, small.cast.who(*who)) for who in (("A", "cluster_admin"), ("B", "registrar")))
    sent, received, both = (
        ok(admin.get(f"{rows}?{side}={schools['B']}"))["total"] for side in ("home", "host", "school")
    )
    assert both == sent + received == 6
    assert ok(registrar.get(f"{rows}?school={schools['C']}"))["total"] == both
    assert ok(registrar.get(f"{rows}?home={schools['C']}&host={schools['A']}"))["total"] == 0
    refused(admin.get(f"{rows}?term=2026"), 422, "invalid")


# --- charts -------------------------------------------------------------------------------------------------------


def test_bars_are_as_long_as_their_numbers() -> None:
    drawn = charts.bars([("甲", [(4, "4"), (2, "2")]), ("乙", [(0, "0"), (None, "—")])], after=100)
    (four, two), (none, nothing) = (row.bars for row in drawn.rows)
    assert four.width == 2 * two.width == charts.WIDTH - charts.LABEL - 100 and none.width == nothing.width == 0
    assert four.y < two.y < none.y < nothing.y < drawn.height
    (row,) = charts.bars([("甲", [(2, "2")])], [[8]]).rows
    assert row.bars[0].tick == 4 * row.bars[0].width
    assert charts.bars([]).height == 0


def test_bands_leave_one_side_as_thick_as_they_reach_the_other() -> None:
    pairs = {(1, 2): Decimal(60), (1, 3): Decimal(30), (4, 2): Decimal(10)}
    drawn = charts.flow(pairs, {1: "甲", 2: "乙", 3: "丙", 4: "丁"}, "其他")
    assert [(node.full, node.value) for node in drawn.homes] == [("甲", 90), ("丁", 10)]
    assert [(node.full, node.value) for node in drawn.hosts] == [("乙", 70), ("丙", 30)]
    assert sum(node.height for node in drawn.homes) == pytest.approx(sum(node.height for node in drawn.hosts))
    assert [(band.text, band.value, band.shade) for band in drawn.bands] == [
        ("丁 → 乙", 10, 1), ("甲 → 丙", 30, 3), ("甲 → 乙", 60, 5),
    ]  # fmt: skip


def test_many_schools_are_drawn_as_the_largest_and_the_rest() -> None:
    pairs = {(n, 100): Decimal(n) for n in range(1, 31)}
    drawn = charts.flow(pairs, {n: str(n) for n in (*range(1, 31), 100)}, "其他")
    assert len(drawn.homes) == charts.MOST + 1 and drawn.homes[-1].full == "其他"
    assert sum(node.value for node in drawn.homes) == drawn.hosts[0].value == sum(range(1, 31))
    assert charts.flow({}, {}, "其他").bands == []
    narrow = charts.flow(pairs, {n: "师范大学" * 3 for n in (*range(1, 31), 100)}, "其他", charts.NARROW)
    assert narrow.right < narrow.width < 390 and len(narrow.homes[0].label) == charts.NARROW.name


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("四川师范大学", "四川师范大学"),
        ("西昌民族幼儿师范高等专科学校", "西昌民族幼儿师范高等专科…"),
        ("A" * 40, "A" * 25 + "…"),
    ],
)
def test_long_names_are_cut_where_they_would_leave_the_drawing(name: str, drawn: str) -> None:
    assert charts.short(name) == drawn


# --- frozen ---------------------------------------------------------------------------------------------------------


def test_a_freeze_says_the_same_for_ever(world: World) -> None:
    made = world.freeze("期末上报", note="报教育厅")
    admin, path = api(world.app, world.cast.who("A", "cluster_admin")), f"{flows(world.cast)}/freezes/{made['id']}"
    before = ok(admin.get(path))
    assert before["differences"] == [] and len(before["figures"]) == len(figures.FIGURES)
    assert all(each["definition_en"] and each["definition_zh"] for each in before["figures"])
    counted = f"{path}/figures/enrolled/rows"
    assert (ok(admin.get(counted))["total"], ok(admin.get(f"{counted}?home={world.cast.schools['C']}"))["total"]) == (
        9,
        4,
    )
    with world.database.write() as session:  # one more leaves, and a school is called otherwise
        session.get_one(Enrolment, world.by_fate["C enrolled"]).home_state = "withdrawn"
        session.execute(sa.update(School).where(School.id == world.cast.schools["C"]).values(name="丙新名师范大学"))
        audit(session, None, "test.flows", Subject(), now=NOW)
    after = ok(admin.get(path))
    assert {name: after[name] for name in ("cells", "figures", "schools")} == {
        name: before[name] for name in ("cells", "figures", "schools")
    }
    differs = {
        (each["figure"], each["home_id"], each["host_id"]): (each["then"], each["now"]) for each in after["differences"]
    }
    c, a = world.cast.schools["C"], world.cast.schools["A"]
    assert [Decimal(n) for n in differs["enrolled", c, a]] == [3, 2] and ("requests", c, a) not in differs
    gone = [each["id"] for each in ok(admin.get(counted))["items"] if not each["counts"]]
    assert gone == [world.by_fate["C enrolled"]]
    for statement in (
        "UPDATE frozen_value SET value = 1",
        "DELETE FROM frozen_figure",
        "UPDATE figure_freeze SET name = 'x'",
    ):
        with pytest.raises(DatabaseError, match="append-only"), world.database.engine.begin() as connection:
            connection.exec_driver_sql(statement)


def test_frozen_schools_stand_as_the_board_had_them(small: World) -> None:
    lead = small.cast.schools["C"]
    with small.database.write() as session:
        session.execute(sa.update(Membership).values(role="supported"))
        session.execute(sa.update(Membership).where(Membership.school_id == lead).values(role="lead"))
        audit(session, None, "test.flows", Subject(), now=NOW)
    path = f"{flows(small.cast)}/freezes/{small.freeze('期末上报')['id']}"
    admin = api(small.app, small.cast.who("A", "cluster_admin"))
    frozen, live = (ok(admin.get(each))["schools"] for each in (path, f"{flows(small.cast)}/flows"))
    assert [each["id"] for each in frozen] == [each["id"] for each in live] and frozen[0]["id"] == lead


def test_frozen_once_by_a_double_click(world: World) -> None:
    admin = api(world.app, world.cast.who("A", "cluster_admin"))
    answers: list[int] = []

    def click() -> None:
        body = {"academic_year": YEAR, "number": 1, "name": "期末上报"}
        answers.append(admin.post(f"{flows(world.cast)}/freezes", body).status_code)

    threads = [threading.Thread(target=click) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers) == [201, 409]
    refused(
        admin.post(f"{flows(world.cast)}/freezes", {"academic_year": YEAR, "number": 1, "name": "期末上报"}),
        409,
        "freeze_exists",
    )
    assert len(ok(admin.get(f"{flows(world.cast)}/freezes"))["items"]) == 1


def test_who_freezes_and_what(small: World) -> None:
    body = {"academic_year": YEAR, "number": 1, "name": "期末上报"}
    path, cast = f"{flows(small.cast)}/freezes", small.cast
    refused(api(small.app, cast.who("B", "registrar")).post(path, body), 403, "forbidden")
    refused(api(small.app, cast.who("D", "cluster_admin")).post(path, body), 404, "not_found")
    admin = api(small.app, cast.who("A", "cluster_admin"))
    refused(admin.post(path, {**body, "academic_year": "2020-2021"}), 409, "nothing_to_freeze")
    refused(admin.post(path, {**body, "plan_code": "9.9"}), 422, "invalid")
    key = {"Idempotency-Key": "once"}
    first, second = (ok(admin.post(path, body, headers=key), 201)["id"] for _ in range(2))
    assert first == second
    own = ok(api(small.app, cast.who("B", "registrar")).get(f"{path}/{first}"))
    b = cast.schools["B"]
    assert own["cells"] and all(b in (each["home_id"], each["host_id"]) for each in own["cells"])
    rows = ok(api(small.app, cast.who("B", "registrar")).get(f"{path}/{first}/figures/requests/rows"))
    assert rows["total"] == 13
    refused(api(small.app, cast.who("D", "registrar")).get(f"{path}/{first}"), 404, "not_found")
    refused(admin.get(f"/clusters/{cast.clusters['D']}/freezes/{first}"), 404, "not_found")


def test_freezing_on_the_page(small: World) -> None:
    base = f"/clusters/{small.cast.clusters['A']}/flows"
    with browsing(small.app, small.cast.who("A", "cluster_admin")) as client:
        form = {
            "csrf_token": csrf_token(client),
            "academic_year": YEAR,
            "number": "1",
            "name": "期末上报",
            "plan_code": "",
            "note": "",
        }
        answer = client.post(base, data=form)
        assert answer.status_code == 302, answer.text
        page = client.get(answer.headers["Location"]).text
        assert "与现在完全一致" in page and "期末上报" in page
        again = client.post(base, data=form)
        assert again.status_code == 409 and "已有名为“期末上报”的定格" in again.text
        freeze = answer.headers["Location"]
        for key in figures.BY_KEY:
            assert client.get(f"{freeze}/rows?figure={key}").status_code == 200, key
        book = load_workbook(BytesIO(client.get(f"{freeze}.xlsx").data))
        assert book.sheetnames == ["定格与现在", "定格的全部数值", "有变化的", "说明"]
        assert client.get(f"{freeze}/rows.xlsx?figure=credits").status_code == 200


def test_what_is_frozen_is_what_the_board_says(small: World) -> None:
    with small.database.write() as session:
        admin = load_actor(session, session.get_one(Person, small.cast.who("A", "cluster_admin").id), NOW)
        with small.app.app_context():
            data = {"academic_year": YEAR, "number": 1, "name": "x", "note": "", "plan_code": ""}
            made = services.freeze(session, admin, small.cast.clusters["A"], data)
        seen = queries.access(session, admin, small.cast.clusters["A"])
        then, now = queries.frozen_board(session, seen, made), queries.board(session, small.scope(), NOW)
        assert rules.differences(then.values, now.values, figures.EMPTY) == []
        assert LONG_AGO < made.frozen_at == NOW and to_cluster(small.cast)


def test_a_frozen_figure_is_told_to_whom_it_concerns(small: World) -> None:
    """On its page, in the workbook and through the API: no cell between other schools, to one that left neither."""
    cast, made = small.cast, small.freeze("期末上报")["id"]
    pages, a, b, c = f"{flows(cast)}/flows/freezes/{made}", *(cast.schools[each] for each in "ABC")
    of_others = [f"home={c}&host={a}", f"home={c}", f"host={a}", "x=1"]
    for school, role in (("B", "registrar"), ("E", "registrar"), ("A", "cluster_admin")):
        whole = role == "cluster_admin"
        with browsing(small.app, cast.who(school, role)) as client:
            said = [_figure(client.get(f"{pages}/rows?figure=enrolled&{each}").text) for each in of_others]
            assert ("—" not in said) if whole else (said == ["—"] * 4), said
            own = _figure(client.get(f"{pages}/rows?figure=enrolled&home={b}&host={a}").text)
            assert own == ("—" if school == "E" else "4"), own
            book = load_workbook(BytesIO(client.get(f"{pages}.xlsx").data))
            assert ("定格与现在" in book.sheetnames) == whole
            named = {name for row in book["定格的全部数值"].iter_rows(min_row=2, values_only=True) for name in row[1:3]}
            assert (_name_of(small, c) in named) == (school != "E"), "B has students in C's class or C's in B's"
        detail = ok(api(small.app, cast.who(school, role)).get(f"{flows(cast)}/freezes/{made}"))
        pairs = {(each["home_id"], each["host_id"]) for each in detail["cells"]}
        assert ((c, a) in pairs) == ((None, None) in pairs) == whole


def _figure(page: str) -> str:
    found = re.search(r'<p class="figure"><b>(.*?)</b>', page)
    assert found is not None
    return html.unescape(found[1])


def _name_of(world: World, school_id: int) -> str:
    with world.database.read() as session:
        return session.get_one(School, school_id).name
