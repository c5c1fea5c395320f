"""The demonstration in the test's own process, on the movable clock: for stories that take days."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from browser.demo_server import Account, Served, free_port, printed_accounts
from browser.visitor import Visitor
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import expect
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from courses.catalogue import services as catalogue
from courses.catalogue.models import Course, Offering
from courses.catalogue.schemas import CourseIn, OfferingIn
from courses.enrolment import services as enrolment
from courses.lottery.models import Draw
from courses.plans.models import TermPlan
from zutuan.app import create_app, make_worker
from zutuan.calendar.models import Term
from zutuan.calendar.rules import Pattern
from zutuan.calendar.services import term_on
from zutuan.clock import Clock
from zutuan.clock import clock as the_clock
from zutuan.clusters.models import School
from zutuan.config import Config
from zutuan.db import Database
from zutuan.jobs import Worker
from zutuan.people.models import Affiliation, Person
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.people.services import NewPerson, create_person, load_actor
from zutuan.people.signing_in import open_session
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit, clusters_of


@dataclass
class Stage(Served):
    """What is on it: the clock stands until it is moved, the worker works when it is called."""

    app: Flask
    database: Database
    worker: Worker
    clock: Clock

    def works(self) -> None:
        """The worker's round, with everything that it leads to."""
        self.worker.tick()
        while self.worker.drain():
            pass

    def later(self, **by: float) -> None:
        """So much later, and the worker has seen it."""
        self.clock.advance(timedelta(**by))
        self.works()

    def cookie(self, who: Account) -> str:
        """What signing in would leave in the browser. (Other tests walk through its form.)"""
        with self.database.write() as session:
            secret = open_session(session, self._person(session, who).id, self.clock.now())
        serializer = SecureCookieSessionInterface().get_signing_serializer(self.app)
        assert serializer is not None
        return str(serializer.dumps({"sid": secret}))

    def _person(self, session: Session, who: Account) -> Person:
        here = sa.select(Affiliation.person_id).join(School, School.id == Affiliation.school_id)
        person_id = session.scalars(here.where(School.name == who.school, Affiliation.number == who.number)).one()
        return session.get_one(Person, person_id)

    # --- seeding what the story does not tell -------------------------------------------------------------------

    def school(self, session: Session, name: str) -> int:
        return session.scalars(sa.select(School.id).where(School.name == name)).one()

    def term(self) -> Term:
        """The term of teaching, the same at every school of the demonstration."""
        with self.database.read() as session:
            found = term_on(session, self.school(session, "北京师范大学"), self.clock.today())
            assert found is not None
            return found

    def students(self, school: str, names: Sequence[str], class_name: str = "") -> list[Account]:
        """Newcomers, about whom nobody else's story says anything."""
        with self.database.write() as session:
            school_id = self.school(session, school)
            before = session.scalar(sa.select(sa.func.count()).select_from(Person)) or 0
            made = []
            for index, name in enumerate(names, start=before):
                new = NewPerson(
                    name=name, school_id=school_id, number=f"X{index:07d}", kind="student", grade="2025",
                    major="小学教育", class_name=class_name, privacy_version=PRIVACY_VERSION, demonstration=True,
                )  # fmt: skip
                create_person(session, None, new, self.clock.now() - timedelta(days=90))
                made.append(Account("student", school, new.number, "", ""))
        return made

    def acting(self, session: Session, who: Account) -> Actor:
        return load_actor(session, self._person(session, who), self.clock.now())

    def taught(self, title: str, *seats: int, meets: tuple[Pattern, ...], seats_by: str = "first_come") -> list[int]:
        """A published course of 北京师范大学's printed teacher, shown to the cluster, a class for each of the seats."""
        with self.database.write() as session:
            who = self.acting(session, self.who("teacher", "北京师范大学"))
            said = {
                "code": f"T{secrets.token_hex(4).upper()}", "title_zh": title, "credits": 2, "hours": 32,
                "category": "teacher_education", "delivery": "live_online",
                "audience": [scopes.cluster(next(iter(clusters_of(session, who.affiliations[0].school_id, who.now))))],
            }  # fmt: skip
            course = catalogue.create_course(session, who, CourseIn().load(said))
            made = []
            for number, (places, pattern) in enumerate(zip(seats, meets, strict=True), start=1):
                made.append(self._class(session, who, course, f"{number:02d}", places, pattern, seats_by))
            catalogue.publish_course(session, who, course, None)
            for offering in made:
                catalogue.move_offering(session, who, offering, "publish")
            return [offering.id for offering in made]

    def _class(
        self, session: Session, who: Actor, course: Course, code: str, seats: int, pattern: Pattern, seats_by: str
    ) -> Offering:  # fmt: skip
        window = {"enrol_from": who.now - timedelta(days=2), "enrol_until": who.now + timedelta(days=20)}
        said = {
            "code": code, "seats": seats, "seats_by": seats_by, "meetings": [asdict(pattern)],
            **{name: at.isoformat() for name, at in window.items()},
        }  # fmt: skip
        return catalogue.create_offering(session, who, course, OfferingIn().load(said))

    def enrolled(self, students: Sequence[Account], offering_id: int, *, waitlist: bool = False) -> None:
        """They ask for seats, in this order."""
        with self.database.write() as session:
            for student in students:
                enrolment.enrol(session, self.acting(session, student), offering_id, waitlist=waitlist)

    def without_plans(self) -> None:
        """The demonstration's term plans are put away: the story tells of its own."""
        with self.database.write() as session:
            session.execute(sa.update(Offering).values(follows_plan=False))
            session.execute(sa.delete(TermPlan))
            audit(session, None, "test.story", Subject("plan"), now=self.clock.now())

    def without_draws(self) -> None:
        """Nor its draws: of a term a cluster has one."""
        with self.database.write() as session:
            session.execute(sa.update(Draw).where(Draw.state == "published").values(state="cancelled"))
            audit(session, None, "test.story", Subject("draw"), now=self.clock.now())


def enters(on: Stage, open_one: Callable[..., Visitor], who: Account, *width: int) -> Visitor:
    """Somebody at their own device, signed in."""
    window = open_one(*width)
    window.page.context.add_cookies([{"name": "zutuan", "value": on.cookie(who), "url": on.url}])
    window.first_page()
    expect(window.heading("工作台")).to_be_visible()
    return window


@contextmanager
def set_up(prepared: Path, folder: Path) -> Iterator[Stage]:
    """A copy of the demonstration, served until the end of the `with`, at this very moment and no later."""
    shutil.copytree(prepared / "var", folder / "var")
    port = free_port()
    config = Config(
        mode="demo", database=f"sqlite:///{folder / 'var/zutuan.db'}", files=folder / "var/files", mail_dir=folder / "mail",
        secret="a stage needs a secret that is long enough 0123", url=f"http://127.0.0.1:{port}",
        access_logs=folder / "access", log_level="WARNING", requests_per_minute=0,
    )  # fmt: skip
    the_clock.set(the_clock.now().replace(microsecond=0))
    app = create_app(config)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    database = Database(config.database)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with app.app_context():
            worker = make_worker(database, config)
            yield Stage(config.url, folder, printed_accounts(folder), app, database, worker, the_clock)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["zutuan"].database.dispose()
        database.dispose()
        the_clock.release()
