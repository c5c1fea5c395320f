"""校历 pages: the bar, the year, the registrars' forms with their preview, who may what; the API of days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast
from support.http import api, browser_session, post_form
from support.teaching import drain, ok, teach

from zutuan.calendar.models import Occurrence, SpecialDay, Term
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.notices.models import Notice
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit


def put(database: Database, *rows: object) -> None:
    with database.write() as session:
        session.add_all(rows)
        audit(session, None, "test", Subject(), now=NOW)


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)


@pytest.fixture
def registrar(client: FlaskClient, cast: Cast) -> FlaskClient:
    browser_session(client, cast.who("A", "registrar"))
    return client


@pytest.fixture
def days_path(cast: Cast) -> str:
    return f"/calendar/days/{cast.schools['A']}"


def test_the_bar_says_the_week_and_whose_classes_a_swapped_day_holds(
    registrar: FlaskClient, database: Database, cast: Cast, clock: Clock
) -> None:
    assert "第12周 星期三</span>" in page(registrar, "/account")
    here = cast.schools["A"]
    put(
        database,
        SpecialDay(school_id=here, day=date(2026, 11, 28), kind="swapped", name="补", takes=date(2026, 12, 4)),
        SpecialDay(day=date(2026, 11, 26), kind="holiday", name="测试节"),
        SpecialDay(day=date(2026, 11, 27), kind="holiday", name="测试节"),
        SpecialDay(school_id=here, day=date(2026, 11, 27), kind="normal"),
    )
    expected = {26: "第12周 星期四（测试节）", 27: "第12周 星期五</span>", 28: "第13周 星期六（补周五课）"}
    for day, text in expected.items():
        clock.set(NOW + timedelta(days=day - 25))
        browser_session(registrar, cast.who("A", "registrar"))
        assert text in page(registrar, "/account")


def test_a_change_is_shown_first_then_made_and_told_once(
    app: Flask, registrar: FlaskClient, database: Database, cast: Cast, days_path: str
) -> None:
    taught = teach(app, cast)
    ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    form = {"kind": "holiday", "name": "校庆", "first": "2026-12-02"}
    shown = post_form(registrar, days_path, form)
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200 and "核对影响" in text and "教育心理学" in text and "2 名师生" in text
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(SpecialDay)) == 0
    seen = text.split('name="seen" value="')[1].split('"')[0]
    done = post_form(registrar, days_path, {**form, "seen": seen})
    assert done.status_code == 302
    assert "已通知 2 人" in page(registrar, days_path)
    again = post_form(registrar, days_path, {**form, "seen": seen})
    assert again.status_code in (302, 409)
    drain(database)
    with database.read() as session:
        told = session.scalars(sa.select(Notice.person_id).where(Notice.kind == "calendar.changed")).all()
        assert sorted(told) == sorted([cast.who("A", "teacher").id, cast.who("B", "student").id])
        state = session.scalars(sa.select(Occurrence.state).where(Occurrence.week == 13)).all()
        assert state == ["cancelled"]
    browser_session(registrar, cast.who("B", "student"))
    assert "校历调整（甲牵头师范大学）：「教育心理学」 12-02 周三 08:00 的课不上了。" in page(registrar, "/notices")


def test_who_comes_second_sees_the_effects_anew(app: Flask, registrar: FlaskClient, cast: Cast, days_path: str) -> None:
    teach(app, cast)
    form = {"kind": "holiday", "first": "2026-12-02"}
    seen = post_form(registrar, days_path, form).get_data(as_text=True).split('name="seen" value="')[1].split('"')[0]
    assert (
        post_form(registrar, days_path, {"kind": "holiday", "first": "2026-12-05"}).status_code == 302
    )  # moves nothing
    late = post_form(registrar, days_path, {**form, "seen": seen})
    assert late.status_code == 409 and "别人刚刚改了校历" in late.get_data(as_text=True)


BAD_DAYS: list[tuple[dict[str, str], str]] = [
    ({"kind": "holiday"}, "必填。"),
    ({"kind": "holiday", "first": "2026-13-01"}, "须为日期"),
    ({"kind": "holiday", "first": "2026-12-05", "last": "2026-12-01"}, "结束不能早于开始。"),
    ({"kind": "holiday", "first": "2026-01-01", "last": "2026-12-01"}, "一次最多 62 天"),
    ({"kind": "swapped", "first": "2026-12-05"}, "必填。"),
    ({"kind": "swapped", "first": "2026-12-05", "takes": "2026-12-05"}, "不能是同一天"),
    ({"kind": "swapped", "first": "2026-12-10", "takes": "2026-12-04"}, "2026-12-10 是假日（校庆）"),
    ({"kind": "swapped", "first": "2026-12-12", "takes": "2026-12-04", "last": "2026-12-13"}, "一次只填一天"),
]


@pytest.mark.parametrize(("form", "said"), BAD_DAYS)
def test_bad_days_are_told_beside_the_field_and_kept(
    registrar: FlaskClient, database: Database, cast: Cast, days_path: str, form: dict[str, str], said: str
) -> None:
    put(database, SpecialDay(school_id=cast.schools["A"], day=date(2026, 12, 10), kind="holiday", name="校庆"))
    answer = post_form(registrar, days_path, form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and said in text
    assert form.get("takes", "") in text


TERM = {"academic_year": "2026-2027", "number": "2", "first_day": "2027-02-22", "weeks": "18"}
BAD_TERMS: list[tuple[dict[str, str], str]] = [
    ({"first_day": "2027-02-23"}, "这一周的星期一是 2027-02-22"),
    ({"weeks": "31"}, "不能大于 30"),
    ({"first_day": "2027-01-04"}, "与 2026-2027-1 学期（2026-09-07 至 2027-01-10）重叠"),
    ({"number": "1"}, "已有这个学期"),
    ({"academic_year": "2026"}, "学年写作 2026-2027"),
    ({"starts-0-grade": "2026", "starts-0-first_day": "2027-02-24", "starts-0-weeks": "3"}, "须从星期一算起"),
]


@pytest.mark.parametrize(("spoil", "said"), BAD_TERMS)
def test_a_bad_term_is_told_beside_the_field(
    registrar: FlaskClient, cast: Cast, spoil: dict[str, str], said: str
) -> None:
    answer = post_form(registrar, f"/calendar/schools/{cast.schools['A']}/terms/new", {**TERM, **spoil})
    assert answer.status_code == 422 and said in answer.get_data(as_text=True)


def test_a_term_with_a_late_grade_is_made_changed_and_deleted(
    registrar: FlaskClient, database: Database, cast: Cast
) -> None:
    path = f"/calendar/schools/{cast.schools['A']}"
    late = {"starts-0-grade": "2026", "starts-0-first_day": "2027-03-01", "starts-0-weeks": "17"}
    assert post_form(registrar, f"{path}/terms/new", {**TERM, **late}).status_code == 302
    assert "2026 级 2027-03-01 开学，共 17 周" in page(registrar, f"{path}?year=2026-2027")
    with database.read() as session:
        term = session.scalars(sa.select(Term).where(Term.number == 2)).one()
    assert 'value="2027-03-01"' in page(registrar, f"/calendar/terms/{term.id}/edit")
    assert post_form(registrar, f"/calendar/terms/{term.id}/edit", {**TERM, "weeks": "17"}).status_code == 302
    listed = ok(api(registrar.application, cast.who("B", "student")).get(f"/schools/{cast.schools['A']}/terms"))[
        "items"
    ]
    assert (listed[0]["weeks"], listed[0]["starts"]) == (17, [])
    assert post_form(registrar, f"/calendar/terms/{term.id}/delete").status_code == 302
    assert page(registrar, f"/calendar/terms/{term.id}/edit", 404)


def test_a_term_in_use_stays(app: Flask, registrar: FlaskClient, cast: Cast) -> None:
    teach(app, cast)
    answer = post_form(registrar, f"/calendar/terms/{cast.terms['A']}/delete")
    assert answer.status_code == 409 and "不能删除" in answer.get_data(as_text=True)


def table_form(**changes: str) -> dict[str, Any]:
    return {
        "name": "夏季", "from_day": "2026-05-01", "season_from": "5-1", "season_until": "09-30", "weekdays": ["1", "2", "5"],
        "periods-0-number": "1", "periods-0-starts": "8:30", "periods-0-ends": "09:15",
        "periods-1-number": "2", "periods-1-starts": "9：25", "periods-1-ends": "10:10", **changes,  # noqa: RUF001
    }  # fmt: skip


BAD_TABLES: list[tuple[dict[str, str], str]] = [
    ({"periods-0-ends": "08:00"}, "结束不能早于开始"),
    ({"periods-1-starts": "09:00"}, "第 2 节在上一节结束之前就开始"),
    ({"periods-1-number": "1"}, "第 1 节写了两次"),
    ({"periods-0-starts": "25:00"}, "时间写作 08:00"),
    ({"season_from": "02-30"}, "月日写作 05-01"),
    ({"until_day": "2026-01-01"}, "结束不能早于开始"),
]


@pytest.mark.parametrize(("spoil", "said"), BAD_TABLES)
def test_a_bad_period_table_is_told_beside_the_field(
    registrar: FlaskClient, cast: Cast, spoil: dict[str, str], said: str
) -> None:
    answer = post_form(registrar, f"/calendar/schools/{cast.schools['A']}/tables/new", table_form(**spoil))
    assert answer.status_code == 422 and said in answer.get_data(as_text=True)


def test_a_period_table_of_a_season_and_some_weekdays(registrar: FlaskClient, cast: Cast) -> None:
    path = f"/calendar/schools/{cast.schools['A']}"
    assert post_form(registrar, f"{path}/tables/new", table_form()).status_code == 302
    assert "2026-05-01 起 · 每年 05-01 至 09-30 · 周一、周二、周五" in page(registrar, path)
    twice = post_form(registrar, f"{path}/tables/new", table_form())
    assert twice.status_code == 422 and "请修改那一张" in twice.get_data(as_text=True)


@pytest.mark.parametrize(
    ("school", "role", "status"),
    [
        ("A", "school_admin", 200),
        ("A", "teacher", 403),
        ("A", "student", 403),
        ("B", "registrar", 403),
        ("A", "platform_admin", 403),
        ("A", "secretary", 403),
    ],
)
def test_only_the_school_s_office_edits(client: FlaskClient, cast: Cast, school: str, role: str, status: int) -> None:
    browser_session(client, cast.who(school, role))
    here = cast.schools["A"]
    for path in (
        f"/calendar/schools/{here}/terms/new",
        f"/calendar/terms/{cast.terms['A']}/edit",
        f"/calendar/schools/{here}/tables/new",
    ):
        page(client, path, status)
    page(client, f"/calendar/schools/{here}")
    text = page(client, f"/calendar/days/{here}")
    assert ('name="first"' in text) == (status == 200)
    for path in (f"/calendar/days/{here}", f"/calendar/schools/{here}/terms/new"):
        answer = post_form(client, path, {"kind": "holiday", "first": "2026-12-05", **TERM})
        assert answer.status_code == (302 if status == 200 else 403), path


def test_inherited_days_are_the_platform_admin_s(client: FlaskClient, database: Database, cast: Cast) -> None:
    browser_session(client, cast.who("A", "registrar"))
    assert post_form(client, "/calendar/days/0", {"kind": "holiday", "first": "2026-12-05"}).status_code == 403
    browser_session(client, cast.who("A", "platform_admin"))
    assert (
        post_form(client, "/calendar/days/0", {"kind": "holiday", "first": "2026-12-05", "name": "全国"}).status_code
        == 302
    )
    assert post_form(client, "/calendar/days/0/proposal", {"year": "2026"}).status_code == 302
    browser_session(client, cast.who("B", "registrar"))
    text = page(client, f"/calendar/days/{cast.schools['B']}")
    assert "全国" in text and "国庆节" in text


def test_what_is_taken_back_is_gone(registrar: FlaskClient, database: Database, cast: Cast, days_path: str) -> None:
    post_form(registrar, days_path, {"kind": "holiday", "first": "2026-12-05", "last": "2026-12-06", "name": "两天"})
    with database.read() as session:
        ids = session.scalars(sa.select(SpecialDay.id)).all()
    assert len(ids) == 2
    assert post_form(registrar, f"{days_path}/remove", {"id": [str(id_) for id_ in ids]}).status_code == 302
    assert post_form(registrar, f"{days_path}/remove", {"id": ["987654"]}).status_code == 404
    assert "两天" not in page(registrar, days_path)


def test_the_api_says_what_each_day_holds(app: Flask, database: Database, cast: Cast) -> None:
    here = cast.schools["A"]
    put(database, SpecialDay(school_id=here, day=date(2026, 12, 5), kind="swapped", name="补", takes=date(2026, 12, 4)))
    who = api(app, cast.who("D", "student"))
    body = ok(who.get(f"/schools/{here}/calendar?from=2026-12-03&until=2026-12-05"))
    assert [(each["day"], each["reason"], each["held"], each["week"]) for each in body["items"]] == [
        ("2026-12-03", "term", "2026-12-03", 13), ("2026-12-04", "moved", None, 13), ("2026-12-05", "swapped", "2026-12-04", 13),
    ]  # fmt: skip
    assert len(ok(who.get(f"/schools/{here}/calendar"))["items"]) == 28
    for query in ("from=2026-12-03&until=2026-12-01", "from=2020-01-01&until=2026-01-01", "from=x"):
        assert who.get(f"/schools/{here}/calendar?{query}").status_code == 422
    assert who.get("/schools/987654/calendar").status_code == 404


# --- pasting a line ---------------------------------------------------------------------------------------------


def _offering(**changes: str) -> dict[str, str]:
    return {"code": "02", "seats": "5", "enrol_from": "2026-11-20T08:00", "enrol_until": "2026-12-10T17:00", **changes}


def test_a_pasted_line_fills_the_rows(app: Flask, client: FlaskClient, database: Database, cast: Cast) -> None:
    taught = teach(app, cast)
    browser_session(client, cast.who("A", "teacher"))
    path = f"/courses/{taught.course_id}/offerings/new"
    line = "星期五第6-8节{2-8周,10-16周(双)}；周一第1,2,5节 每周"  # noqa: RUF001
    text = post_form(client, path, _offering(times=line, fill="1")).get_data(as_text=True)
    assert (
        'name="meetings-2-weekday"' in text
        and 'value="2-8,10-16e"' in text
        and 'value="1-18"' in text
        and line not in text
    )
    assert post_form(client, path, _offering(times=line)).status_code == 302
    with database.read() as session:
        from courses.catalogue.models import MeetingPattern, Offering

        found = session.scalars(
            sa.select(MeetingPattern).join(Offering).where(Offering.code == "02").order_by(MeetingPattern.id)
        )
        assert [(m.weekday, m.first_period, m.last_period, m.weeks) for m in found] == [
            (5, 6, 8, "2-8,10-16e"),
            (1, 1, 2, "1-18"),
            (1, 5, 5, "1-18"),
        ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("周三1-2节", "没有写周次"),
        ("1-16周[1-2]节", "没有写星期几"),
        ("周三1-2节1-16周 文科楼", "看不懂“文科楼”"),
        ("周三1-2节1-19周", "第 19 周不在本学期内"),
    ],
)
def test_a_pasted_line_that_does_not_fit_says_which_part(
    app: Flask, client: FlaskClient, cast: Cast, line: str, said: str
) -> None:
    taught = teach(app, cast)
    browser_session(client, cast.who("A", "teacher"))
    answer = post_form(client, f"/courses/{taught.course_id}/offerings/new", _offering(times=line))
    assert answer.status_code == 422 and said in answer.get_data(as_text=True) and line in answer.get_data(as_text=True)
