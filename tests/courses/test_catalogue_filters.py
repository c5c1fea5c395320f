"""The catalogue's filters: credits, a meeting's weekday and periods together, and the seats that I may take."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast
from support.http import api, browser_session
from support.teaching import MEETING, offering_body, ok, teach

from zutuan.clock import Clock


def _codes(app: Flask, cast: Cast, query: str, who: tuple[str, str] = ("B", "student")) -> list[str]:
    return [each["code"] for each in ok(api(app, cast.who(*who)).get(f"/courses?{query}"))["items"]]


def test_credits_weekday_and_periods(sqlite_app: Flask, cast: Cast) -> None:
    teach(
        sqlite_app, cast, code="C1", credits=1, meeting={**MEETING, "weekday": 1, "first_period": 3, "last_period": 5}
    )
    teach(
        sqlite_app,
        cast,
        code="C15",
        credits=1.5,
        meeting={**MEETING, "weekday": 1, "first_period": 9, "last_period": 9},
    )
    teach(
        sqlite_app, cast, code="C4", credits=4, meeting={**MEETING, "weekday": 2, "first_period": 3, "last_period": 4}
    )
    assert _codes(sqlite_app, cast, "credits=1") == ["C1"] and _codes(sqlite_app, cast, "credits=2") == ["C15"]
    assert _codes(sqlite_app, cast, "credits=3") == [] and _codes(sqlite_app, cast, "credits=more") == ["C4"]
    assert _codes(sqlite_app, cast, "weekday=1&periods=5-8") == ["C1"] == _codes(sqlite_app, cast, "periods=5-8")
    assert set(_codes(sqlite_app, cast, "periods=1-4")) == {"C1", "C4"}
    assert (
        ok(api(sqlite_app, cast.who("B", "student")).get("/courses?periods=x"), 422)["errors"][0]["field"] == "periods"
    )


def test_seats_left_are_those_that_my_school_may_take(app: Flask, client: FlaskClient, cast: Cast) -> None:
    kept = [{"scope": f"school:{cast.schools['C']}", "seats": 5}]
    teach(app, cast, code="FORC", offering={"pools": kept, "seats": None})
    both = [*kept, {"scope": f"cluster:{cast.clusters['A']}:partner", "seats": 2}, {"scope": "all", "seats": 1}]
    teach(app, cast, code="BOTH", offering={"pools": both, "seats": None})
    assert _codes(app, cast, "available=1") == ["BOTH"]
    assert set(_codes(app, cast, "available=1", ("C", "student"))) == {"FORC", "BOTH"}
    assert set(_codes(app, cast, "available=1", ("B", "registrar"))) == {"FORC", "BOTH"}
    assert _codes(app, cast, "sort=seats") == ["BOTH", "FORC"]
    browser_session(client, cast.who("B", "student"))
    page = client.get("/courses").get_data(as_text=True)
    assert "没有给您学校的名额" in page and "余 3 / 3" in page and "只看我能选的余量" in page


def test_seats_that_may_be_taken_are_those_of_classes_open_now(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    """Rounds count: between two of them nothing is open, and after the last it is over. The rows say so."""
    day = timedelta(days=1)
    spans = {"preselection": (NOW - day, NOW + day), "main": (NOW + 3 * day, NOW + 5 * day)}
    rounds = [{"kind": kind, "opens": a.isoformat(), "closes": b.isoformat()} for kind, (a, b) in spans.items()]
    teach(app, cast, code="RNDS", offering={"rounds": rounds, "enrol_from": None, "enrol_until": None})
    window = {"enrol_from": (NOW + 2 * day).isoformat(), "enrol_until": (NOW + 4 * day).isoformat()}
    teach(app, cast, code="WNDW", offering=window)
    for days, found, ahead, over in (
        (0, {"RNDS"}, 1, 0), (1, set(), 2, 0), (2, {"WNDW"}, 1, 0), (3, {"RNDS", "WNDW"}, 0, 0), (4, {"RNDS"}, 0, 1),
        (5, set(), 0, 2),
    ):  # fmt: skip
        clock.set(NOW + days * day)
        assert set(_codes(app, cast, "available=1")) == found, days
        browser_session(client, cast.who("B", "student"))  # the one before has lapsed
        page = client.get("/courses").text
        assert (page.count("选课未开始"), page.count("选课已截止")) == (ahead, over), days


def test_a_row_shows_the_class_that_meets_as_was_asked(app: Flask, client: FlaskClient, cast: Cast) -> None:
    taught = teach(app, cast, meeting={**MEETING, "weekday": 1, "first_period": 3, "last_period": 4})
    teacher = api(app, cast.who("A", "teacher"))
    second = offering_body(code="02", meetings=[{**MEETING, "weekday": 5, "first_period": 9, "last_period": 10}])
    ok(teacher.post(f"/offerings/{ok(teacher.post(f'{taught.course}/offerings', second), 201)['id']}/publish"))
    browser_session(client, cast.who("B", "student"))
    assert "周一 3–4 节" in client.get("/courses").text
    page = client.get("/courses?weekday=5&periods=9-20").text
    assert "周五 9–10 节" in page and "周一 3–4 节" not in page
