"""`zutuan draw …`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from courses.lottery import recompute
from courses.lottery.models import DrawStatement
from zutuan.config import load
from zutuan.db import Database


@click.group()
def draw() -> None:
    """Draws of seats (抽签)."""


@draw.command()
@click.argument("statement")
def verify(statement: str) -> None:
    """Draw again from a published STATEMENT: a JSON file, or the id of a draw in this database. Fails when the result
    differs."""
    found = recompute.differences(_read(statement))
    for each in found:
        click.echo(f"differs: {each}")
    if found:
        raise SystemExit(1)
    click.echo("equal")


def _read(statement: str) -> Any:
    if not statement.isdecimal():
        try:
            return json.loads(Path(statement).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise click.ClickException(f"no statement can be read from {statement}: {error}") from error
    database = Database(load().database)
    with database.read() as session:
        content = session.scalar(sa.select(DrawStatement.content).where(DrawStatement.draw_id == int(statement)))
    if content is None:
        raise click.ClickException(f"draw {statement} has no statement")
    return content
