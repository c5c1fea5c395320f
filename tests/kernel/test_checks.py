"""`zutuan check`: a sound database has nothing to say, and each planted fault is found by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from conftest import SECRET
from sqlalchemy.engine import Connection
from support.cast import LONG_AGO, NOW, Cast
from support.everything import one_of_each
from support.worlds import put

from zutuan import migrate
from zutuan.cli import main
from zutuan.clock import Clock
from zutuan.clusters.models import Membership
from zutuan.commands_operations import broken
from zutuan.db import Database
from zutuan.feature import Problem
from zutuan.guards import drop_guards
from zutuan.jobs import OutboxMessage
from zutuan.operations import portable
from zutuan.operations.feature import FEATURE
from zutuan.people.models import RoleAssignment
from zutuan.sharing.models import AuditEvent, Share, SharedItem

Fault = Callable[[Connection, Cast], None]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some checks look at files as well."""
    monkeypatch.setenv("ZUTUAN_SECRET", SECRET)
    monkeypatch.setenv("ZUTUAN_FILES", str(tmp_path))


@pytest.fixture
def sound(database: Database, cast: Cast) -> Database:
    with database.write() as session:
        one_of_each(session, cast)
    return database


def plant(database: Database, fault: Fault, cast: Cast) -> list[Problem]:
    """What the checks find once the fault is there."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.connection.driver_connection.cursor().execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
        fault(connection, cast)
        connection.commit()
        if connection.dialect.name == "sqlite":
            connection.connection.driver_connection.cursor().execute("PRAGMA foreign_keys = ON")  # type: ignore[union-attr]
    return found_by_kernel(database)


def found_by_kernel(database: Database) -> list[Problem]:
    """Without what features find: `one_of_each` makes rows without their files, and an offering without its meetings."""
    ours = {check.__name__ for check in FEATURE.checks}
    return [problem for problem in broken(database) if problem.check in ours]


def run(connection: Connection, sql: str) -> None:
    connection.exec_driver_sql(sql)


def test_a_sound_database_has_nothing_to_say(sound: Database) -> None:
    assert found_by_kernel(sound) == []


# --- the database -----------------------------------------------------------------------------------------------


def _dangling(connection: Connection, _cast: Cast) -> None:
    if connection.dialect.name == "sqlite":
        run(connection, "DELETE FROM department WHERE id = 1")
    else:
        name = "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'share'::regclass LIMIT 1"
        run(connection, f"ALTER TABLE share DROP CONSTRAINT {connection.exec_driver_sql(name).scalar()}")


def _disabled(connection: Connection, _cast: Cast) -> None:
    if connection.dialect.name == "sqlite":
        run(connection, "DROP TRIGGER audit_event_append_only_d")
    else:
        run(connection, "ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only_t")


DATABASE: dict[str, tuple[str, Fault]] = {
    "an older revision": (
        "migrations_are_current", lambda c, _: run(c, "UPDATE alembic_version SET version_num = '0001'"),
    ),
    "no triggers": ("guards_stand", lambda c, _: drop_guards(c)),
    "one trigger switched off": ("guards_stand", _disabled),
    "a dangling reference": ("references_hold", _dangling),
    "an id that comes back": ("ids_go_on", lambda c, _: portable.set_last_id(c, "person", 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", DATABASE)
def test_faults_of_the_database(sound: Database, cast: Cast, name: str) -> None:
    check, fault = DATABASE[name]
    found = plant(sound, fault, cast)
    assert check in {problem.check for problem in found if not problem.warning}, found
    if check == "guards_stand":
        migrate.upgrade(sound.engine)
        assert found_by_kernel(sound) == [], "an upgrade makes the triggers anew"


# --- the kernel's rows ------------------------------------------------------------------------------------------


def _share(scope: str, cluster: str = "") -> Fault:
    """One more open share of the item; `cluster` is the letter whose id it carries."""

    def fault(connection: Connection, cast: Cast) -> None:
        item = connection.execute(sa.select(SharedItem.id)).scalars().first()
        named = scope.format(A=cast.clusters["A"], D=cast.clusters["D"], schoolA=cast.schools["A"])
        row = {"item_id": item, "aspect": "record", "scope": named, "from_": NOW, "until": None}
        put(connection, Share, [{**row, "cluster_id": cast.clusters[cluster] if cluster else None}])

    return fault


def _member(school: str, role: str, from_: int, until: int | None) -> Fault:
    def fault(connection: Connection, cast: Cast) -> None:
        end = None if until is None else LONG_AGO + timedelta(days=until)
        row = {"cluster_id": cast.clusters["A"], "school_id": cast.schools[school], "role": role}
        put(connection, Membership, [{**row, "from_": LONG_AGO + timedelta(days=from_), "until": end}])

    return fault


def _role(role: str, school: str, department: str = "") -> Fault:
    def fault(connection: Connection, cast: Cast) -> None:
        place = {"school_id": cast.schools[school], "department_id": cast.departments.get(department)}
        row = {"person_id": cast.who("A", "registrar").id, "role": role, "from_": NOW, "until": None}
        put(connection, RoleAssignment, [{**row, **place}])

    return fault


def _outbox(attempts: int, minutes_ago: int) -> Fault:
    def fault(connection: Connection, _cast: Cast) -> None:
        then = NOW - timedelta(minutes=minutes_ago)
        row = {"topic": "search", "payload": {}, "created_at": then, "available_at": then, "error": "boom"}
        put(connection, OutboxMessage, [{**row, "attempts": attempts}])

    return fault


def _audit(**values: object) -> Fault:
    row = {"at": NOW, "action": "x", "subject_type": "", "detail": {}, "request_id": ""}
    return lambda connection, _cast: put(connection, AuditEvent, [{**row, **values}])


def _close(prefix: str) -> Fault:
    return lambda connection, _cast: run(
        connection, f"UPDATE share SET until = from_ WHERE substr(scope, 1, {len(prefix)}) = '{prefix}'"
    )


ROWS: dict[str, tuple[str, Fault]] = {
    "somebody at a school that was taken over": (
        "nothing_goes_on_where_a_school_ended",
        lambda c, _: run(c, "UPDATE school SET successor_id = 1 WHERE id = 2"),
    ),
    "something of a tombstone": (
        "nothing_is_a_tombstone_s",
        lambda c, _: run(c, "UPDATE person SET state = 'merged', merged_into = 1 WHERE id = 2"),
    ),
    "managers lost their share": ("owners_keep_their_shares", _close("manage:")),
    "the school lost its share": ("owners_keep_their_shares", _close("school:")),
    "a cluster's share with another's number": ("scopes_are_what_they_say", _share("cluster:{D}", "A")),
    "a share with another's number and a role": ("scopes_are_what_they_say", _share("cluster:{A}:lead", "D")),
    "no scope at all": ("scopes_are_what_they_say", _share("everybody")),
    "a school that does not exist": ("scopes_are_what_they_say", _share("school:999")),
    "a person that does not exist": ("scopes_are_what_they_say", _share("person:1:school:999")),
    "an audience twice": ("audiences_have_no_twins", _share("school:{schoolA}")),
    "a membership within another": ("memberships_do_not_overlap", _member("B", "partner", 10, 20)),
    "two leads for a while": ("memberships_do_not_overlap", _member("D", "lead", 10, 20)),
    "a role at another school's department": ("departments_are_of_their_school", _role("secretary", "A", "B")),
    "a role nobody grants": ("roles_are_where_they_may_be", _role("emperor", "A")),
    "a cluster admin at a school": ("roles_are_where_they_may_be", _role("cluster_admin", "A")),
    "an actor who never was": ("audit_names_people", _audit(actor_id=999)),
    "work that fails again and again": ("outbox_moves", _outbox(9, 0)),
}
WARNINGS: dict[str, tuple[str, Fault]] = {
    "a cluster without a lead": (
        "clusters_have_a_lead",
        lambda c, _: run(c, "UPDATE membership SET until = from_ WHERE role = 'lead' AND cluster_id = 1"),
    ),
    "no platform admin": (
        "somebody_runs_the_platform", lambda c, _: run(c, "DELETE FROM role_assignment WHERE role = 'platform_admin'"),
    ),
    "nobody drains the outbox": ("outbox_moves", _outbox(0, 60)),
    "an audit row from tomorrow": ("audit_names_people", _audit(at=NOW + timedelta(days=1))),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_faults_of_rows(sound: Database, cast: Cast, name: str) -> None:
    check, fault = ROWS[name]
    found = plant(sound, fault, cast)
    assert {problem.check for problem in found if not problem.warning} == {check}, found


@pytest.mark.parametrize("name", WARNINGS)
def test_warnings(sound: Database, cast: Cast, name: str) -> None:
    check, fault = WARNINGS[name]
    assert {(problem.check, problem.warning) for problem in plant(sound, fault, cast)} == {(check, True)}


def test_a_membership_that_was_called_off_overlaps_nothing(sound: Database, cast: Cast) -> None:
    assert plant(sound, _member("B", "lead", 10, 10), cast) == []


def test_every_check_was_planted() -> None:
    planted = {check for check, _ in [*DATABASE.values(), *ROWS.values(), *WARNINGS.values()]}
    assert {check.__name__ for check in FEATURE.checks} - planted == {"the_file_is_whole"}


def test_a_damaged_file_is_said(sqlite_database: Database, cast: Cast) -> None:
    path = Path(str(sqlite_database.engine.url.database))
    with sqlite_database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_share_scope'"
        ).scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    sqlite_database.dispose()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : (page - 1) * size + 100] = b"\x00" * 100
    path.write_bytes(bytes(data))
    assert "the_file_is_whole" in {problem.check for problem in found_by_kernel(sqlite_database)}


def test_a_check_that_fails_hides_no_other(sound: Database, cast: Cast) -> None:
    found = plant(sound, lambda c, _: run(c, "DROP TABLE enrolment_event"), cast)
    assert {problem.check for problem in found} >= {"ids_go_on"}


def test_the_command(database: Database, cast: Cast, clock: Clock) -> None:
    env = {"ZUTUAN_DATABASE": database.engine.url.render_as_string(hide_password=False)}
    assert CliRunner().invoke(main, ["check"], env=env).output == "ok\n"
    plant(database, _outbox(0, 60), cast)
    warned = CliRunner().invoke(main, ["check"], env=env)
    assert warned.exit_code == 0 and warned.output.startswith("warning: outbox_moves: ") and "ok" in warned.output
    plant(database, _role("emperor", "A"), cast)
    bad = CliRunner().invoke(main, ["check"], env=env)
    assert bad.exit_code == 1 and "roles_are_where_they_may_be: role_assignment " in bad.output
    assert bad.output.endswith("1 broken\n")
