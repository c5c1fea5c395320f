"""Roles over time, delegation, accepting an affiliation, disabling, looking as somebody, my data, keys."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast, Player
from support.http import api, browser_session, post_form
from support.teaching import ok

from zutuan.app import make_worker
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.errors import Forbidden, Hidden, Invalid, NotFound, Refused, Unauthenticated
from zutuan.importing import run
from zutuan.jobs import OutboxMessage
from zutuan.notices.models import Notice
from zutuan.people import audit_words, belonging, own_data, passwords, roles, slips, throttle, viewing
from zutuan.people.models import AccessKey, Affiliation, Person, Proposal, RoleAssignment, WebSession
from zutuan.people.roles import At, grant_role, holders
from zutuan.people.rosters import roster_import
from zutuan.people.services import actor_of_session, load_actor
from zutuan.people.signing_in import open_session
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent

SECRET = "a secret that is long enough"
LATER = NOW + timedelta(days=10)


def actor(database: Database, player: Player, now: object = NOW) -> Actor:
    with database.read() as session:
        return load_actor(session, session.get_one(Person, player.id), now)  # type: ignore[arg-type]


def held(database: Database, player: Player, role: str) -> int:
    with database.read() as session:
        query = sa.select(RoleAssignment.id).where(RoleAssignment.person_id == player.id, RoleAssignment.role == role)
        return session.scalars(query).one()


# --- roles ------------------------------------------------------------------------------------------------------


def test_a_role_is_granted_to_several_for_some_days_and_each_is_told_once(database: Database, cast: Cast) -> None:
    admin, people = (
        actor(database, cast.who("A", "school_admin")),
        [cast.who("A", "teacher").id, cast.who("A", "librarian").id],
    )
    with database.write() as session:
        made = roles.grant_many(session, admin, people, "registrar", At(cast.schools["A"]), NOW, LATER)
    assert [each.until for each in made] == [LATER, LATER]
    assert actor(database, cast.who("A", "teacher")).holds(["registrar"])
    assert not actor(database, cast.who("A", "teacher"), LATER).holds(["registrar"])
    with database.write() as session:
        assert roles.grant_many(session, admin, people, "registrar", At(cast.schools["A"]), NOW, None) == []
    make_worker(database).drain()
    with database.read() as session:
        assert session.scalars(sa.select(Notice.person_id).where(Notice.kind == "role.granted")).all() == people


def test_who_may_not_grant_it_grants_nothing(database: Database, cast: Cast) -> None:
    registrar = actor(database, cast.who("A", "registrar"))
    for role, school in (("registrar", "A"), ("school_admin", "A"), ("secretary", "B")):
        with pytest.raises(Forbidden), database.write() as session:
            roles.grant_many(
                session, registrar, [cast.who(school, "teacher").id], role, At(cast.schools[school]), NOW, None
            )
    with database.write() as session:
        roles.grant_many(
            session, registrar, [cast.who("A", "teacher").id], "secretary", At(cast.schools["A"]), NOW, None
        )


def test_one_who_may_not_be_granted_it_stops_all(database: Database, cast: Cast) -> None:
    admin = actor(database, cast.who("A", "school_admin"))
    people = [cast.who("A", "teacher").id, cast.who("B", "teacher").id]
    with pytest.raises(Refused, match="no_affiliation_here"), database.write() as session:
        roles.grant_many(session, admin, people, "librarian", At(cast.schools["A"]), NOW, None)
    assert not actor(database, cast.who("A", "teacher")).holds(["librarian"])


def test_dates_that_end_before_they_start_are_refused(database: Database, cast: Cast) -> None:
    admin = actor(database, cast.who("A", "school_admin"))
    with pytest.raises(Invalid) as refusal, database.write() as session:
        roles.grant_many(
            session, admin, [cast.who("A", "teacher").id], "librarian", At(cast.schools["A"]), LATER, LATER
        )
    assert [(each.field, each.code) for each in refusal.value.errors] == [("until", "ends_before_start")]


def test_the_last_platform_admin_stays(database: Database, cast: Cast) -> None:
    with database.read() as session:
        query = sa.select(RoleAssignment.id).where(RoleAssignment.role == "platform_admin").order_by(RoleAssignment.id)
        all_of_them = session.scalars(query).all()
    admin = actor(database, cast.who("A", "platform_admin"))
    for each in all_of_them[1:]:
        with database.write() as session:
            roles.revoke(session, admin, each)
    with pytest.raises(Refused, match="last_platform_admin"), database.write() as session:
        roles.revoke(session, admin, all_of_them[0])


# --- delegation -------------------------------------------------------------------------------------------------


def lend(database: Database, cast: Cast, number: str | None = None, days: int = 5) -> RoleAssignment:
    registrar = actor(database, cast.who("A", "registrar"))
    with database.write() as session:
        return roles.delegate(
            session, registrar, held(database, cast.who("A", "registrar"), "registrar"),
            number or cast.who("A", "teacher").number, NOW, NOW + timedelta(days=days),
        )  # fmt: skip


def test_a_registrar_on_leave_delegates_and_takes_it_back(database: Database, cast: Cast) -> None:
    teacher, registrar = cast.who("A", "teacher"), cast.who("A", "registrar")
    lent = lend(database, cast)
    assert actor(database, teacher).holds(["registrar"])
    assert actor(database, registrar).holds(["registrar"])
    assert not actor(database, teacher, NOW + timedelta(days=5)).holds(["registrar"])
    with database.write() as session:
        roles.revoke(session, actor(database, registrar), lent.id)
    assert not actor(database, teacher).holds(["registrar"])
    assert actor(database, registrar).holds(["registrar"])


def test_a_delegation_ends_with_the_role_it_comes_from(database: Database, cast: Cast) -> None:
    lend(database, cast)
    with database.write() as session:
        admin = actor(database, cast.who("A", "school_admin"))
        roles.revoke(session, admin, held(database, cast.who("A", "registrar"), "registrar"))
    assert not actor(database, cast.who("A", "teacher")).holds(["registrar"])


def test_a_delegation_ends_when_the_delegator_leaves_the_school(database: Database, cast: Cast) -> None:
    lend(database, cast)
    with database.write() as session:
        gone = sa.update(Affiliation).where(Affiliation.person_id == cast.who("A", "registrar").id).values(until=NOW)
        session.execute(gone)
        session.info["audited"] = True
    assert not actor(database, cast.who("A", "teacher")).holds(["registrar"])


def test_what_may_not_be_delegated(database: Database, cast: Cast) -> None:
    lent = lend(database, cast)
    teacher = actor(database, cast.who("A", "teacher"))
    with pytest.raises(Refused, match="delegation_of_delegation"), database.write() as session:
        roles.delegate(session, teacher, lent.id, cast.who("A", "librarian").number, NOW, LATER)
    with pytest.raises(NotFound), database.write() as session:
        roles.delegate(session, teacher, held(database, cast.who("A", "registrar"), "registrar"), "1", NOW, LATER)
    for number, code in (
        ("nobody", "nobody_of_that_number"), (cast.who("A", "registrar").number, "delegate_to_oneself"),
        (cast.who("A", "student").number, "delegate_is_student"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refusal:
            lend(database, cast, number)
        assert refusal.value.errors[0].code == code
    with pytest.raises(Invalid) as refusal:
        lend(database, cast, days=300)
    assert refusal.value.errors[0].code == "leave_too_long"
    with pytest.raises(Hidden), database.write() as session:
        roles.revoke(session, actor(database, cast.who("B", "school_admin")), lent.id)


def test_a_deputy_grants_nothing_that_would_outlive_the_leave(database: Database, cast: Cast) -> None:
    admin, teacher = actor(database, cast.who("A", "school_admin")), cast.who("A", "teacher")
    with database.write() as session:
        source = held(database, cast.who("A", "school_admin"), "school_admin")
        roles.delegate(session, admin, source, teacher.number, NOW, LATER)
    with pytest.raises(Refused, match="deputy_grants_nothing"), database.write() as session:
        roles.grant_many(
            session, actor(database, teacher), [teacher.id], "school_admin", At(cast.schools["A"]), NOW, None
        )


# --- affiliations and accounts ----------------------------------------------------------------------------------


def proposed(database: Database, cast: Cast) -> int:
    teacher = cast.who("B", "teacher")
    with database.write() as session:
        name = session.get_one(Person, teacher.id).name
        text = f"工号,姓名,邮箱,身份,院系\nT9,{name},{teacher.email},教师,教育学院\n"
        run(session, roster_import(cast.schools["A"]), text.encode(), now=NOW)
        return session.scalars(sa.select(Proposal.id)).one()


def test_its_owner_accepts_a_proposed_affiliation_and_nobody_else(database: Database, cast: Cast) -> None:
    proposal, teacher = proposed(database, cast), cast.who("B", "teacher")
    with pytest.raises(NotFound), database.write() as session:
        belonging.decide(session, actor(database, cast.who("A", "teacher")), proposal, accept=True)
    with database.write() as session:
        belonging.decide(session, actor(database, teacher), proposal, accept=True)
    assert actor(database, teacher).school_ids == {cast.schools["A"], cast.schools["B"]}
    with pytest.raises(Refused, match="proposal_decided"), database.write() as session:
        belonging.decide(session, actor(database, teacher), proposal, accept=False)


def test_a_school_disables_only_accounts_that_are_its_own(database: Database, cast: Cast) -> None:
    teacher, admin = cast.who("B", "teacher"), actor(database, cast.who("B", "school_admin"))
    with pytest.raises(Forbidden), database.write() as session:
        belonging.set_disabled(session, actor(database, cast.who("A", "school_admin")), teacher.id, disabled=True)
    with database.write() as session:
        secret = open_session(session, teacher.id, NOW)
        belonging.set_disabled(session, admin, teacher.id, disabled=True)
    with database.read() as session:
        assert actor_of_session(session, secret, NOW) is None
    with database.write() as session:
        belonging.set_disabled(session, admin, teacher.id, disabled=False)
    proposal = proposed(database, cast)
    with database.write() as session:
        belonging.decide(session, actor(database, teacher), proposal, accept=True)
    with pytest.raises(Forbidden), database.write() as session:
        belonging.set_disabled(session, admin, teacher.id, disabled=True)


# --- keys -------------------------------------------------------------------------------------------------------


def newcomers(database: Database, cast: Cast, n: int = 3) -> None:
    text = "学号,姓名,班级\n" + "".join(f"N{i},新生{i},1班\n" for i in range(n))
    with database.write() as session:
        run(session, roster_import(cast.schools["A"]), text.encode(), now=NOW)


def printed(database: Database, cast: Cast, **wanted: object) -> list[slips.Slip]:
    registrar = actor(database, cast.who("A", "registrar"))
    with database.write() as session:
        batch = slips.issue_slips(session, registrar, cast.schools["A"], slips.Wanted(**wanted), SECRET)  # type: ignore[arg-type]
    with database.read() as session:
        return slips.slips_of(session, registrar, cast.schools["A"], batch, SECRET)


def use(database: Database, number: str, code: str, now: object = NOW) -> int:
    return slips.activate(database, "甲牵头师范大学", number, code, "my own password", throttle.Origin("10.0.0.1"), now)  # type: ignore[arg-type]


def test_a_slip_opens_its_own_account_once(database: Database, cast: Cast) -> None:
    newcomers(database, cast)
    first, second, _third = printed(database, cast, class_name="1班")
    with pytest.raises(Unauthenticated):
        use(database, second.number, first.code)
    person = use(database, first.number, first.code.lower().replace("-", " "))
    with database.read() as session:
        assert passwords.verify(session.get_one(Person, person).password_hash, "my own password")
    with pytest.raises(Unauthenticated):
        use(database, first.number, first.code)
    with pytest.raises(Unauthenticated):
        use(database, second.number, second.code, NOW + timedelta(days=30))


def test_new_slips_end_the_old_ones_and_the_database_alone_opens_nothing(database: Database, cast: Cast) -> None:
    newcomers(database, cast, 1)
    (old,) = printed(database, cast)
    (new,) = printed(database, cast)
    with pytest.raises(Unauthenticated):
        use(database, old.number, old.code)
    with database.read() as session:
        row = session.scalars(sa.select(AccessKey).where(AccessKey.revoked_at.is_(None))).one()
        assert slips.slip_code("another secret", row.nonce) != new.code
        assert new.code.replace("-", "") not in repr(vars(row))
    use(database, new.number, new.code)


def test_who_has_an_address_is_invited_by_mail_and_a_forgotten_password_is_set_anew(
    client: FlaskClient, database: Database, cast: Cast, clock: Clock
) -> None:
    with database.write() as session:
        text = "学号,姓名,邮箱\nM1,有邮箱,m1@x.example\nM2,没有,\n".encode()
        run(session, roster_import(cast.schools["A"]), text, now=NOW)
    browser_session(client, cast.who("A", "registrar"))
    for _click in range(2):  # the second sends nothing
        token = token_of(client.get("/people/keys").text)
        assert client.post("/people/invitations", data={"csrf_token": token}).status_code == 302
    with database.read() as session:
        payloads = session.scalars(sa.select(OutboxMessage.payload).where(OutboxMessage.topic.like("mail%"))).all()
    assert [payload["to"] for payload in payloads] == ["m1@x.example"]
    found = re.search(r"/key/([\w-]+)", payloads[0]["text"])
    assert found
    new = {"password": "my own password", "again": "my own password"}
    stranger = client.application.test_client()
    page = stranger.get(f"/key/{found[1]}").text
    assert stranger.post(f"/key/{found[1]}", data={"csrf_token": token_of(page), **new}).status_code == 302
    assert stranger.get("/account").status_code == 302  # the privacy notice comes first
    assert stranger.get(f"/key/{found[1]}").status_code == 404
    for address in ("m1@x.example", "nobody@x.example"):
        page = stranger.get("/forgot").text
        asked = stranger.post("/forgot", data={"csrf_token": token_of(page), "email": address})
        assert "链接已经发出" in asked.text


def test_slips_are_only_for_those_whom_the_school_may_open(database: Database, cast: Cast) -> None:
    with pytest.raises(Refused, match="nobody_to_activate"):
        printed(database, cast)
    with pytest.raises(Forbidden), database.write() as session:
        slips.issue_slips(
            session, actor(database, cast.who("B", "registrar")), cast.schools["A"], slips.Wanted(), SECRET
        )
    proposal, teacher = proposed(database, cast), cast.who("B", "teacher")
    with database.write() as session:
        belonging.decide(session, actor(database, teacher), proposal, accept=True)
    with pytest.raises(Refused, match="nobody_to_activate"):
        printed(database, cast, numbers=("T9",), purpose="reset")


def test_no_slip_and_no_disabling_reaches_those_above(database: Database, cast: Cast) -> None:
    above = cast.who("A", "school_admin")
    with pytest.raises(Refused, match="nobody_to_activate"):
        printed(database, cast, numbers=(above.number,), purpose="reset")
    assert [
        slip.number for slip in printed(database, cast, numbers=(cast.who("A", "student").number,), purpose="reset")
    ]
    with pytest.raises(Refused, match="account_beyond_reach"), database.write() as session:
        admin = actor(database, above)
        belonging.set_disabled(session, admin, cast.who("A", "platform_admin").id, disabled=True)


# --- looking as somebody, my data -------------------------------------------------------------------------------


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_platform_admin_looks_as_a_student_with_tied_hands(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    client, student = app.test_client(), cast.who("B", "student")
    browser_session(client, cast.who("A", "platform_admin"))
    token = token_of(client.get("/people").text)
    assert client.post(f"/people/{student.id}/view-as", data={"csrf_token": token}).status_code == 302
    page = client.get("/account").text
    assert "正在以" in page
    assert student.number in page
    assert client.post("/account/tokens", data={"csrf_token": token_of(page), "name": "x"}).status_code == 409
    assert client.get("/account/data.json").status_code == 409
    clock.advance(viewing.LONGEST)
    assert "正在以" not in client.get("/account").text
    with database.read() as session:
        audits = session.scalars(sa.select(AuditEvent.subject_id).where(AuditEvent.action == "person.view_as")).all()
    assert audits == [student.id]


def test_nobody_else_looks_as_somebody(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    browser_session(client, cast.who("B", "school_admin"))
    token = token_of(client.get("/people").text)
    assert client.post(f"/people/{cast.who('B', 'student').id}/view-as", data={"csrf_token": token}).status_code == 403


def test_my_data_is_all_of_it_without_secrets(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    student = cast.who("B", "student")
    browser_session(client, student)
    data = client.get("/account/data.json").get_json()
    assert data["person"][0]["email"] == student.email
    assert data["affiliation"][0]["number"] == student.number
    assert {"web_session", "personal_token", "audit_event"} <= data.keys()
    assert "hash" not in client.get("/account/data.json").text


def test_a_closed_account_keeps_what_schools_must_keep(
    client: FlaskClient, database: Database, cast: Cast, clock: Clock
) -> None:
    student = cast.who("B", "student")
    browser_session(client, student)
    token = token_of(client.get("/account/data").text)
    wrong = client.post("/account/close", data={"csrf_token": token, "password": "wrong", "sure": "1"})
    assert wrong.status_code == 422
    done = client.post("/account/close", data={"csrf_token": token, "password": "correct horse battery", "sure": "1"})
    assert done.status_code == 302
    assert client.get("/account").status_code == 302
    with database.read() as session:
        person = session.get_one(Person, student.id)
        assert (person.name, person.email, person.password_hash, person.state) == (
            own_data.CLOSED_NAME,
            None,
            None,
            "closed",
        )
        assert session.get_one(Affiliation, student.affiliation_id).number == student.number
        assert session.scalars(sa.select(WebSession).where(WebSession.person_id == student.id)).all() == []


def test_the_privacy_notice_comes_first(client: FlaskClient, database: Database, cast: Cast, clock: Clock) -> None:
    student = cast.who("B", "student")
    browser_session(client, student)
    with database.write() as session:
        session.execute(sa.update(Person).where(Person.id == student.id).values(privacy_version=0))
        session.info["audited"] = True
    asked = client.get("/courses?q=x")
    assert (asked.status_code, asked.headers["Location"]) == (302, "/privacy?next=/courses?q%3Dx")
    token = token_of(client.get(asked.headers["Location"]).text)
    accepted = client.post("/privacy", data={"csrf_token": token, "next": "/courses?q=x"})
    assert accepted.headers["Location"] == "/courses?q=x"
    assert client.get("/courses?q=x").status_code == 200


def test_the_audit_is_read_by_those_who_answer_for_it(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    browser_session(client, cast.who("B", "school_admin"))
    assert client.get("/audit?action=session").status_code == 200
    assert client.get("/audit.xlsx").status_code == 200
    browser_session(client, cast.who("B", "registrar"))
    assert client.get("/audit").status_code == 403


def test_the_audit_speaks_in_words_and_keeps_its_codes(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    browser_session(client, cast.who("B", "school_admin"))
    assert client.get("/imports/999").status_code == 404
    page = client.get("/audit").text
    assert '<code class="note">test.cast</code>' in page  # no words for it: the code alone
    assert audit_words.said("enrolment.host_deny") == "选课 · 开课学校不通过"
    assert audit_words.said("denied:paper.read") == "被拒绝：证明 · 查看"
    assert audit_words.said("denied:who.knows") == "被拒绝：who.knows"


def test_a_platform_admin_comes_to_a_schools_people_and_is_offered_only_what_works(
    client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    browser_session(client, cast.who("A", "platform_admin"))
    school = cast.schools["B"]
    page = client.get(f"/schools/{school}").text
    assert f"/people?school={school}" in page and f"/schools/{school}/settings" in page
    people = client.get(f"/people?school={school}").text
    assert cast.who("B", "student").number in people and "导入名单" not in people and "/people/keys" not in people
    browser_session(client, cast.who("B", "student"))
    assert f"/people?school={school}" not in client.get(f"/schools/{school}").text


# --- roles: one rule, pages, the API ----------------------------------------------------------------------------


def test_who_is_told_is_who_may(database: Database, cast: Cast) -> None:
    """A deputy counts as long as the delegator's role does, for permissions and notices alike."""
    teacher, registrar = cast.who("A", "teacher"), cast.who("A", "registrar")
    lend(database, cast)

    def told() -> list[int]:
        with database.read() as session:
            return holders(session, "registrar", cast.schools["A"], NOW)

    assert told() == sorted((teacher.id, registrar.id))
    for state, change in ((Person.state, "disabled"), (Person.state, "closed")):
        with database.write() as session:
            session.execute(sa.update(Person).where(Person.id == registrar.id).values({state: change}))
            session.info["audited"] = True
        assert told() == [] and not actor(database, teacher).holds(["registrar"])
    with database.write() as session:
        session.execute(sa.update(Person).where(Person.id == registrar.id).values(state="active"))
        gone = sa.update(Affiliation).where(Affiliation.person_id == registrar.id).values(until=NOW)
        session.execute(gone)
        session.info["audited"] = True
    assert told() == [] and not actor(database, teacher).holds(["registrar"])


def test_nobody_takes_up_a_role_before_their_account_is_theirs(database: Database, cast: Cast) -> None:
    """Else whoever reads the mailbox that a roster names would act in the role."""
    admin = actor(database, cast.who("A", "school_admin"))
    with database.write() as session:
        run(session, roster_import(cast.schools["A"]), "工号,姓名,身份\nT8,新人,教师\n".encode(), now=NOW)
        new = session.scalars(sa.select(Affiliation.person_id).where(Affiliation.number == "T8")).one()
    with pytest.raises(Refused, match="role_before_activation"), database.write() as session:
        roles.grant_many(session, admin, [new], "registrar", At(cast.schools["A"]), NOW, None)
    with database.write() as session:  # the machine's operator may, and then no roster says whose mailbox opens it
        grant_role(session, None, session.get_one(Person, new), "registrar", At(cast.schools["A"]), NOW)
    text = "工号,姓名,身份,邮箱\nT8,新人,教师,evil@x.example\n".encode()
    with database.write() as session:
        report = run(session, roster_import(cast.schools["A"]), text, now=NOW)
    assert report.updated == 0
    with database.read() as session:
        assert session.get_one(Person, new).email is None


def test_a_department_of_another_school_is_no_place(database: Database, cast: Cast) -> None:
    admin, at = actor(database, cast.who("A", "school_admin")), At(cast.schools["A"], cast.departments["B"])
    with pytest.raises(Invalid), database.write() as session:
        roles.grant_many(session, admin, [cast.who("A", "teacher").id], "secretary", at, NOW, None)


def test_cluster_admins_and_platform_admins_are_made_on_pages(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    client, teacher = sqlite_client, cast.who("B", "teacher")
    page = f"/clusters/{cast.clusters['A']}/roles"
    browser_session(client, cast.who("A", "cluster_admin"))
    assert page in client.get(f"/clusters/{cast.clusters['A']}").text
    form = {"school": cast.name_of("B"), "number": teacher.number}
    assert post_form(client, page, {**form, "number": "nobody"}).status_code == 422
    assert post_form(client, page, {**form, "until": "2020-01-01"}).status_code == 422
    assert post_form(client, page, {**form, "until": "2027-01-01"}).status_code == 302
    assert "B teacher" in client.get(page).text
    assert actor(sqlite_database, teacher).holds(["cluster_admin"])
    role = held(sqlite_database, teacher, "cluster_admin")
    assert client.get("/platform/roles").status_code == 403
    assert post_form(client, "/platform/roles", form).status_code == 403
    browser_session(client, cast.who("D", "cluster_admin"))
    assert client.get(page).status_code == 403
    assert post_form(client, f"/roles/{role}/revoke").status_code == 404
    browser_session(client, cast.who("D", "platform_admin"))
    assert client.get(page).status_code == 200
    assert post_form(client, f"/roles/{role}/revoke").headers["Location"] == page
    assert not actor(sqlite_database, teacher).holds(["cluster_admin"])
    assert post_form(client, "/platform/roles", form).status_code == 302
    assert actor(sqlite_database, teacher).holds(["platform_admin"])
    assert "B teacher" in client.get("/platform/roles").text
    assert client.get("/clusters/999/roles").status_code == 404


def test_roles_by_the_api(app: Flask, database: Database, cast: Cast) -> None:
    admin, teacher = api(app, cast.who("A", "school_admin")), cast.who("A", "teacher")
    wanted = {
        "person_ids": [teacher.id],
        "role": "librarian",
        "school_id": cast.schools["A"],
        "until": LATER.isoformat(),
    }
    made = ok(admin.post("/roles", wanted), 201)["items"]
    assert [(each["person_id"], each["role"], each["person_name"]) for each in made] == [
        (teacher.id, "librarian", "A teacher")
    ]
    assert ok(admin.post("/roles", wanted), 201)["items"] == []
    listed = ok(admin.get(f"/roles?school_id={cast.schools['A']}"))["items"]
    assert made[0]["id"] in {each["id"] for each in listed}
    mine = ok(api(app, teacher).get("/roles?mine=1"))["items"]
    assert [each["id"] for each in mine] == [made[0]["id"]]
    lent = {"number": cast.who("A", "registrar").number, "until": LATER.isoformat()}
    deputy = ok(api(app, teacher).post(f"/roles/{made[0]['id']}/delegate", lent), 201)
    assert deputy["delegates"] == made[0]["id"]
    assert ok(admin.post(f"/roles/{made[0]['id']}/revoke"))["until"]
    with database.read() as session:
        assert session.get_one(RoleAssignment, deputy["id"]).until == NOW
    both = {**wanted, "cluster_id": cast.clusters["A"]}
    assert admin.post("/roles", both).status_code == 422
    platform = api(app, cast.who("A", "platform_admin"))
    nowhere = {"person_ids": [teacher.id], "role": "cluster_admin", "cluster_id": 987654321}
    assert platform.post("/roles", nowhere).status_code == 422
    assert platform.post("/roles", {**nowhere, "cluster_id": None}).status_code == 409
