"""What the pages of a class say to whom: seats of one's own school, cures that lead somewhere, the one thing to do now."""

from __future__ import annotations

import re

from flask import Flask
from support.cast import Cast, Player
from support.http import api, browser_session
from support.teaching import MEETING, add_people, at_time, ok, teach

from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.sharing import scopes


def page(app: Flask, who: Player, path: str) -> str:
    """The main part, as this person reads it: words and links."""
    client = app.test_client()
    browser_session(client, who)
    text = client.get(path).get_data(as_text=True)
    return re.sub(r"\s+", " ", text[text.index("<main") :])


def test_seats_are_those_of_ones_own_school(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    app, teacher = sqlite_app, cast.who("A", "teacher")
    pools = [{"scope": scopes.school(cast.schools[letter]), "seats": n} for letter, n in (("B", 1), ("C", 4))]
    taught = teach(app, cast, offering={"seats": None, "pools": pools})
    first, second = add_people(sqlite_database, cast, "B", 2)
    ok(api(app, first).post(taught.seats, {}), 201)
    assert "余 0 / 1" in page(app, second, taught.course) and "余 4 / 5" in page(app, teacher, taught.course)
    seen = page(app, teacher, f"{taught.course}/as-seen?school={cast.schools['B']}")
    assert "名额已满，可以候补" in seen and "可以选这个班" not in seen
    assert "可以选这个班" in page(app, teacher, f"{taught.course}/as-seen?school={cast.schools['C']}")
    ok(api(app, second).post(taught.seats, {"waitlist": True}), 201)
    assert "候补第 1 位，共 1 人" in page(app, second, "/enrolments")
    offering = page(app, second, taught.offering)
    assert "退出候补" in offering and "退选" not in offering.replace("退选截止", "")
    assert "候补 1 人</a>" in page(app, teacher, taught.offering)


def test_an_offered_seat_a_returned_request_and_a_cure_say_what_to_do(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    app, registrar = sqlite_app, cast.who("B", "registrar")
    taught = teach(app, cast, seats=1)
    same = teach(app, cast, code="EDU2", title_zh="同时的课", meeting=MEETING)
    other = teach(app, cast, code="EDU3", title_zh="另一门", meeting=at_time(3))
    holder, waiting = add_people(sqlite_database, cast, "B", 2)
    held = ok(api(app, holder).post(taught.seats, {}), 201)
    clash = page(app, holder, same.offering)
    assert re.search(r'怎么办：<a href="/enrolments\?state=active">可以选这门课程的其他教学班', clash)
    ok(api(app, waiting).post(taught.seats, {"waitlist": True}), 201)
    ok(api(app, holder).post(f"/enrolments/{held['id']}/withdraw", {}))
    for path in (taught.offering, "/enrolments"):
        assert "前接受" in page(app, waiting, path)
    offered = page(app, waiting, taught.offering)
    assert offered.index("接受名额") < offered.index("开课学校") and "放弃名额" in offered
    assert "去接受" in page(app, waiting, "/")

    asked = ok(api(app, holder).post(other.seats, {"statement": "想学"}), 201)
    host = page(app, cast.who("A", "teacher"), f"{other.offering}/roster")
    assert "等待学生所在学校审核" in host and "等待本校审核" not in host
    assert "等待本校审核" in page(app, holder, "/enrolments")
    ok(api(app, registrar).post(f"/enrolments/{asked['id']}/return", {"reason": "请写明用途"}))
    returned = page(app, holder, f"/enrolments/{asked['id']}")
    assert "请您修改后重新提交" in returned and returned.index("请写明用途") < returned.index("重新提交</button>")
    assert "退回修改" in page(app, holder, "/enrolments")
