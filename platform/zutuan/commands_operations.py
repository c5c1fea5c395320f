"""`zutuan backup`, `restore`, `check`: what the machine's operator does."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import click
import orjson
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from zutuan.clock import SHANGHAI, clock
from zutuan.config import load
from zutuan.db import Database
from zutuan.feature import Problem
from zutuan.operations.archive import BadBackup
from zutuan.operations.backup import CannotBackUp, backup, snapshot, verify
from zutuan.operations.restore import CannotRestore, restore
from zutuan.storage.backends import make_storage

FOLDER = click.Path(file_okay=False, path_type=Path)
EXISTING = click.Path(exists=True, file_okay=False, path_type=Path)


def _say(text: str) -> None:
    click.echo(f"[{time.strftime('%H:%M:%S')}] {text}", err=True)


@click.command("backup")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option(
    "--verify", "only_verify", is_flag=True, help="Check every byte of a backup that is there; write nothing."
)
def backup_command(folder: Path, only_verify: bool) -> None:
    """Write database and files into DIR (new or empty), while people work. Either engine; see README, "Backups"."""
    from zutuan.app import metadata

    try:
        if only_verify:
            made = verify(folder, _say)
        else:
            config = load()
            made = backup(Database(config.database).engine, metadata(), make_storage(config), folder, _say)
    except (BadBackup, CannotBackUp) as error:
        raise click.ClickException(str(error)) from error
    rows = sum(table.part.rows for table in made.tables)
    click.echo(f"ok: {len(made.tables)} tables, {rows} rows, {made.files.rows} files, revision {made.revision}")


@click.command("restore")
@click.argument("folder", type=EXISTING, metavar="DIR")
def restore_command(folder: Path) -> None:
    """Bring the backup in DIR into an empty database and storage. Everything is checked before anything is written."""
    config = load()
    database = Database(config.database)
    try:
        made = restore(database.engine, make_storage(config), folder, _say)
    except (BadBackup, CannotRestore) as error:
        raise click.ClickException(str(error)) from error
    except DBAPIError as error:
        raise click.ClickException(f"the database refused: {error.orig}") from error
    click.echo(f"restored what {made.engine} held at {made.made_at}; now checking")
    _report(broken(database))


@click.command("check")
def check_command() -> None:
    """Every broken invariant, one a line; exit code 1 when there is any. Warnings break nothing."""
    _report(broken(Database(load().database)))


def broken(database: Database) -> list[Problem]:
    """What every feature's checks find, each in its own look at the database: one that fails hides no other."""
    from zutuan.app import FEATURES

    found = []
    for feature in FEATURES:
        for check in feature.checks:
            try:
                # Each sees one moment, and may stream: a reading session of PostgreSQL's has no transaction.
                with snapshot(database.engine) as connection, Session(connection) as session:
                    found += check(session)
            except Exception as error:
                found.append(
                    Problem(getattr(check, "__name__", feature.name), "check", f"cannot be made: {error!r:.300}")
                )
    return found


def _report(found: list[Problem]) -> None:
    for problem in sorted(found, key=lambda each: each.warning):
        click.echo(f"{'warning: ' if problem.warning else ''}{problem.check}: {problem.subject}: {problem.detail}")
    bad = sum(not problem.warning for problem in found)
    click.echo(f"{bad} broken" if bad else "ok")
    sys.exit(1 if bad else 0)


DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.command("access-log")
@click.option("--person", type=int, help="id of the person")
@click.option("--address", help="IP address")
@click.option("--since", type=DAY, help="Shanghai time; as far back as is kept by default")
@click.option("--until", type=DAY, help="Shanghai time, a day to its end; now by default")
def access_log_command(person: int | None, address: str | None, since: datetime | None, until: datetime | None) -> None:
    """Who asked for what: one JSON line a request, the oldest day first."""
    from zutuan.operations import access_log

    config = load()
    if not config.access_logs.is_dir():
        raise click.ClickException(f"ZUTUAN_ACCESS_LOGS: there is no folder {config.access_logs}")
    first = since.replace(tzinfo=SHANGHAI) if since else clock.now() - timedelta(days=config.access_log_days + 1)
    if until is not None and until.time() == until.min.time():
        until += timedelta(days=1)
    last = until.replace(tzinfo=SHANGHAI) if until else clock.now() + timedelta(minutes=1)
    for entry in access_log.search(config.access_logs, first, last, person, address):
        click.echo(orjson.dumps(entry))


COMMANDS = (backup_command, restore_command, check_command, access_log_command)
