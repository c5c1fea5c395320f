"""Ways in, ways up and ways round that were tried against the kernel, each as the one who would try it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, PASSWORD, Cast, Player
from support.http import browser_session, post_form

from zutuan.app import FEATURES, make_files, make_worker
from zutuan.config import Config
from zutuan.db import Database
from zutuan.errors import Invalid, Refused, Unauthenticated, ZutuanError
from zutuan.importing import run
from zutuan.imports import services as imports
from zutuan.imports.kinds import Kinds
from zutuan.imports.models import ImportBatch
from zutuan.people import belonging, keys, own_data, roles, slips, throttle
from zutuan.people.models import AccessKey, Affiliation, Person, PersonalToken, Proposal, RoleAssignment, WebSession
from zutuan.people.roles import At
from zutuan.people.roster_rules import Known, Same, Update, decide
from zutuan.people.rosters import roster_import
from zutuan.people.services import actor_of_session, create_token, load_actor
from zutuan.people.signing_in import change_password, open_session
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent
from zutuan.storage import services as storage
from zutuan.storage.models import StoredFile

SECRET = "a secret that is long enough"
NEW = "another fine password"
LATER = NOW + timedelta(days=10)


def actor(database: Database, player: Player) -> Actor:
    with database.read() as session:
        return load_actor(session, session.get_one(Person, player.id), NOW)


def held(database: Database, player: Player, role: str) -> int:
    with database.read() as session:
        query = sa.select(RoleAssignment.id).where(RoleAssignment.person_id == player.id, RoleAssignment.role == role)
        return session.scalars(query).one()


def roster(database: Database, cast: Cast, text: str, school: str = "A") -> None:
    with database.write() as session:
        report = run(session, roster_import(cast.schools[school]), text.encode(), now=NOW)
    assert not report.errors


def issue(database: Database, who: Actor, cast: Cast, number: str, purpose: str = "reset") -> str:
    """A batch with one slip."""
    with database.write() as session:
        wanted = slips.Wanted(numbers=(number,), purpose=purpose)
        return slips.issue_slips(session, who, cast.schools["A"], wanted, SECRET)


def codes(database: Database, who: Actor, cast: Cast, batch: str) -> list[str]:
    with database.read() as session:
        return [slip.code for slip in slips.slips_of(session, who, cast.schools["A"], batch, SECRET)]


def use(database: Database, number: str, code: str) -> int:
    return slips.activate(database, "甲牵头师范大学", number, code, NEW, throttle.Origin("10.0.0.1"), NOW)


def grant(database: Database, cast: Cast, player: Player, role: str) -> None:
    admin = actor(database, cast.who("A", "school_admin"))
    with database.write() as session:
        roles.grant_many(session, admin, [player.id], role, At(cast.schools["A"]), NOW, None)


# --- slips as a way up ------------------------------------------------------------------------------------------


def test_a_slip_kept_back_opens_nobody_who_has_risen_since(database: Database, cast: Cast) -> None:
    registrar, teacher = actor(database, cast.who("A", "registrar")), cast.who("A", "teacher")
    batch = issue(database, registrar, cast, teacher.number)
    (code,) = codes(database, registrar, cast, batch)
    grant(database, cast, teacher, "school_admin")
    assert codes(database, registrar, cast, batch) == []
    with pytest.raises(Unauthenticated):
        use(database, teacher.number, code)


def test_a_school_admins_slips_are_no_registrars_to_read(sqlite_database: Database, cast: Cast) -> None:
    database, admin = sqlite_database, actor(sqlite_database, cast.who("A", "school_admin"))
    other = cast.who("A", "librarian")
    grant(database, cast, other, "registrar")
    batch = issue(database, admin, cast, other.number)
    assert codes(database, actor(database, cast.who("A", "registrar")), cast, batch) == []
    (code,) = codes(database, admin, cast, batch)
    assert use(database, other.number, code) == other.id


def accept(database: Database, cast: Cast, player: Player) -> None:
    """School B's roster proposes, and the person accepts."""
    with database.read() as session:
        name = session.get_one(Person, player.id).name
    roster(database, cast, f"工号,姓名,邮箱,身份\nX9,{name},{player.email},教师\n", "B")
    with database.write() as session:
        proposal = session.scalars(sa.select(Proposal.id)).one()
    with database.write() as session:
        belonging.decide(session, actor(database, player), proposal, accept=True)


def test_a_slip_opens_no_account_that_another_school_uses_by_now(sqlite_database: Database, cast: Cast) -> None:
    database, teacher = sqlite_database, cast.who("A", "teacher")
    registrar = actor(database, cast.who("A", "registrar"))
    batch = issue(database, registrar, cast, teacher.number)
    (code,) = codes(database, registrar, cast, batch)
    accept(database, cast, teacher)
    assert codes(database, registrar, cast, batch) == []
    with pytest.raises(Unauthenticated):
        use(database, teacher.number, code)


def test_a_deputy_makes_no_keys_that_would_outlive_the_leave(sqlite_database: Database, cast: Cast) -> None:
    database = sqlite_database
    admin, deputy = cast.who("A", "school_admin"), cast.who("A", "teacher")
    with database.write() as session:
        source = held(database, admin, "school_admin")
        roles.delegate(session, actor(database, admin), source, deputy.number, NOW, LATER)
    for above in (admin, cast.who("A", "registrar")):
        with pytest.raises(Refused, match="nobody_to_activate"):
            issue(database, actor(database, deputy), cast, above.number)
    with pytest.raises(Refused, match="account_beyond_reach"), database.write() as session:
        belonging.set_disabled(session, actor(database, deputy), cast.who("A", "registrar").id, disabled=True)
    assert issue(database, actor(database, deputy), cast, cast.who("A", "student").number)


def test_a_disabled_account_has_no_deputies(database: Database, cast: Cast) -> None:
    registrar, deputy = cast.who("A", "registrar"), cast.who("A", "teacher")
    with database.write() as session:
        source = held(database, registrar, "registrar")
        roles.delegate(session, actor(database, registrar), source, deputy.number, NOW, LATER)
    admin = actor(database, cast.who("A", "school_admin"))
    assert actor(database, deputy).holds(["registrar"])
    with database.write() as session:
        belonging.set_disabled(session, admin, registrar.id, disabled=True)
    assert not actor(database, deputy).holds(["registrar"])


def test_a_secretary_is_of_a_department_of_that_school(sqlite_database: Database, cast: Cast) -> None:
    admin = actor(sqlite_database, cast.who("A", "school_admin"))
    with pytest.raises(Invalid), sqlite_database.write() as session:
        at = At(cast.schools["A"], cast.departments["B"])
        roles.grant_many(session, admin, [cast.who("A", "teacher").id], "secretary", at, NOW, None)


def test_a_new_password_ends_every_key_and_a_key_every_token(sqlite_database: Database, cast: Cast) -> None:
    database, student = sqlite_database, cast.who("A", "student")
    registrar = actor(database, cast.who("A", "registrar"))
    first = issue(database, registrar, cast, student.number)
    (code,) = codes(database, registrar, cast, first)
    change_password(database, actor(database, student), PASSWORD, NEW, NOW)
    with pytest.raises(Unauthenticated):
        use(database, student.number, code)
    with database.read() as session:
        mine = sa.select(PersonalToken.revoked_at).where(PersonalToken.person_id == student.id)
        assert session.scalars(mine).all() == [None]
    (code,) = codes(database, registrar, cast, issue(database, registrar, cast, student.number))
    use(database, student.number, code)
    with database.read() as session:
        assert session.scalars(mine).all() == [NOW]


# --- rosters as a way in ----------------------------------------------------------------------------------------


def known(**more: bool) -> Known:
    return Known(1, 1, "王一", None, {"kind": "teacher", "standing": "active"}, **more)


def test_a_roster_writes_no_address_on_an_account_with_an_owner_or_a_role(
    sqlite_database: Database, cast: Cast
) -> None:
    """With an address of one's own on it, a mailed link would open the account."""
    row = {"number": "1", "name": "王一", "email": "mine@x.example"}
    assert isinstance(decide(row, known(), None, None), Update)
    assert decide(row, known(own=True), None, None) == Same(kept=("", "mine@x.example"))
    database = sqlite_database
    roster(database, cast, "学号,姓名,身份\nN1,新生,学生\nN2,新人,教师\n")
    with database.write() as session:
        by_number = dict(session.execute(sa.select(Affiliation.number, Affiliation.person_id)).tuples().all())
    registrar = actor(database, cast.who("A", "registrar"))
    (code,) = codes(database, registrar, cast, issue(database, registrar, cast, "N1", "activate"))
    use(database, "N1", code)
    with database.write() as session:
        person = session.get_one(
            Person, by_number["N2"]
        )  # by the machine's operator: nobody else may before it is opened
        roles.grant_role(session, None, person, "school_admin", At(cast.schools["A"]), NOW)
    roster(database, cast, "学号,姓名,邮箱\nN1,新生,a@x.example\nN2,新人,b@x.example\n")
    with database.read() as session:
        mine = sa.select(Person.email).where(Person.id.in_([by_number["N1"], by_number["N2"]]))
        assert session.scalars(mine).all() == [None, None]


def test_a_roster_gives_a_closed_account_no_name_back(sqlite_database: Database, cast: Cast) -> None:
    student, text = cast.who("A", "student"), "学号,姓名\nA001,原名\n"
    with sqlite_database.write() as session:
        own_data.close(session, actor(sqlite_database, student), PASSWORD)
    roster(sqlite_database, cast, text)
    with sqlite_database.read() as session:
        assert session.get_one(Person, student.id).name == own_data.CLOSED_NAME


def test_another_schools_person_is_not_impersonated_by_their_address(sqlite_database: Database, cast: Cast) -> None:
    """A registrar writes a stranger's address beside a name, opens the account by a slip, and waits for the stranger's
    school to propose."""
    database = sqlite_database
    roster(database, cast, "工号,姓名,邮箱,身份\nF1,冒名,real@x.example,教师\n")
    registrar = actor(database, cast.who("A", "registrar"))
    (code,) = codes(database, registrar, cast, issue(database, registrar, cast, "F1", "activate"))
    fake = use(database, "F1", code)
    roster(database, cast, "工号,姓名,邮箱,身份\nR1,冒名,real@x.example,教师\n", "B")
    with database.read() as session:
        proposal = session.scalars(sa.select(Proposal.id)).one()
        who = load_actor(session, session.get_one(Person, fake), NOW)
    with pytest.raises(Refused, match="address_unproven"), database.write() as session:
        belonging.decide(session, who, proposal, accept=True)
    links: list[str] = []
    with database.write() as session:
        keys.ask_reset(session, "real@x.example", NOW, lambda _s, _k, _p, secret: links.append(secret))
    keys.use_link(database, links[0], NEW, NOW + timedelta(seconds=1))
    with database.write() as session:
        belonging.decide(session, who, proposal, accept=True)


# --- looking as somebody ----------------------------------------------------------------------------------------


@pytest.fixture
def looking(sqlite_client: FlaskClient, cast: Cast) -> Iterator[tuple[FlaskClient, str]]:
    """A platform admin who looks as school B's student, and the secret of the admin's session."""
    secret = browser_session(sqlite_client, cast.who("A", "platform_admin"))
    assert post_form(sqlite_client, f"/people/{cast.who('B', 'student').id}/view-as").status_code == 302
    yield sqlite_client, secret


def test_who_looks_as_somebody_signs_out_only_themselves(
    looking: tuple[FlaskClient, str], sqlite_database: Database, cast: Cast
) -> None:
    client, secret = looking
    with sqlite_database.write() as session:
        theirs = open_session(session, cast.who("B", "student").id, NOW)
    assert post_form(client, "/sign-out", {"everywhere": "1"}).status_code == 302
    with sqlite_database.read() as session:
        assert actor_of_session(session, theirs, NOW) is not None
        assert actor_of_session(session, secret, NOW) is None
        closed = sa.select(AuditEvent.subject_id).where(AuditEvent.action == "session.close")
        assert session.scalars(closed).all() == [cast.who("A", "platform_admin").id]


def test_who_looks_as_somebody_changes_no_language_of_theirs(
    looking: tuple[FlaskClient, str], sqlite_database: Database, cast: Cast
) -> None:
    post_form(looking[0], "/language", {"lang": "en"})
    with sqlite_database.read() as session:
        assert session.get_one(Person, cast.who("B", "student").id).locale == "zh"


def test_who_looks_as_a_registrar_sees_no_slips_and_takes_no_files_away(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast
) -> None:
    batch = issue(sqlite_database, actor(sqlite_database, cast.who("A", "registrar")), cast, "A001")
    client = sqlite_client
    browser_session(client, cast.who("A", "registrar"))
    assert client.get(f"/people/keys/{batch}").status_code == 200
    browser_session(client, cast.who("A", "platform_admin"))
    assert post_form(client, f"/people/{cast.who('A', 'registrar').id}/view-as").status_code == 302
    assert client.get("/people/keys").status_code == 200
    for path in (
        f"/people/keys/{batch}", f"/people/keys/{batch}.xlsx", "/account/data.json", "/imports/1/failed.xlsx",
        "/papers/1/file", "/files/1", "/api/v1/files/1/content",
    ):  # fmt: skip
        assert client.get(path).status_code == 409, path


def test_what_is_denied_while_looking_is_the_admins(
    looking: tuple[FlaskClient, str], sqlite_database: Database, cast: Cast
) -> None:
    assert looking[0].get("/audit").status_code == 403
    with sqlite_database.read() as session:
        (event,) = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "denied:audit.read"))
        assert event.actor_id == cast.who("A", "platform_admin").id
        assert event.detail == {"viewing_as": cast.who("B", "student").id}


# --- what is kept of people -------------------------------------------------------------------------------------


def test_my_data_holds_nothing_about_those_i_worked_on(sqlite_database: Database, cast: Cast) -> None:
    database, registrar = sqlite_database, actor(sqlite_database, cast.who("A", "registrar"))
    issue(database, registrar, cast, cast.who("A", "student").number)
    kinds = Kinds(FEATURES)
    with database.write() as session:
        data = "学号,姓名\nS77,某学生\n".encode()
        imports.hand_in(session, kinds, registrar, "people", cast.schools["A"], "a.csv", data)
    make_worker(database).drain()
    with database.read() as session:
        found = own_data.export(session, registrar)
    assert "某学生" not in repr(found)
    (key,) = found["access_key"]
    assert set(key) == {"id", "issued_by", "created_at", "expires_at", "used_at", "revoked_at"}


def test_a_closed_account_takes_its_own_files_along(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, tmp_path: Path
) -> None:
    student = actor(sqlite_database, cast.who("B", "student"))
    files = make_files(Config(mode="test", files=tmp_path))
    new = storage.NewFile("说明.txt")
    content = storage.receive(files, new, [b"only mine"])
    with sqlite_database.write() as session:
        storage.store(session, files, student, new, content)
    with sqlite_database.write() as session:
        own_data.close(session, student, PASSWORD)
    with sqlite_database.read() as session:
        assert session.scalars(sa.select(StoredFile.state)).all() == ["deleted"]


def test_what_was_imported_or_dropped_keeps_no_rows(sqlite_database: Database, cast: Cast) -> None:
    database, registrar, kinds = sqlite_database, actor(sqlite_database, cast.who("A", "registrar")), Kinds(FEATURES)
    worker = make_worker(database)
    made = []
    for text in ("学号,姓名\nS1,甲\n", "学号,姓名\nS2,乙\n"):
        with database.write() as session:
            batch = imports.hand_in(session, kinds, registrar, "people", cast.schools["A"], "a.csv", text.encode())
            made.append(batch.id)
        worker.drain()
    with database.write() as session:
        imports.apply(session, kinds, registrar, made[0])
        imports.drop(session, kinds, registrar, made[1])
    worker.drain()
    with database.read() as session:
        assert [batch.state for batch in session.scalars(sa.select(ImportBatch))] == ["applied", "dropped"]
        assert not any("head" in batch.report or batch.content for batch in session.scalars(sa.select(ImportBatch)))


# --- at the same moment -----------------------------------------------------------------------------------------


def together(*acts: Callable[[], object]) -> list[str]:
    """What each ended with ("ok" or the code of its refusal) when all began at once."""
    start = Barrier(len(acts))

    def one(act: Callable[[], object]) -> str:
        start.wait()
        try:
            act()
        except ZutuanError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(one, acts))


def test_a_code_opens_once_however_many_use_it_at_once(database: Database, cast: Cast) -> None:
    registrar, student = actor(database, cast.who("A", "registrar")), cast.who("A", "student")
    (code,) = codes(database, registrar, cast, issue(database, registrar, cast, student.number))
    ends = together(*[lambda: use(database, student.number, code)] * 3)
    assert ends.count("ok") == 1 and set(ends) <= {"ok", "link_failed", "key_failed"}
    with database.read() as session:
        used = sa.select(sa.func.count()).select_from(AccessKey).where(AccessKey.used_at.is_not(None))
        assert session.scalar(used) == 1


def test_a_proposal_is_accepted_once(database: Database, cast: Cast) -> None:
    teacher = cast.who("A", "teacher")
    roster(database, cast, f"工号,姓名,邮箱,身份\nX9,A teacher,{teacher.email},教师\n", "B")
    with database.read() as session:
        proposal = session.scalars(sa.select(Proposal.id)).one()
    who = actor(database, teacher)

    def take() -> None:
        with database.write() as session:
            belonging.decide(session, who, proposal, accept=True)

    assert together(take, take, take) == ["ok", "proposal_decided", "proposal_decided"]


def test_two_registrars_apply_one_import_once(database: Database, cast: Cast) -> None:
    kinds, both = Kinds(FEATURES), [actor(database, cast.who("A", role)) for role in ("registrar", "school_admin")]
    with database.write() as session:
        data = "学号,姓名\nS1,甲\n".encode()
        made = imports.hand_in(session, kinds, both[0], "people", cast.schools["A"], "a.csv", data).id
    worker = make_worker(database)
    worker.drain()

    def apply(who: Actor) -> None:
        with database.write() as session:
            imports.apply(session, kinds, who, made)

    assert together(lambda: apply(both[0]), lambda: apply(both[1])) == ["import_wrong_state", "ok"]
    worker.drain()
    with database.read() as session:
        events = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.action == "import.people")).all()
        assert len(events) == 1


def test_sessions_of_others_are_nobodys_to_guess(sqlite_database: Database, cast: Cast) -> None:
    """Only a hash is kept, so that what is read in the database opens nothing."""
    with sqlite_database.write() as session:
        secret = open_session(session, cast.who("A", "student").id, NOW)
        stored = session.scalars(sa.select(WebSession.secret_hash)).one()
        _token, shown = create_token(session, load_actor(session, session.get_one(Person, 1), NOW), "x", NOW)
    assert secret != stored
    with sqlite_database.read() as session:
        assert actor_of_session(session, stored, NOW) is None
        assert shown not in session.scalars(sa.select(PersonalToken.secret_hash)).all()
