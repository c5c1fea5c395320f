"""`zutuan demo`: the demonstration, made and served."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import time
from pathlib import Path

import click

from zutuan.clock import clock
from zutuan.commands_serve import files_beside, refuse_busy_port, run_server
from zutuan.config import Config, load
from zutuan.db import Database

VAR = Path("var")


def _say(text: str) -> None:
    click.echo(f"[{time.strftime('%H:%M:%S')}] {text}")


@click.command("demo")
@click.option("--port", default=8000, show_default=True)
@click.option("--reset", is_flag=True, help="start anew")
@click.option("--prepare-only", is_flag=True, help="load the data and stop")
def demo_command(port: int, reset: bool, prepare_only: bool) -> None:
    """The demonstration on this machine only: SQLite and files under var/, the worker inside."""
    if not prepare_only:
        refuse_busy_port("127.0.0.1", port)
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
        with files_beside(config, "127.0.0.1", files_port):
            run_server("127.0.0.1", port, workers=1, threads=4)


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
