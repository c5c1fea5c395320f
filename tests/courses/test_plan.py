"""Tasks of the plan: by default of the kind, by the owner's word, and figures that open to their rows."""

from __future__ import annotations

import re

from flask import Flask
from support.cast import Cast
from support.http import api, browser_session
from support.teaching import course_body, ok, refused, teach

from zutuan.clock import Clock
from zutuan.sharing import plan


def test_a_course_serves_its_kinds_task_unless_told(app: Flask, cast: Cast) -> None:
    who = api(app, cast.who("A", "teacher"))
    usual = ok(who.post("/courses", course_body(code="P1")), 201)
    none = ok(who.post("/courses", course_body(code="P2", plan_code="")), 201)
    assert (usual["plan_code"], none["plan_code"]) == ("2.2.2", "")
    refused(who.post("/courses", course_body(code="P3", plan_code="9.9.9")), 422, "invalid")
    path, tag = f"/courses/{usual['id']}", {"If-Match": f'"v{usual["version"]}"'}
    refused(who.patch(path, {"plan_code": None}, headers=tag), 422, "invalid")
    assert ok(who.patch(path, {"plan_code": ""}, headers=tag))["plan_code"] == ""
    assert set(plan.TASKS) == {"2.2.2"}


def test_figures_open_to_their_rows(app: Flask, cast: Cast, clock: Clock) -> None:
    for code, task in (("F1", "2.2.2"), ("F2", "2.2.2"), ("F3", "")):
        teach(app, cast, code=code, plan_code=task)
    teach(app, cast, code="F4", audience=[])  # for the own school only: others do not even count it
    teach(app, cast, "D", code="F5")
    for letter, expected in (("B", 2), ("A", 3)):
        who = api(app, cast.who(letter, "cluster_admin"))
        figures = ok(who.get(f"/clusters/{cast.clusters['A']}/figures"))["items"]
        assert [(each["plan_code"], each["count"]) for each in figures] == [("2.2.2", expected), ("", 1)]
        for each in figures:
            query = f"plan={each['plan_code'] or 'none'}&cluster_id={cast.clusters['A']}"
            assert ok(who.get(f"/courses?{query}"))["total"] == each["count"]


def test_who_counts(sqlite_app: Flask, cast: Cast) -> None:
    path = f"/clusters/{cast.clusters['A']}/figures"
    for letter, role, status in (("B", "school_admin", 403), ("D", "cluster_admin", 403), ("D", "platform_admin", 200)):
        assert api(sqlite_app, cast.who(letter, role)).get(path).status_code == status
    assert api(sqlite_app, cast.who("B", "cluster_admin")).get("/clusters/98765/figures").status_code == 404


def test_on_the_page(sqlite_app: Flask, cast: Cast) -> None:
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "cluster_admin"))
    path = f"/clusters/{cast.clusters['A']}/figures"
    assert "还没有可统计的内容" in client.get(path).text
    teach(sqlite_app, cast)
    page = client.get(path).text
    assert "二（二）2 学生协同培养" in page and f'href="{path}"' in client.get(path.removesuffix("/figures")).text
    link = re.search(r'href="(/courses\?[^"]+)"', page)
    assert link is not None
    rows = client.get(link[1].replace("&amp;", "&")).text
    assert "教育心理学" in rows and 'name="cluster_id"' in rows
