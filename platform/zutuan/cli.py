"""The command line: `zutuan …`."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.beside import Keeper, end_with
from zutuan.clock import clock
from zutuan.commands_import import import_group
from zutuan.commands_operations import COMMANDS
from zutuan.commands_schools import school_group
from zutuan.config import Config, load
from zutuan.db import Database
from zutuan.operations import metrics_folder
from zutuan.people.models import Person

VAR = Path("var")


@click.group()
def main() -> None:
    """组团 Zutuan: shared courses and cross-school electives of teacher-education clusters."""


main.add_command(import_group)
main.add_command(school_group)
for each in COMMANDS:
    main.add_command(each)


# --- serving ----------------------------------------------------------------------------------------------------


def _say(text: str) -> None:
    click.echo(f"[{time.strftime('%H:%M:%S')}] {text}")


def _refuse_busy_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"端口 {port} 已被占用，请换一个：make demo PORT={port + 1}\n"
                f"       Port {port} is busy ({error.strerror}); use PORT=, e.g. make demo PORT={port + 1}"
            ) from error


def _serve(host: str, port: int, workers: int, threads: int) -> None:
    import multiprocessing

    from granian import Granian
    from granian.constants import Interfaces

    multiprocessing.set_start_method("spawn", force=True)  # a fork would inherit counters that count for one process
    metrics_folder.for_children()
    server = Granian(
        "zutuan.wsgi:app", address=host, port=port, interface=Interfaces.WSGI, workers=workers,
        blocking_threads=threads, log_access=False, backlog=1024, websockets=False,
    )  # fmt: skip
    server.serve()


def _serve_files(host: str, port: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "zutuan.storage.server:application", factory=True, address=host, port=port, interface=Interfaces.ASGI,
        log_access=False, backlog=1024, websockets=False,
    ).serve()  # fmt: skip


@contextmanager
def _files_beside(config: Config, host: str, port: int) -> Iterator[None]:
    """The file server as a process of its own, started again should it end, while the pages are served. None is needed
    where S3 or the proxy hands files out."""
    if config.s3 is not None or config.accel:
        yield
        return
    command = [sys.executable, "-m", "zutuan.cli", "serve-files", "--host", host, "--port", str(port)]
    keeper = Keeper([*command, "--parent", str(os.getpid())])
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


@main.command("serve-files")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
@click.option("--parent", type=int, hidden=True, help="ends when this process has ended")
def serve_files(host: str, port: int, parent: int | None) -> None:
    """Serve downloads under signed addresses (`serve` and `demo` start one themselves)."""
    load()
    if parent is not None:
        end_with(parent)
    _serve_files(host, port)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="processes")
@click.option("--threads", default=4, show_default=True, help="blocking threads a process")
@click.option("--files-port", type=int, help="of the file server [default: the port after]")
def serve(host: str, port: int, workers: int, threads: int, files_port: int | None) -> None:
    """Serve over HTTP (behind a proxy that does TLS), and downloads of the directory beside it."""
    config = load()  # refuses a bad configuration before anything is started
    _refuse_busy_port(host, port)
    files_port = files_port or port + 1
    if config.s3 is None and not config.accel:
        _refuse_busy_port(host, files_port)
    with _files_beside(config, host, files_port):
        _serve(host, port, workers, threads)


@main.command()
def worker() -> None:
    """Do what follows commits: notices, expiry. Any number may run."""
    from zutuan.app import create_app, make_worker

    config = load()
    app = create_app(config)
    database = Database(config.database, config.pool_size)
    with app.app_context():
        running = make_worker(database, config)
        signal.signal(signal.SIGTERM, lambda *_: running.stop())
        signal.signal(signal.SIGINT, lambda *_: running.stop())
        running.run()


# --- the demonstration ------------------------------------------------------------------------------------------


@main.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--reset", is_flag=True, help="start anew")
@click.option("--prepare-only", is_flag=True, help="load the data and stop")
def demo(port: int, reset: bool, prepare_only: bool) -> None:
    """The demonstration on this machine only: SQLite and files under var/, the worker inside."""
    if not prepare_only:
        _refuse_busy_port("127.0.0.1", port)
    accounts_file = VAR / "demo-accounts.json"
    config = _demo_config(port)
    if reset or not accounts_file.exists():
        _load_demo(config, accounts_file)
    else:
        from zutuan.migrate import upgrade

        database = Database(config.database)
        upgrade(database.engine)
        _say("沿用已有的演示数据（make demo RESET=1 重新生成）")
        _warn_if_old(database)
        database.dispose()
    from zutuan.demo import accounts_table

    click.echo("\n演示账号（人物均为虚构） Demonstration sign-ins, also in var/demo-accounts.json\n")
    click.echo(accounts_table(json.loads(accounts_file.read_text(encoding="utf-8"))))
    if not prepare_only:
        click.echo(f"\n  →  http://127.0.0.1:{port}    （Ctrl+C 停止）\n")
        files_port = _free_port_after(port)
        os.environ["ZUTUAN_FILES_URL"] = f"http://127.0.0.1:{files_port}"
        with _files_beside(config, "127.0.0.1", files_port):
            _serve("127.0.0.1", port, workers=1, threads=4)


def _free_port_after(port: int) -> int:
    """The next one, or, where that is taken, any: nobody has to know the file server's."""
    for wanted in (port + 1, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except (OSError, OverflowError):
                continue
            found: int = probe.getsockname()[1]
            return found
    raise click.ClickException("no port is free")


def _demo_config(port: int) -> Config:
    """The demo's settings, also in the environment for the server's process."""
    VAR.mkdir(exist_ok=True)
    (VAR / "files").mkdir(exist_ok=True)
    secret = VAR / "secret"
    if not secret.exists():
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(48))
    os.environ.update(
        ZUTUAN_MODE="demo",
        ZUTUAN_DATABASE=f"sqlite:///{(VAR / 'zutuan.db').resolve()}",
        ZUTUAN_FILES=str((VAR / "files").resolve()),
        ZUTUAN_SECRET=secret.read_text(),
        ZUTUAN_ACCESS_LOGS=str((VAR / "access").resolve()),
        ZUTUAN_URL=f"http://127.0.0.1:{port}",
        ZUTUAN_WORKER_INSIDE="1",
        ZUTUAN_SMTP="",
        ZUTUAN_MAIL_DIR=str((VAR / "mail").resolve()),
        ZUTUAN_LOG_LEVEL=os.environ.get("ZUTUAN_LOG_LEVEL", "WARNING"),
    )
    return load()


def _load_demo(config: Config, accounts_file: Path) -> None:
    import courses.catalogue
    from zutuan.app import FEATURES, create_app, make_worker
    from zutuan.demo import DemoWorld
    from zutuan.demo import load as load_demo
    from zutuan.migrate import upgrade

    started = time.monotonic()
    _say("生成演示数据 Loading the demonstration …")
    accounts_file.unlink(missing_ok=True)
    for path in VAR.glob("zutuan.db*"):
        path.unlink()
    shutil.rmtree(VAR / "files")
    shutil.rmtree(VAR / "mail", ignore_errors=True)
    (VAR / "files").mkdir()
    database = Database(config.database)
    upgrade(database.engine)
    _say("数据库已建立 Database created")
    world = DemoWorld(clock.now(), _say, Path(courses.catalogue.__file__).parent / "demo_courses.toml")
    os.environ["ZUTUAN_WORKER_INSIDE"] = "0"
    with create_app().app_context():
        load_demo(database, FEATURES, world, accounts_file)
        _say("发送通知 Delivering notices …")
        make_worker(database, config).drain()
    os.environ["ZUTUAN_WORKER_INSIDE"] = "1"
    database.dispose()
    _say(f"完成，用时 {time.monotonic() - started:.0f} 秒 Done")


def _warn_if_old(database: Database) -> None:
    from zutuan.demo import OLD_DAYS, age_days

    with database.read() as session:
        days = age_days(session)
    if days > OLD_DAYS:
        _say(f"注意：演示数据是 {days} 天前生成的，日期已过时；make demo RESET=1 重新生成。")
        _say(f"Note: this demonstration is {days} days old; its dates have passed. make demo RESET=1 renews it.")


# --- the database and its people --------------------------------------------------------------------------------


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version. Refuses nothing that is already there."""
    from zutuan.migrate import upgrade

    database = Database(load().database)
    upgrade(database.engine)
    click.echo("ok")


@main.command("create-admin")
@click.option("--name", required=True)
@click.option("--email", required=True)
@click.option("--school", required=True, help="name, code or id")
@click.option("--number", required=True, help="学工号")
@click.password_option()
def create_admin(name: str, email: str, school: str, number: str, password: str) -> None:
    """The first platform admin; everyone else is granted roles by somebody."""
    from zutuan.people import passwords, services

    weak = passwords.weakness(password)
    if weak:
        raise click.ClickException("the password is too weak: at least 10 characters, not all the same")
    hashed = passwords.hash_password(password)
    with Database(load().database).write() as session:
        place = services.find_school(session, school)
        if place is None:
            raise click.ClickException(f"no school {school!r}; import the schools first: zutuan import schools FILE")
        new = services.NewPerson(name, place.id, number, "staff", email=email, password_hash=hashed)
        person = services.create_person(session, None, new, clock.now())
        services.grant_role(session, None, person, "platform_admin", services.At(), clock.now())
    click.echo("ok")


@main.command("grant")
@click.argument("email")
@click.argument("role")
@click.option("--school", help="name, code or id")
@click.option("--cluster", help="name")
def grant(email: str, role: str, school: str | None, cluster: str | None) -> None:
    """Grant a role at a school or cluster (the machine's operator; audited)."""
    from zutuan.clusters.models import Cluster
    from zutuan.errors import ZutuanError
    from zutuan.people import services

    with Database(load().database).write() as session:
        person = _person(session, email)
        place = services.find_school(session, school) if school else None
        group = session.scalar(sa.select(Cluster).where(Cluster.name == cluster)) if cluster else None
        if (school and place is None) or (cluster and group is None):
            raise click.ClickException("no such school or cluster")
        at = services.At(school_id=place.id if place else None, cluster_id=group.id if group else None)
        try:
            services.grant_role(session, None, person, role, at, clock.now())
        except ZutuanError as error:
            raise click.ClickException(error.code) from error
    click.echo("ok")


@main.command()
@click.argument("email")
@click.option("--name", default="command line", show_default=True)
def token(email: str, name: str) -> None:
    """Make a personal token for an account and print it once."""
    from zutuan.people import services

    with Database(load().database).write() as session:
        actor = services.load_actor(session, _person(session, email), clock.now())
        _, secret = services.create_token(session, actor, name, clock.now())
    click.echo(secret)


def _person(session: Session, email: str) -> Person:
    person = session.scalar(sa.select(Person).where(Person.email == email.strip().lower()))
    if person is None:
        raise click.ClickException(f"no account {email!r}")
    return person


if __name__ == "__main__":
    main()
