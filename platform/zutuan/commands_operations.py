"""`zutuan backup`, `restore`, `check`: what the machine's operator does."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from zutuan.config import load
from zutuan.db import Database
from zutuan.feature import Problem
from zutuan.operations.archive import BadBackup
from zutuan.operations.backup import CannotBackUp, backup, verify
from zutuan.operations.restore import CannotRestore, restore
from zutuan.operations.stored_files import stored_files

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
            made = backup(Database(config.database).engine, metadata(), stored_files(config), folder, _say)
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
        made = restore(database.engine, stored_files(config), folder, _say)
    except (BadBackup, CannotRestore) as error:
        raise click.ClickException(str(error)) from error
    except DBAPIError as error:
        raise click.ClickException(f"the database refused: {error.orig}") from error
    click.echo(f"restored what {made.engine} held at {made.made_at}; now checking")
    _report(broken(database))


@click.command("check")
def check_command() -> None:
    """Every broken invariant, one a line; exit code 1 when there is any."""
    _report(broken(Database(load().database)))


def broken(database: Database) -> list[Problem]:
    """What every feature's checks find."""
    from zutuan.app import FEATURES

    with database.read() as session:
        return [problem for feature in FEATURES for check in feature.checks for problem in check(session)]


def _report(found: list[Problem]) -> None:
    for problem in found:
        click.echo(f"{problem.check}: {problem.subject}: {problem.detail}")
    click.echo("ok" if not found else f"{len(found)} broken")
    sys.exit(1 if found else 0)


COMMANDS = (backup_command, restore_command, check_command)
