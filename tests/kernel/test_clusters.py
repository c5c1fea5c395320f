"""Clusters in the database and over HTTP: the imports, joining and leaving, who may, what everybody reads."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from support.cast import NOW, YESTERDAY, Cast, Player
from support.http import api, browser_session, post_form
from support.teaching import drain

from zutuan.clock import Clock, at_shanghai
from zutuan.clusters import demo, services
from zutuan.clusters.imports import SCHOOLS, cluster_import
from zutuan.clusters.models import Cluster, Membership, School
from zutuan.clusters.services import Joining, SchoolFacts
from zutuan.commands_import import import_group
from zutuan.db import Database
from zutuan.errors import Invalid, Refused
from zutuan.importing import Report, run
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.models import AuditEvent

DAY = timedelta(days=1)
SCHOOL_ROWS = "code,name\n4111010027,北京师范大学\n4134010371,阜阳师范大学\n,西昌民族幼儿师范高等专科学校\n"
ROWS = (
    "cluster,role,school_code,school_name\n"
    "新组团,lead,4111010027,北京师范大学\n"
    "新组团,supported,4134010371,\n"
    "新组团,重点支持院校,,西昌民族幼儿师范高等专科学校\n"
)


def load(database: Database, text: str, since: datetime | None = None, now: datetime = NOW) -> Report:
    with database.write() as session:
        return run(session, cluster_import(since), text.encode(), now=now)


@pytest.fixture
def schools(database: Database) -> None:
    with database.write() as session:
        run(session, SCHOOLS, SCHOOL_ROWS.encode(), now=NOW)


def codes(report: Report) -> list[tuple[int, str, str]]:
    assert all(error.sentence for error in report.errors)
    return [(error.line, error.column, error.code) for error in report.errors]


def members(database: Database) -> list[tuple[str, str, str, datetime, datetime | None]]:
    m = Membership
    query = sa.select(Cluster.name, School.name, m.role, m.from_, m.until).join(Cluster, Cluster.id == m.cluster_id)
    with database.read() as session:
        return [tuple(row) for row in session.execute(query.join(School, School.id == m.school_id).order_by(m.id))]  # type: ignore[misc]


def audited(database: Database, action: str) -> list[AuditEvent]:
    with database.read() as session:
        return list(session.scalars(sa.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)))


# --- the import -------------------------------------------------------------------------------------------------


def test_clusters_are_imported_once(database: Database, schools: None) -> None:
    since = at_shanghai(date(2022, 4, 1))
    report = load(database, ROWS, since)
    assert (report.created, report.unchanged, report.errors) == (3, 0, ())
    assert members(database) == [
        ("新组团", "北京师范大学", "lead", since, None),
        ("新组团", "阜阳师范大学", "supported", since, None),
        ("新组团", "西昌民族幼儿师范高等专科学校", "supported", since, None),
    ]
    assert len(audited(database, "membership.add")) == 3
    before = members(database)
    again = load(database, ROWS)
    assert (again.created, again.unchanged, again.written) == (0, 3, False)
    assert members(database) == before
    assert len(audited(database, "import.clusters")) == 1


def test_without_since_members_begin_now(database: Database, schools: None) -> None:
    load(database, ROWS)
    assert {row[3] for row in members(database)} == {NOW}


def test_every_bad_row_is_listed_and_nothing_is_written(database: Database, schools: None) -> None:
    report = load(
        database,
        ROWS
        + "新组团,lead,4134010371,\n"  # 5: again, in another role
        + "新组团,boss,4111010027,\n"  # 6
        + "新组团,partner,9999999999,\n"  # 7
        + "新组团,partner,,北京师大\n"  # 8
        + "新组团,partner,4111010027,阜阳师范大学\n"  # 9
        + "新组团,partner,,\n"  # 10
        + "别的组团,lead,,北京师范大学\n"
        + "别的组团,lead,,阜阳师范大学\n",  # 12
    )
    assert codes(report) == [
        (5, "school_name", "import_duplicate_row"),
        (6, "role", "not_a_choice"),
        (7, "school_code", "unknown_school_code"),
        (8, "school_name", "unknown_school_name"),
        (9, "school_name", "school_disagrees"),
        (10, "school_name", "required"),
        (12, "role", "lead_taken"),
    ]
    assert members(database) == []


def test_an_import_changes_no_role_ends_nothing_and_brings_nobody_back(database: Database, cast: Cast) -> None:
    header = "cluster,role,school_code,school_name\n"
    before = members(database)
    text = header + f"甲组团,partner,{cast.code_of('B')},\n"
    assert load(database, text).unchanged == 1
    text += (
        f"甲组团,partner,{cast.code_of('C')},\n甲组团,partner,{cast.code_of('E')},\n甲组团,lead,{cast.code_of('D')},\n"
    )
    report = load(database, text)
    assert codes(report) == [
        (3, "role", "other_role"), (4, "school_name", "former_member"), (5, "role", "lead_taken"),
    ]  # fmt: skip
    assert members(database) == before


def test_the_packaged_lists_load_within_seconds(sqlite_database: Database) -> None:
    told: list[str] = []
    world: Any = SimpleNamespace(now=NOW, say=told.append, schools={}, clusters={})
    with sqlite_database.write() as session:
        demo.load(session, world)
    assert len(world.schools) == 36
    assert len(world.clusters) == 5
    assert told == ["schools.csv: 2619", "clusters.csv: 36"]
    with sqlite_database.read() as session:
        assert session.get_one(School, world.schools["西昌民族幼儿师范高等专科学校"]).code is None


# --- joining and leaving ----------------------------------------------------------------------------------------


def join(database: Database, cluster: int, school: int, role: str, from_: datetime = NOW) -> int:
    with database.write() as session:
        return services.add_membership(session, None, cluster, Joining(school, role, from_), NOW).id


def test_joining_is_audited_and_raises_the_version(database: Database, cast: Cast) -> None:
    membership_id = join(database, cast.clusters["A"], cast.schools["D"], "partner")
    event = audited(database, "membership.add")[-1]
    assert (event.subject_id, event.school_id) == (membership_id, cast.schools["D"])
    assert event.detail == {"cluster_id": cast.clusters["A"], "role": "partner", "at": NOW.isoformat()}
    with database.read() as session:
        assert session.get_one(Cluster, cast.clusters["A"]).version == 2


@pytest.mark.parametrize(("school", "role", "code"), [("D", "lead", "lead_taken"), ("B", "partner", "already_member")])
def test_what_the_rule_refuses(database: Database, cast: Cast, school: str, role: str, code: str) -> None:
    before = members(database)
    with pytest.raises(Refused) as refused:
        join(database, cast.clusters["A"], cast.schools[school], role)
    assert refused.value.code == code
    assert members(database) == before


@pytest.mark.parametrize(("school", "role", "code"), [("D", "lead", "lead_taken"), ("B", "partner", "already_member")])
def test_what_the_database_refuses_has_the_same_reason(
    database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch, school: str, role: str, code: str
) -> None:
    """As if somebody had joined between the check and the insert: the check is blind the first time."""
    real, looked = services._refusal, []

    def blind_once(*args: Any) -> Any:
        looked.append(args)
        return real(*args) if len(looked) > 1 else None

    monkeypatch.setattr(services, "_refusal", blind_once)
    with database.write() as session:
        with pytest.raises(Refused) as refused:
            services.add_membership(
                session, None, cast.clusters["A"], Joining(cast.schools[school], role, NOW), NOW
            )  # fmt: skip
        assert isinstance(refused.value.__cause__, IntegrityError)
        assert refused.value.code == code
        assert session.scalar(sa.select(sa.func.count()).select_from(Membership)) == 5


@pytest.mark.parametrize("role", ["lead", "partner"])
def test_raw_inserts_meet_the_index(database: Database, cast: Cast, role: str) -> None:
    school = cast.schools["D" if role == "lead" else "B"]
    row = Membership(cluster_id=cast.clusters["A"], school_id=school, role=role, from_=NOW)
    with database.session(writes=True) as session, pytest.raises(IntegrityError):
        session.add(row)
        session.flush()


def test_two_leads_at_once_are_one(database: Database, cast: Cast) -> None:
    with database.write() as session:
        cluster = services.create_cluster(session, None, "丙组团", NOW).id
    barrier, results = threading.Barrier(2), []

    def try_to_lead(letter: str) -> None:
        barrier.wait()
        try:
            join(database, cluster, cast.schools[letter], "lead")
            results.append("joined")
        except Refused as refused:
            results.append(refused.code)

    threads = [threading.Thread(target=try_to_lead, args=(letter,)) for letter in "AB"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["joined", "lead_taken"]


def end(database: Database, cast: Cast, school: str, at: datetime | None) -> None:
    with database.write() as session:
        query = sa.select(Membership).where(Membership.school_id == cast.schools[school])
        membership = session.scalars(query).one()
        services.end_membership(session, None, membership.cluster_id, membership.id, at, NOW)


def test_a_planned_end_comes_forward_only_and_a_new_lead_follows_it(database: Database, cast: Cast) -> None:
    end(database, cast, "A", NOW + 30 * DAY)
    with pytest.raises(Invalid):
        end(database, cast, "A", NOW + 31 * DAY)
    end(database, cast, "A", NOW + 20 * DAY)
    with pytest.raises(Refused):
        join(database, cast.clusters["A"], cast.schools["D"], "lead", NOW + 19 * DAY)
    join(database, cast.clusters["A"], cast.schools["D"], "lead", NOW + 20 * DAY)
    assert [row[4] for row in members(database) if row[1] == cast.name_of("A")] == [NOW + 20 * DAY]


def test_after_leaving_a_school_may_join_again(database: Database, cast: Cast) -> None:
    join(database, cast.clusters["A"], cast.schools["E"], "supported")
    end(database, cast, "B", None)
    join(database, cast.clusters["A"], cast.schools["B"], "partner")
    assert len(members(database)) == 7


def test_what_a_member_loses_it_loses_at_that_instant(database: Database, cast: Cast) -> None:
    end(database, cast, "B", NOW + DAY)
    scope = f"cluster:{cast.clusters['A']}"
    with database.read() as session:
        person = session.get_one(Person, cast.who("B", "student").id)
        assert scope in load_actor(session, person, NOW + DAY - timedelta(microseconds=1)).scopes
        assert scope not in load_actor(session, person, NOW + DAY).scopes


def test_schools_and_clusters_are_created_once(database: Database, cast: Cast) -> None:
    for facts, code in (
        (SchoolFacts(cast.name_of("A")), "school_name_taken"),
        (SchoolFacts("另一所", cast.code_of("A")), "school_code_taken"),
    ):
        with pytest.raises(Refused) as refused, database.write() as session:
            services.create_school(session, None, facts, NOW)
        assert refused.value.code == code
    with pytest.raises(Refused, match="cluster_name_taken"), database.write() as session:
        services.create_cluster(session, None, "甲组团", NOW)
    with database.write() as session:
        school = services.create_school(session, None, SchoolFacts("另一所", "4199000099"), NOW)
    assert audited(database, "school.create")[0].subject_id == school.id


# --- the API ----------------------------------------------------------------------------------------------------


def admin(cast: Cast) -> Player:
    return cast.who("A", "cluster_admin")


def test_every_signed_in_person_reads_schools_and_clusters(app: Flask, cast: Cast) -> None:
    for path in (
        "/schools", f"/schools/{cast.schools['D']}", f"/schools/{cast.schools['D']}/departments",
        "/clusters", f"/clusters/{cast.clusters['D']}", f"/clusters/{cast.clusters['D']}/memberships",
    ):  # fmt: skip
        assert api(app, cast.who("E", "student")).get(path).status_code == 200
        assert api(app, None).get(path).status_code == 401


def test_schools_are_filtered_and_paged(app: Flask, cast: Cast) -> None:
    client = api(app, cast.who("A", "student"))

    def names(query: str) -> list[str]:
        body = client.get(f"/schools?{query}").json
        assert body is not None
        return [item["name"] for item in body["items"]]

    assert names("q=乙") == [cast.name_of("D")]
    assert names("q=4199000003") == [cast.name_of("C")]
    assert names("q=%25") == []
    assert names("province=测试省&limit=2") == [cast.name_of("A"), cast.name_of("B")]
    assert names(f"cluster_id={cast.clusters['A']}") == [cast.name_of("A"), cast.name_of("B"), cast.name_of("C")]
    first = client.get("/schools?limit=3").json
    assert first is not None
    assert first["total"] == 5
    assert names(f"limit=3&cursor={first['next']}") == [cast.name_of("D"), cast.name_of("E")]
    for bad in ("province=" + "x" * 21, "cluster_id=x", "colour=red", "q=a%00b", "cursor=x"):
        assert client.get(f"/schools?{bad}").status_code == 422, bad


def test_a_school_tells_its_memberships_of_all_time(app: Flask, cast: Cast) -> None:
    school = api(app, cast.who("D", "student")).get(f"/schools/{cast.schools['E']}").json
    assert school is not None
    assert school["code"] == cast.code_of("E")
    (membership,) = school["memberships"]
    assert membership["state"] == "ended"
    assert membership["role"] == "partner"
    assert membership["until"] == YESTERDAY.isoformat()


def test_a_cluster_tells_its_counts_warnings_and_version(app: Flask, cast: Cast) -> None:
    response = api(app, cast.who("A", "student")).get(f"/clusters/{cast.clusters['A']}")
    assert response.json is not None
    assert response.headers["ETag"] == '"v1"'
    assert response.json["counts"] == {"lead": 1, "partner": 1, "supported": 1, "schools": 3}
    assert [each["code"] for each in response.json["warnings"]] == ["cluster_few_partners"]
    listed = api(app, cast.who("A", "student")).get("/clusters").json
    assert listed is not None
    assert listed["total"] == 2
    assert listed["items"][0] == response.json


def test_memberships_of_all_time_or_only_open_ones(app: Flask, cast: Cast) -> None:
    path = f"/clusters/{cast.clusters['A']}/memberships"

    def listed(query: str) -> list[str]:
        body = api(app, cast.who("D", "student")).get(f"{path}{query}").json
        assert body is not None
        return [item["school_name"] for item in body["items"]]

    everyone = [cast.name_of(letter) for letter in "ABCE"]
    assert listed("") == everyone
    assert listed("?open=true") == everyone[:3]
    assert listed("?open=false") == everyone[3:]


def test_a_cluster_admin_adds_a_school_and_ends_its_membership(app: Flask, cast: Cast, clock: Clock) -> None:
    client, path = api(app, admin(cast)), f"/clusters/{cast.clusters['A']}/memberships"
    made = client.post(path, {"school_id": cast.schools["D"], "role": "partner"}, headers={"Idempotency-Key": "k"})
    assert made.status_code == 201
    assert made.json is not None
    assert (made.json["from"], made.json["until"], made.json["state"]) == (NOW.isoformat(), None, "open")
    again = client.post(path, {"school_id": cast.schools["D"], "role": "partner"}, headers={"Idempotency-Key": "k"})
    assert again.json == made.json
    clock.advance(DAY)
    ended = client.post(f"{path}/{made.json['id']}/end")
    assert ended.status_code == 200
    assert ended.json is not None
    assert (ended.json["until"], ended.json["state"]) == ((NOW + DAY).isoformat(), "ended")
    assert client.get(f"{path}?open=true").json["total"] == 3  # type: ignore[index]
    assert client.get(f"/clusters/{cast.clusters['A']}").headers["ETag"] == '"v3"'
    twice = client.post(f"{path}/{made.json['id']}/end")
    assert (twice.status_code, twice.json["code"]) == (409, "membership_ended")  # type: ignore[index]


def test_who_answers_for_the_school_hears_once_that_its_membership_ends(
    app: Flask, cast: Cast, database: Database
) -> None:
    assert api(app, admin(cast)).post(membership_of(app, cast, "B")).status_code == 200
    assert drain(database) and not drain(database)
    for role in ("registrar", "school_admin"):
        (notice,) = api(app, cast.who("B", role)).get("/me/notices").json["items"]  # type: ignore[index]
        assert notice["kind"] == "membership.end" and cast.name_of("B") in notice["text"]
    for letter, role in (("B", "student"), ("A", "registrar"), ("D", "school_admin")):
        assert api(app, cast.who(letter, role)).get("/me/notices").json["items"] == []  # type: ignore[index]


def membership_of(app: Flask, cast: Cast, letter: str) -> str:
    body = api(app, admin(cast)).get(f"/schools/{cast.schools[letter]}").json
    assert body is not None
    (found,) = body["memberships"]
    return f"/clusters/{found['cluster_id']}/memberships/{found['id']}/end"


def test_only_the_admins_of_that_cluster_write(app: Flask, cast: Cast) -> None:
    path = f"/clusters/{cast.clusters['A']}/memberships"
    body = {"school_id": cast.schools["D"], "role": "partner"}
    for player in cast:
        here = player.role == "cluster_admin" and player.school in "ABC"
        if not here and player.role != "platform_admin":
            assert api(app, player).post(path, body).status_code == 403, player
            assert api(app, player).post(membership_of(app, cast, "B")).status_code == 403, player
    assert api(app, None).post(path, body).status_code == 401
    assert api(app, cast.who("D", "platform_admin")).post(path, body).status_code == 201
    assert api(app, cast.who("D", "platform_admin")).post(membership_of(app, cast, "B")).status_code == 200


def test_what_does_not_exist(app: Flask, cast: Cast) -> None:
    client = api(app, admin(cast))
    body = {"school_id": cast.schools["D"], "role": "partner"}
    assert client.get("/schools/999999").status_code == 404
    assert client.get("/schools/999999/departments").status_code == 404
    assert client.get("/clusters/999999").status_code == 404
    assert client.get("/clusters/999999/memberships").status_code == 404
    assert client.post("/clusters/999999/memberships", body).status_code == 404
    elsewhere = membership_of(app, cast, "D").split("/")
    elsewhere[2] = str(cast.clusters["A"])
    assert client.post("/".join(elsewhere)).status_code == 404
    assert client.post(f"/clusters/{cast.clusters['A']}/memberships/999999/end").status_code == 404


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"school_id": 999999}, "school_id", "no_such"),
        ({"school_id": "1"}, "school_id", "not_whole"),
        ({"role": "chief"}, "role", "not_a_choice"),
        ({"from": "2026-11-25"}, "from", "not_moment"),
        ({"from": "2028-11-25T00:00:00Z"}, "from", "more_than_a_year"),
        ({"until": None}, "until", "unknown_field"),
    ],
)
def test_bad_input_names_the_field(app: Flask, cast: Cast, change: dict[str, Any], field: str, code: str) -> None:
    body = {"school_id": cast.schools["D"], "role": "partner", **change}
    response = api(app, admin(cast)).post(f"/clusters/{cast.clusters['A']}/memberships", body)
    assert response.status_code == 422
    assert [(e["field"], e["code"]) for e in response.json["errors"]] == [(field, code)]  # type: ignore[index]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2020-01-01T00:00:00Z", "ends_before_joined"),
        ("2028-01-01T00:00:00Z", "more_than_a_year"),
        ("soon", "not_moment"),
        (7, "not_moment"),
    ],
)
def test_when_a_membership_cannot_end(app: Flask, cast: Cast, at: Any, code: str) -> None:
    response = api(app, admin(cast)).post(membership_of(app, cast, "B"), {"at": at})
    assert response.status_code == 422
    assert [(e["field"], e["code"]) for e in response.json["errors"]] == [("at", code)]  # type: ignore[index]


def test_a_second_lead_is_refused(app: Flask, cast: Cast) -> None:
    body = {"school_id": cast.schools["D"], "role": "lead"}
    response = api(app, admin(cast)).post(f"/clusters/{cast.clusters['A']}/memberships", body)
    assert (response.status_code, response.json["code"]) == (409, "lead_taken")  # type: ignore[index]
    assert cast.name_of("A") in response.json["title"]  # type: ignore[index]


# --- the pages --------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(sqlite_client: FlaskClient, cast: Cast) -> FlaskClient:
    browser_session(sqlite_client, admin(cast))
    return sqlite_client


def test_pages_show_what_is_there(browser: FlaskClient, cast: Cast) -> None:
    listed = browser.get("/clusters").text
    assert "已载入 10 个组团中的 2 个" in listed
    assert "我的组团" in listed
    page = browser.get(f"/clusters/{cast.clusters['A']}").text
    for text in ("牵头高校", "参与高校", "重点支持院校", "参与高校 1 所", "2026-11-24", "退出", cast.name_of("E")):
        assert text in page
    assert "薄弱" not in page
    school = browser.get(f"/schools/{cast.schools['E']}").text
    assert "曾经所在的组团" in school
    assert "教育学院" in school
    found = browser.get("/schools?q=乙&province=测试省").text
    assert cast.name_of("D") in found
    assert cast.name_of("A") not in found.split("<table")[1]
    assert "没有找到这样的学校" in browser.get("/schools?q=没有这样的").text
    assert browser.get("/clusters/999999").status_code == 404


def test_a_form_that_is_refused_keeps_what_was_typed(browser: FlaskClient, cast: Cast) -> None:
    path = f"/clusters/{cast.clusters['A']}/members"
    nobody = post_form(browser, path, {"school": "没有这所", "role": "partner", "since": "2026-12-01"})
    assert nobody.status_code == 422
    for text in ('value="没有这所"', 'value="2026-12-01"', "没有找到这所学校", 'value="partner" selected'):
        assert text in nobody.text
    several = post_form(browser, path, {"school": "师范大学", "role": "partner"})
    assert several.status_code == 422
    assert several.text.count('name="school_id"') == 4
    taken = post_form(browser, path, {"school": cast.name_of("D"), "role": "lead"})
    assert taken.status_code == 409
    assert "已有牵头高校" in taken.text
    late = post_form(browser, path, {"school": cast.name_of("D"), "role": "partner", "since": "2029-01-01"})
    assert "不能晚于一年之后" in late.text
    strange = post_form(browser, path, {"school": "a\x00b", "role": "chief", "since": "0001-01-01"})
    assert strange.status_code == 422


def test_a_school_is_added_and_leaves_by_the_forms(browser: FlaskClient, cast: Cast, sqlite_database: Database) -> None:
    path = f"/clusters/{cast.clusters['A']}"
    picked = {"school": "师范大学", "school_id": cast.schools["D"], "role": "partner", "since": "2026-11-25"}
    assert post_form(browser, f"{path}/members", picked).location == path
    assert members(sqlite_database)[-1][1:] == (cast.name_of("D"), "partner", NOW, None)
    with sqlite_database.read() as session:
        newest = session.scalar(sa.select(sa.func.max(Membership.id)))
    early = post_form(browser, f"{path}/memberships/{newest}/end", {"at": "2026-11-01"})
    assert early.status_code == 422
    assert "不能早于加入的日子" in early.text
    later = post_form(browser, f"{path}/memberships/{newest}/end", {"at": "2026-12-31"}, follow_redirects=True)
    assert "退出日期已登记" in later.text
    assert "2026-12-31 退出" in later.text
    assert post_form(browser, f"{path}/memberships/{newest}/end").location == path
    assert members(sqlite_database)[-1][4] == NOW
    assert post_form(browser, f"{path}/memberships/{newest}/end").status_code == 409


def test_a_joining_to_come_is_called_off(browser: FlaskClient, cast: Cast, sqlite_database: Database) -> None:
    path = f"/clusters/{cast.clusters['A']}"
    post_form(browser, f"{path}/members", {"school": cast.code_of("D"), "role": "partner", "since": "2026-12-31"})
    assert "2026-12-31 加入" in browser.get(path).text
    with sqlite_database.read() as session:
        newest = session.scalar(sa.select(sa.func.max(Membership.id)))
    done = post_form(browser, f"{path}/memberships/{newest}/end", follow_redirects=True)
    assert f"已取消{cast.name_of('D')}的加入" in done.text
    assert "2026-12-31" not in done.text
    assert post_form(browser, f"{path}/members", {"school": cast.name_of("D"), "role": "partner"}).location == path


def test_others_see_no_forms_and_get_403(sqlite_client: FlaskClient, cast: Cast) -> None:
    browser_session(sqlite_client, cast.who("A", "registrar"))
    path = f"/clusters/{cast.clusters['A']}"
    assert '<h2 id="add">' not in sqlite_client.get(path).text
    assert "结束成员身份" not in sqlite_client.get(path).text
    assert post_form(sqlite_client, f"{path}/members", {}).status_code == 403
    assert post_form(sqlite_client, f"{path}/memberships/1/end").status_code == 403
    assert post_form(sqlite_client, "/clusters/999999/members", {}).status_code == 404


# --- the command line -------------------------------------------------------------------------------------------


@pytest.fixture
def command(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ZUTUAN_MODE", "test")
    monkeypatch.setenv("ZUTUAN_DATABASE", database.engine.url.render_as_string(hide_password=False))

    def call(kind: str, data: bytes, *options: str) -> Any:
        file = tmp_path / "list.csv"
        file.write_bytes(data)
        return CliRunner().invoke(import_group, [kind, str(file), *options])

    return call


def test_the_command_imports_and_lists_bad_rows(command: Any, database: Database, schools: None) -> None:
    bad = command("clusters", (ROWS + "新组团,partner,1,\n").encode("gbk"), "--dry-run")
    assert bad.exit_code == 1
    assert "第 5 行 school_code：学校标识码须为 10 位数字。" in bad.output
    dry = command("clusters", ROWS.encode("gbk"), "--dry-run", "--since", "2022-04-01")
    assert dry.exit_code == 0, dry.output
    assert members(database) == []
    done = command("clusters", ROWS.encode("gbk"), "--since", "2022-04-01")
    assert done.exit_code == 0
    assert {row[3] for row in members(database)} == {datetime(2022, 3, 31, 16, tzinfo=UTC)}
    assert "没有需要写入的" in command("clusters", ROWS.encode()).output
    assert command("clusters", ROWS.encode(), "--since", "2199-01-01").exit_code == 2
    assert command("schools", b"\x00").exit_code == 1


def test_the_command_says_when_the_database_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZUTUAN_MODE", "test")
    monkeypatch.setenv("ZUTUAN_DATABASE", f"sqlite:///{tmp_path}/empty.db")
    (tmp_path / "list.csv").write_text(SCHOOL_ROWS)
    result = CliRunner().invoke(import_group, ["schools", str(tmp_path / "list.csv")])
    assert result.exit_code == 1
    assert "zutuan db upgrade" in result.output
