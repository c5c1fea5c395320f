"""Schools rename and take each other over; what they were called stays found, what they had goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, PASSWORD, Cast
from support.everything import one_of_each
from support.http import api, browser_session, post_form
from support.teaching import drain, ok, teach, to_cluster

from zutuan.app import FEATURES
from zutuan.clock import Clock
from zutuan.clusters import rules, services, succession
from zutuan.clusters.hooks import hooks_of
from zutuan.clusters.imports import SCHOOLS
from zutuan.clusters.models import Department, FormerName, Membership, School
from zutuan.commands_schools import school_group
from zutuan.db import Base, Database
from zutuan.errors import Forbidden, Invalid, Refused
from zutuan.importing import run
from zutuan.notices.models import Notice
from zutuan.operations.checks_kernel import owners_keep_their_shares, scopes_are_what_they_say
from zutuan.papers.models import Paper
from zutuan.people import slips, throttle
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.people.rosters import roster_import
from zutuan.people.rules import number_after
from zutuan.people.services import NewPerson, create_person, load_actor
from zutuan.people.signing_in import find_school
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent, Share, SharedItem

HOOKS = hooks_of(FEATURES)
NEW_NAME = "甲参与大学"


def platform(database: Database, cast: Cast) -> Actor:
    with database.read() as session:
        return load_actor(session, session.get_one(Person, cast.who("A", "platform_admin").id), NOW)


def rename(database: Database, cast: Cast, school: str = "B", name: str = NEW_NAME, **more: Any) -> None:
    day, who = more.get("day"), platform(database, cast)
    with database.write() as session:
        succession.rename(session, who, cast.schools[school], name, day, NOW)


def take_over(database: Database, cast: Cast, old: str = "C", new: str = "B", day: date | None = None) -> None:
    who = platform(database, cast)
    with database.write() as session:
        succession.succeed(session, who, HOOKS, cast.schools[old], cast.schools[new], day, NOW)


# --- rules ------------------------------------------------------------------------------------------------------


def test_what_a_school_cannot_become() -> None:
    assert rules.may_rename("甲", "乙", taken=False, succeeded=False) is None
    codes = [
        rules.may_rename("甲", "甲", taken=False, succeeded=False),
        rules.may_rename("甲", "乙", taken=True, succeeded=False),
        rules.may_rename("甲", "乙", taken=False, succeeded=True),
        rules.may_succeed(1, 1, None, None), rules.may_succeed(1, 2, 3, None), rules.may_succeed(1, 2, None, 3),
    ]  # fmt: skip
    assert [each.code if each else "" for each in codes] == [
        "same_name", "school_name_taken", "school_succeeded", "succeeds_itself", "already_succeeded", "successor_succeeded",
    ]  # fmt: skip
    assert rules.may_succeed(1, 2, None, None) is None


def test_a_number_stays_unless_it_is_somebody_else_s() -> None:
    assert number_after("2024001", "4199000003", {"x"}) == "2024001"
    assert number_after("2024001", "4199000003", {"2024001"}) == "2024001-4199000003"
    assert number_after("2024001", "4199000003", {"2024001", "2024001-4199000003"}) is None
    assert number_after("2" * 30, "4199000003", {"2" * 30}) is None


# --- renaming ---------------------------------------------------------------------------------------------------


def test_a_renamed_school_is_found_by_its_old_name_and_papers_keep_what_they_show(
    client: FlaskClient, database: Database, cast: Cast
) -> None:
    with database.write() as session:
        one_of_each(session, cast)
        paper = session.scalars(sa.select(Paper)).one()
        paper.content = {"school": cast.name_of("B")}
    rename(database, cast, day=date(2026, 3, 1))
    who = api(client.application, cast.who("A", "student"))
    found = ok(who.get(f"/schools?q={cast.name_of('B')}"))["items"]
    assert [each["name"] for each in found] == [NEW_NAME]
    shown = ok(who.get(f"/schools/{cast.schools['B']}"))
    assert shown["former_names"][0] == {"name": cast.name_of("B"), "until": "2026-03-01"}
    body = {"school": cast.name_of("B"), "number": cast.who("B", "student").number, "password": PASSWORD}
    assert ok(client.post("/api/v1/session", json=body))["me"]["affiliations"][0]["school_name"] == NEW_NAME
    drain(database)
    with database.read() as session:
        assert session.scalars(sa.select(Paper.content)).one() == {"school": cast.name_of("B")}
        told = set(session.scalars(sa.select(Notice.person_id).where(Notice.kind == "school.renamed")))
        assert told == {cast.who("B", role).id for role in ("registrar", "school_admin")}
        assert session.scalars(sa.select(AuditEvent.school_id).where(AuditEvent.action == "school.rename")).all()


def test_a_roster_that_still_says_the_old_name_is_the_school_s(sqlite_database: Database, cast: Cast) -> None:
    rename(sqlite_database, cast)
    text = f"学号,姓名,学校\nR1,新生,{cast.name_of('B')}\n".encode()
    with sqlite_database.write() as session:
        assert run(session, roster_import(cast.schools["B"]), text, now=NOW).errors == ()


def test_what_is_refused_when_renaming(sqlite_database: Database, cast: Cast) -> None:
    with pytest.raises(Refused, match="school_name_taken"):
        rename(sqlite_database, cast, name=cast.name_of("C"))
    with pytest.raises(Refused, match="same_name"):
        rename(sqlite_database, cast, name=cast.name_of("B"))
    with pytest.raises(Invalid):
        rename(sqlite_database, cast, day=date(2027, 1, 1))
    with sqlite_database.read() as session:
        admin = load_actor(session, session.get_one(Person, cast.who("B", "school_admin").id), NOW)
    with pytest.raises(Forbidden), sqlite_database.write() as session:
        succession.rename(session, admin, cast.schools["B"], NEW_NAME, None, NOW)


def test_there_and_back_again(database: Database, cast: Cast) -> None:
    for name in (NEW_NAME, cast.name_of("B"), NEW_NAME):
        rename(database, cast, name=name)
    with database.read() as session:
        assert sorted(session.scalars(sa.select(FormerName.name))) == sorted((NEW_NAME, cast.name_of("B")))
        found = find_school(session, cast.name_of("B"))
        assert found is not None and found.id == cast.schools["B"]


def test_the_ministry_s_next_list_renames_as_well(database: Database, cast: Cast) -> None:
    text = f"标识码,名称\n{cast.code_of('B')},{NEW_NAME}\n".encode()
    with database.write() as session:
        run(session, SCHOOLS, text, now=NOW)
    with database.read() as session:
        assert session.scalars(sa.select(FormerName.name)).one() == cast.name_of("B")


# --- taking over ------------------------------------------------------------------------------------------------


def _columns() -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column.table.name in ("school", "department") for key in column.foreign_keys):
                yield f"{table.name}.{column.name}"


def test_every_column_that_names_a_school_is_moved_or_stays_by_somebody_s_word() -> None:
    said = [name for hook in HOOKS for name in (*hook.moves, *hook.stays)]
    assert sorted(said) == sorted(set(_columns()))


def test_people_go_on_under_their_numbers_and_roles_end(client: FlaskClient, database: Database, cast: Cast) -> None:
    with database.write() as session:
        taken = NewPerson("同号", cast.schools["B"], cast.who("C", "teacher").number, "student")
        create_person(session, None, taken, NOW)
        both = cast.who("B", "teacher").id
        session.add(Affiliation(person_id=both, school_id=cast.schools["C"], number="CC", kind="teacher", from_=NOW))
        session.get_one(Department, cast.departments["C"]).name = "新设学院"
        session.info["audited"] = True
    before = len(list(cast))
    take_over(database, cast, day=date(2026, 11, 1))
    student, teacher = cast.who("C", "student"), cast.who("C", "teacher")
    with database.read() as session:
        me = load_actor(session, session.get_one(Person, student.id), NOW)
        assert [(a.school_id, a.number) for a in me.affiliations] == [(cast.schools["B"], student.number)]
        department = session.get_one(Department, me.affiliations[0].department_id)
        assert (department.school_id, department.name) == (cast.schools["B"], "新设学院")
        me = load_actor(session, session.get_one(Person, teacher.id), NOW)
        assert me.affiliations[0].number == f"{teacher.number}-{cast.code_of('C')}"
        me = load_actor(session, session.get_one(Person, both), NOW)
        assert [a.school_id for a in me.affiliations] == [cast.schools["B"]]
        me = load_actor(session, session.get_one(Person, cast.who("C", "registrar").id), NOW)
        assert not me.holds(["registrar"]) and me.school_ids == {cast.schools["B"]}
        old = session.get_one(School, cast.schools["C"])
        assert (old.successor_id, old.succeeded_on) == (cast.schools["B"], date(2026, 11, 1))
        open_here = sa.select(sa.func.count()).select_from(Affiliation).where(Affiliation.school_id == old.id)
        assert session.scalar(open_here.where(Affiliation.open_at(NOW))) == 0
        roles = sa.select(RoleAssignment.id).where(RoleAssignment.school_id == old.id, RoleAssignment.open_at(NOW))
        assert session.scalars(roles).all() == []
        stays = sa.select(Membership.until).where(Membership.school_id == old.id)
        assert session.scalars(stays).all() == [NOW]
        said = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.at == NOW)).all()
        assert said.count("affiliation.succeed") == before // 5 + 1 and "school.succeed" in said
    # the old school's number still opens the account, the same and the changed one
    for player in (student, teacher):
        body = {"school": cast.name_of("C"), "number": player.number, "password": PASSWORD}
        assert ok(client.application.test_client().post("/api/v1/session", json=body))["me"]["id"] == player.id
    drain(database)
    with database.read() as session:
        told = set(session.scalars(sa.select(Notice.person_id).where(Notice.kind == "school.succeeded")))
    assert told == {cast.who(letter, role).id for letter in "BC" for role in ("registrar", "school_admin")}


def test_items_and_what_was_shared_with_the_old_school_are_the_successor_s(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    own = teach(app, cast, "C", code="OLD1")
    clock.set(NOW + timedelta(days=60))  # the term is over
    with database.read() as session:
        who = load_actor(session, session.get_one(Person, cast.who("A", "platform_admin").id), clock.now())
    with database.write() as session:
        foreign = session.scalars(sa.select(Share.item_id)).first()
        assert foreign is not None
        for letter in "BC":
            session.add(Share(item_id=foreign, scope=scopes.school(cast.schools[letter]), aspect="files", from_=NOW))
        session.info["audited"] = True
    with database.write() as session:
        succession.succeed(session, who, HOOKS, cast.schools["C"], cast.schools["B"], None, clock.now())
    with database.read() as session:
        item = session.get_one(SharedItem, own.course_id)
        assert item.owner_school_id == cast.schools["B"]
        open_now = sa.select(Share.scope).where(Share.item_id == item.id, Share.open_at(clock.now()))
        found = sorted(session.scalars(open_now.where(Share.aspect == "record")))
        assert scopes.manage(cast.schools["B"]) in found and scopes.school(cast.schools["B"]) in found
        assert not any(scope.endswith(f"school:{cast.schools['C']}") for scope in found)
        files = session.scalars(open_now.where(Share.aspect == "files")).all()
        assert files == [scopes.school(cast.schools["B"])]  # not twice: ending one would leave the other
        events = sa.select(AuditEvent.subject_id).where(AuditEvent.action == "item.succeed")
        assert session.scalars(events).all() == [own.course_id]
        assert [*owners_keep_their_shares(session), *scopes_are_what_they_say(session)] == []
    admin = api(app, cast.who("B", "school_admin"))
    assert ok(admin.get(own.course))["id"] == own.course_id
    assert ok(api(app, cast.who("C", "teacher")).get(own.course))["id"] == own.course_id


def test_what_cannot_be_done_cleanly_is_refused_and_nothing_is_done(app: Flask, database: Database, cast: Cast) -> None:
    student, taught = cast.who("C", "student"), teach(app, cast, "A")
    ok(api(app, student).post(taught.seats, {}), 201)
    with pytest.raises(Refused, match="succession_enrolments"):
        take_over(database, cast)
    with pytest.raises(Refused, match="succession_offerings"):
        take_over(database, cast, old="A", new="D")
    teach(app, cast, "D", code="SAME")
    teach(app, cast, "B", code="SAME", audience=to_cluster(cast))
    with database.read() as session:
        found = succession.preview(session, platform(database, cast), HOOKS, cast.schools["D"], cast.schools["B"], NOW)
    assert {each.code for each in found.refusals} == {"succession_offerings", "succession_codes"}
    with pytest.raises(Refused, match="succeeds_itself"):
        take_over(database, cast, "B", "B")
    with database.read() as session:
        assert session.scalars(sa.select(School.id).where(School.successor_id.is_not(None))).all() == []


def test_nothing_begins_at_a_school_that_was_taken_over(database: Database, cast: Cast) -> None:
    take_over(database, cast)
    who = platform(database, cast)
    with pytest.raises(Refused, match="school_succeeded"), database.write() as session:
        joining = services.Joining(cast.schools["C"], "partner", NOW)
        services.add_membership(session, who, cast.clusters["D"], joining, NOW)
    with pytest.raises(Refused, match="school_succeeded"), database.write() as session:
        create_person(session, None, NewPerson("新", cast.schools["C"], "N1", "student"), NOW)
    with database.write() as session:
        report = run(session, roster_import(cast.schools["C"]), "学号,姓名\n1,甲\n".encode(), now=NOW)
    assert [each.code for each in report.errors] == ["school_succeeded"]
    with pytest.raises(Refused, match="already_succeeded"):
        take_over(database, cast)
    take_over(database, cast, "B", "A")
    with database.read() as session:  # whoever is asked for C is sent to A at once
        assert session.get_one(School, cast.schools["C"]).successor_id == cast.schools["A"]


def test_who_came_over_is_the_successor_s_own_for_slips_and_rosters(sqlite_database: Database, cast: Cast) -> None:
    database, student, here = sqlite_database, cast.who("C", "student"), cast.schools["B"]
    take_over(database, cast)
    with database.read() as session:
        registrar = load_actor(session, session.get_one(Person, cast.who("B", "registrar").id), NOW)
    with database.write() as session:
        wanted = slips.Wanted(numbers=(student.number,), purpose="reset")
        batch = slips.issue_slips(session, registrar, here, wanted, "secret")
        report = run(session, roster_import(here), f"学号,姓名\n{student.number},新名\n".encode(), now=NOW)
        assert report.updated == 1
    with database.read() as session:
        (slip,) = slips.slips_of(session, registrar, here, batch, "secret")
        assert session.get_one(Person, student.id).name == "新名"
    origin = throttle.Origin("10.0.0.1")
    assert slips.activate(database, cast.name_of("B"), student.number, slip.code, PASSWORD, origin, NOW) == student.id


# --- pages and the command line ---------------------------------------------------------------------------------


def test_a_platform_admin_renames_and_merges_schools_on_pages(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    client, old, new = sqlite_client, cast.schools["C"], cast.schools["B"]
    browser_session(client, cast.who("A", "platform_admin"))
    assert client.get(f"/schools/{new}/rename").status_code == 200
    assert post_form(client, f"/schools/{new}/rename", {"name": cast.name_of("A")}).status_code == 409
    assert post_form(client, f"/schools/{new}/rename", {"name": ""}).status_code == 422
    assert post_form(client, f"/schools/{new}/rename", {"name": NEW_NAME}).status_code == 302
    assert f"原名 {cast.name_of('B')}" in client.get("/schools?q=甲参与师范").text
    assert cast.name_of("B") in client.get(f"/schools/{new}").text
    assert "甲参与大学" in client.get(f"/schools/{old}/succession?into=参与").text
    chosen = client.get(f"/schools/{old}/succession?into={cast.code_of('B')}")
    assert chosen.headers["Location"] == f"/schools/{old}/succession/{new}"
    assert "人员以原学工号转入" in client.get(chosen.headers["Location"]).text
    assert "现在不能办理" in client.get(f"/schools/{old}/succession/{old}").text
    assert post_form(client, f"/schools/{old}/succession/{new}", {"day": "2026-11-20"}).status_code == 302
    assert "2026-11-20" in client.get(f"/schools/{old}").text
    assert cast.name_of("C") in client.get(f"/schools/{new}").text
    assert client.get(f"/schools/{old}/rename").status_code == 200
    browser_session(client, cast.who("B", "school_admin"))
    for path in (f"/schools/{new}/rename", f"/schools/{new}/succession", f"/schools/{new}/succession/{old}"):
        assert client.get(path).status_code == 403
    assert post_form(client, f"/schools/{new}/rename", {"name": "x"}).status_code == 403


def test_the_operator_does_the_same_at_the_command_line(
    sqlite_database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ZUTUAN_DATABASE", url)
    monkeypatch.setenv("ZUTUAN_MODE", "test")
    runner = CliRunner()
    assert runner.invoke(school_group, ["rename", cast.code_of("B"), NEW_NAME]).output == "ok\n"
    dry = runner.invoke(school_group, ["succeed", cast.code_of("C"), NEW_NAME, "--dry-run"])
    assert dry.exit_code == 0 and "人员以原学工号转入承接学校" in dry.output, dry.output
    assert runner.invoke(school_group, ["succeed", cast.code_of("C"), cast.name_of("B")]).output.endswith("ok\n")
    again = runner.invoke(school_group, ["succeed", cast.code_of("C"), NEW_NAME])
    assert again.exit_code == 1 and "已并入另一所学校" in again.output
