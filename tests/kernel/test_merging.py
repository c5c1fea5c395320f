"""Two persons become one: everything goes over, what collides is refused or settled, a tombstone stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.cast import NOW, Cast
from support.everything import one_of_each
from support.http import api, browser_session, post_form
from support.teaching import add_people, drain, ok, teach

from zutuan.app import FEATURES
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.errors import Forbidden, Hidden, Refused, Unauthenticated
from zutuan.guards import is_append_only
from zutuan.notices.models import Notice
from zutuan.people import merging, rules, staff_queries
from zutuan.people.hooks import hooks_of
from zutuan.people.keys import proven_address
from zutuan.people.models import AccessKey, Affiliation, Person, RoleAssignment
from zutuan.people.own_data import references
from zutuan.people.rules import Account, may_merge, sign_in_after
from zutuan.people.services import NewPerson, actor_of_session, actor_of_token, create_person, digest, load_actor
from zutuan.people.signing_in import open_session, use_key
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent, Share

HOOKS = hooks_of(FEATURES)


def actor(database: Database, cast: Cast, school: str, role: str) -> Actor:
    with database.read() as session:
        return load_actor(session, session.get_one(Person, cast.who(school, role).id), NOW)


def merge(database: Database, who: Actor, kept: int, gone: int) -> None:
    with database.write() as session:
        merging.merge(session, who, HOOKS, kept, gone)


def another(database: Database, cast: Cast, school: str = "B", number: str = "X1", **more: Any) -> int:
    with database.write() as session:
        new = NewPerson(f"{school} student", cast.schools[school], number, "student", **more)
        return create_person(session, None, new, NOW).id


# --- rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "gone", "code"),
    [
        (Account(1, "active"), Account(1, "active"), "merge_same"),
        (Account(9, "active"), Account(2, "active"), "merge_oneself"),
        (Account(1, "active"), Account(9, "active"), "merge_oneself"),
        (Account(1, "disabled"), Account(2, "active"), "merge_state"),
        (Account(1, "active"), Account(2, "closed"), "merge_state"),
        (Account(1, "active"), Account(2, "merged"), "merge_state"),
        (Account(1, "active", demonstration=True), Account(2, "active"), "merge_demonstration"),
    ],
)
def test_what_is_never_merged(kept: Account, gone: Account, code: str) -> None:
    refusal = may_merge(kept, gone, 9)
    assert refusal is not None and refusal.code == code


def test_the_survivor_s_sign_in_stays_and_no_unproved_address_joins_it() -> None:
    used, other = Account(1, "active", "a@x.cn", True), Account(2, "active", "b@x.cn", True)
    new, plain = Account(2, "active", "b@x.cn"), Account(1, "active", None, True)
    assert sign_in_after(used, other) == ("a@x.cn", 1)
    assert sign_in_after(plain, new) == (None, 1)  # nobody has proved that this mailbox is theirs
    assert sign_in_after(plain, other) == ("b@x.cn", 1)
    assert sign_in_after(Account(1, "active", "r@x.cn"), other) == ("b@x.cn", 2)
    assert sign_in_after(Account(1, "active"), new) == ("b@x.cn", 1)
    assert may_merge(used, Account(3, "disabled"), 9) is None


# --- everything goes over ---------------------------------------------------------------------------------------


def _point_everything_at(session: Session, person: int) -> None:
    """Every column that refers to a person has a row that names this one."""
    for table, column in references():
        if _rows(session, table, column, person) or is_append_only(table.name):
            continue
        if (table.name, column.name) == ("person", "merged_into"):
            other = create_person(session, None, NewPerson("旧", 1, "OLD", "student"), NOW).id
            change = sa.update(table).where(table.c.id == other).values(merged_into=person, state="merged")
        else:
            first = sa.select(sa.func.min(table.c.id)).scalar_subquery()
            change = sa.update(table).where(table.c.id == first).values({column.name: person})
        session.execute(change)


def test_every_column_that_names_a_person_is_moved_or_listed(database: Database, cast: Cast) -> None:
    gone = cast.who("B", "student").id
    with database.write() as session:
        one_of_each(session, cast)
        _point_everything_at(session, gone)
        # a share that names the person is none of those columns, and goes over all the same
        item = session.scalars(sa.select(Share.item_id)).first()
        assert item is not None
        for scope in (scopes.person(gone), scopes.member(gone, cast.schools["B"]), scopes.person(gone * 1000 + 1)):
            session.add(Share(item_id=item, scope=scope, from_=NOW))
    kept = another(database, cast)
    with database.read() as session:
        empty = [f"{t.name}.{c.name}" for t, c in merging.goes_over() if not _rows(session, t, c, gone)]
    assert empty == []
    merge(database, actor(database, cast, "A", "platform_admin"), kept, gone)
    with database.read() as session:
        assert [(t.name, c.name) for t, c in references() if _rows(session, t, c, gone)] == []
        moved = {t.name for t, c in references() if _rows(session, t, c, kept)}
        listed = {"web_session", "policy_value"}  # reviewed: they end, or are written once and for all
        assert {t.name for t, _c in references()} - moved == listed
        found = set(session.scalars(sa.select(Share.scope).where(Share.scope.like("person:%"))))
        assert found >= {scopes.person(kept), scopes.member(kept, cast.schools["B"]), scopes.person(gone * 1000 + 1)}
        assert scopes.person(gone) not in found
        tombstone = session.get_one(Person, gone)
        assert (tombstone.state, tombstone.merged_into, tombstone.name) == ("merged", kept, merging.MERGED_NAME)
        assert tombstone.email is None and tombstone.password_hash is None


def _rows(session: Session, table: sa.Table, column: sa.Column[Any], person: int) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table).where(column == person)) or 0


def test_every_label_names_a_column(database: Database, cast: Cast) -> None:
    columns = {f"{table.name}.{column.name}" for table, column in references()}
    assert {name for hook in HOOKS for name in hook.labels} <= columns


def test_what_the_merged_one_had_is_the_survivor_s_at_the_next_request(
    client: FlaskClient, app: Flask, database: Database, cast: Cast
) -> None:
    student, taught = cast.who("B", "student"), teach(app, cast)
    enrolment = ok(api(app, student).post(taught.seats, {}), 201)["id"]
    with database.write() as session:
        secret = open_session(session, student.id, NOW)
    (other,) = add_people(database, cast, "B", 1)
    merge(database, actor(database, cast, "B", "school_admin"), other.id, student.id)
    drain(database)
    with database.read() as session:
        assert actor_of_session(session, secret, NOW) is None
        assert actor_of_token(session, student.token, NOW) is None
        survivor = session.get_one(Person, other.id)
        assert survivor.email == student.email and survivor.password_hash  # nobody had opened the survivor's
        told = session.scalars(sa.select(Notice.kind).where(Notice.person_id == other.id)).all()
        assert "person.merged" in told and "enrolment.submitted" in told
        events = session.scalars(sa.select(AuditEvent).where(AuditEvent.action.in_(("person.merge", "person.merged"))))
        assert {(e.action, e.subject_id) for e in events} == {("person.merge", other.id), ("person.merged", student.id)}
        old = session.scalars(sa.select(AuditEvent).where(AuditEvent.actor_id == student.id)).all()
        assert old  # the audit is not rewritten
    assert [each["id"] for each in ok(api(app, other).get("/me/enrolments"))["items"]] == [enrolment]
    assert ok(api(app, other).get(f"/enrolments/{enrolment}"))["id"] == enrolment
    with database.read() as session:
        query = {"action": "", "person": other.id, "since": None, "until": None, "cursor": None, "limit": 50}
        page = staff_queries.audit_page(session, None, query)
        assert {name for event, name in page.items if event.actor_id == student.id} == {survivor.name}


@pytest.mark.parametrize(("kept_by", "gone_by", "proven"), [("slip", "mail", False), ("mail", "slip", True)])
def test_only_how_the_account_was_opened_whose_address_stays_proves_it(
    sqlite_database: Database, cast: Cast, kept_by: str, gone_by: str, proven: bool
) -> None:
    database, kept, gone = sqlite_database, cast.who("B", "student").id, cast.who("B", "teacher").id
    with database.write() as session:
        for person, channel, minutes in ((kept, kept_by, 0), (gone, gone_by, 1)):
            at = NOW + timedelta(minutes=minutes)
            session.add(
                AccessKey(
                    person_id=person, school_id=cast.schools["B"], purpose="activate", channel=channel,
                    secret_hash=channel, created_at=NOW, expires_at=NOW + timedelta(days=1), used_at=at,
                )
            )  # fmt: skip
        session.info["audited"] = True
    merge(database, actor(database, cast, "B", "school_admin"), kept, gone)
    with database.read() as session:
        assert proven_address(session, kept) is proven


@pytest.mark.parametrize("opened", [True, False])
def test_a_key_to_an_account_that_nobody_opened_opens_nobody_else_s(
    sqlite_database: Database, cast: Cast, opened: bool
) -> None:
    """An invitation to whatever address a roster had, or a slip: after the merge it would open the one in use."""
    database, gone = sqlite_database, cast.who("B", "student").id
    kept = another(database, cast, email="anybody@x.example")
    with database.write() as session:
        if not opened:
            session.get_one(Person, gone).password_hash = None
        session.add(
            AccessKey(
                person_id=kept, school_id=cast.schools["B"], purpose="activate", channel="mail",
                secret_hash=digest("link"), created_at=NOW, expires_at=NOW + timedelta(days=1),
            )
        )  # fmt: skip
        session.info["audited"] = True
    merge(database, actor(database, cast, "B", "school_admin"), kept, gone)
    if opened:
        with pytest.raises(Unauthenticated):
            use_key(database, digest("link"), "another fine password", NOW)
    else:
        assert use_key(database, digest("link"), "another fine password", NOW) == kept


def test_what_was_told_to_the_merged_one_meanwhile_reaches_the_survivor(
    app: Flask, database: Database, cast: Cast
) -> None:
    student, taught = cast.who("B", "student"), teach(app, cast)
    drain(database)
    ok(api(app, student).post(taught.seats, {}), 201)  # its notices are still in the outbox
    kept = another(database, cast)
    merge(database, actor(database, cast, "A", "platform_admin"), kept, student.id)
    drain(database)
    with database.read() as session:
        assert "enrolment.submitted" in session.scalars(sa.select(Notice.kind).where(Notice.person_id == kept)).all()


# --- what stands in the way -------------------------------------------------------------------------------------


def test_two_seats_in_one_offering_are_not_one(app: Flask, database: Database, cast: Cast) -> None:
    taught, student = teach(app, cast), cast.who("B", "student")
    (other,) = add_people(database, cast, "B", 1)
    first = ok(api(app, student).post(taught.seats, {}), 201)["id"]
    ok(api(app, other).post(taught.seats, {}), 201)
    admin = actor(database, cast, "B", "school_admin")
    with pytest.raises(Refused, match="merge_both_enrolled"):
        merge(database, admin, student.id, other.id)
    with database.read() as session:
        assert not merging.preview(session, admin, HOOKS, student.id, other.id).possible
        assert session.get_one(Person, other.id).state == "active"
    ok(api(app, student).post(f"/enrolments/{first}/withdraw", {}))
    merge(database, admin, student.id, other.id)


def test_roles_that_both_hold_are_held_once_and_what_was_lent_between_them_ends(database: Database, cast: Cast) -> None:
    kept, gone = cast.who("B", "registrar"), cast.who("B", "librarian")
    place = {"school_id": cast.schools["B"], "from_": NOW}
    with database.write() as session:
        source = session.scalars(sa.select(RoleAssignment.id).where(RoleAssignment.person_id == kept.id)).one()
        twin = RoleAssignment(person_id=gone.id, role="registrar", **place)
        lent = RoleAssignment(person_id=gone.id, role="registrar", delegates=source, **place)
        session.add_all([twin, lent])
        session.info["audited"] = True
    merge(database, actor(database, cast, "A", "platform_admin"), kept.id, gone.id)
    with database.read() as session:
        mine = sa.select(RoleAssignment).where(RoleAssignment.person_id == kept.id, RoleAssignment.open_at(NOW))
        assert sorted(each.role for each in session.scalars(mine)) == ["librarian", "registrar"]


# --- who may ----------------------------------------------------------------------------------------------------


def test_a_school_merges_its_own_and_the_platform_all(database: Database, cast: Cast) -> None:
    here, there = another(database, cast, "B"), another(database, cast, "C")
    student = cast.who("B", "student").id
    with pytest.raises(Hidden):
        merge(database, actor(database, cast, "A", "school_admin"), student, here)
    with pytest.raises(Hidden):
        merge(database, actor(database, cast, "B", "school_admin"), student, there)
    with pytest.raises(Hidden):
        merge(database, actor(database, cast, "B", "registrar"), student, here)
    with database.write() as session:
        session.add(Affiliation(person_id=here, school_id=cast.schools["C"], number="X2", kind="student", from_=NOW))
        session.info["audited"] = True
    with pytest.raises(Forbidden):
        admin = actor(database, cast, "B", "school_admin")
        with database.write() as session:
            session.add(
                Affiliation(person_id=student, school_id=cast.schools["C"], number="X3", kind="student", from_=NOW)
            )
            session.info["audited"] = True
        merge(database, admin, student, here)
    merge(database, actor(database, cast, "A", "platform_admin"), student, here)


def test_a_school_admin_merges_nobody_who_holds_more_than_they_could_give(database: Database, cast: Cast) -> None:
    admin, new = actor(database, cast, "B", "school_admin"), another(database, cast)
    with pytest.raises(Refused, match="merge_beyond_reach"):
        merge(database, admin, new, cast.who("B", "cluster_admin").id)
    with pytest.raises(Refused, match="merge_oneself"):
        merge(database, admin, new, admin.person_id)


# --- pages ------------------------------------------------------------------------------------------------------


def test_a_school_admin_finds_two_of_one_name_and_merges_them(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    kept, gone = cast.who("B", "student").id, another(sqlite_database, cast)
    browser_session(sqlite_client, cast.who("B", "school_admin"))
    page = sqlite_client.get("/people/merge").text
    assert f"kept={kept}&amp;gone={gone}" in page
    found = sqlite_client.get(f"/people/merge/choose?school={cast.schools['B']}&kept=B001&gone=X1")
    assert found.headers["Location"] == f"/people/merge/preview?kept={kept}&gone={gone}"
    assert sqlite_client.get("/people/merge/choose?kept=B001&gone=nobody").status_code == 422
    assert "合并不能撤回" in sqlite_client.get(found.headers["Location"]).text
    assert sqlite_client.get(f"/people/merge/preview?kept={kept}&gone={kept}").status_code == 200
    done = post_form(sqlite_client, "/people/merge", {"kept": kept, "gone": gone})
    assert done.status_code == 302
    again = post_form(sqlite_client, "/people/merge", {"kept": kept, "gone": gone})
    assert again.status_code in (404, 409)
    browser_session(sqlite_client, cast.who("B", "registrar"))
    assert sqlite_client.get("/people/merge").status_code == 404
    browser_session(sqlite_client, cast.who("A", "platform_admin"))
    assert sqlite_client.get("/people/merge").status_code == 200


def test_the_likely_ones_are_of_one_name_and_one_school_or_number(database: Database, cast: Cast) -> None:
    same_school = another(database, cast)
    with database.write() as session:
        new = NewPerson("B student", cast.schools["C"], cast.who("B", "student").number, "student")
        same_number = create_person(session, None, new, NOW).id
        create_person(session, None, NewPerson("B student", cast.schools["D"], "D9", "student"), NOW)
    with database.read() as session:
        pairs = {(each.kept, each.gone): each.why for each in merging.likely(session, None)}
        here = merging.likely(session, cast.schools["B"])
    student = cast.who("B", "student").id
    assert pairs == {(student, same_number): "same_number", (student, same_school): "same_school"}
    assert [(each.kept, each.gone) for each in here] == [(student, same_school)]


def test_an_address_that_two_years_keep() -> None:
    from datetime import UTC, datetime

    leap = datetime(2028, 2, 29, 8, tzinfo=UTC)
    assert rules.kept_until(leap, 10) == datetime(2038, 2, 28, 8, tzinfo=UTC)
    assert rules.kept_until(NOW, 10).year == 2036
