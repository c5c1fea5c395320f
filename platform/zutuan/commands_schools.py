"""`zutuan school …`: a school is renamed or taken over, by the machine's operator."""

from __future__ import annotations

import click
from sqlalchemy.orm import Session

from zutuan.clock import clock
from zutuan.clusters import succession
from zutuan.clusters.hooks import hooks_of
from zutuan.clusters.models import School
from zutuan.config import load
from zutuan.db import Database
from zutuan.errors import ZutuanError, say
from zutuan.people.signing_in import find_school


@click.group("school")
def school_group() -> None:
    """Schools rename and take each other over."""


def _school(session: Session, text: str) -> School:
    found = find_school(session, text)
    if found is None:
        raise click.ClickException(f"no school {text!r}")
    return found


def _refused(error: ZutuanError) -> click.ClickException:
    return click.ClickException(" ".join(say(error.code, error.params)).strip())


@school_group.command()
@click.argument("school")
@click.argument("name")
def rename(school: str, name: str) -> None:
    """Call SCHOOL (name, code or id) NAME from now on."""
    with Database(load().database).write() as session:
        try:
            succession.rename(session, None, _school(session, school).id, name, None, clock.now())
        except ZutuanError as error:
            raise _refused(error) from error
    click.echo("ok")


@school_group.command()
@click.argument("old")
@click.argument("new")
@click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing.")
def succeed(old: str, new: str, dry_run: bool) -> None:
    """NEW takes OLD over, now. Cannot be undone."""
    from zutuan.app import FEATURES

    hooks, now = hooks_of(FEATURES), clock.now()
    with Database(load().database).write() as session:
        first, second = _school(session, old), _school(session, new)
        found = succession.preview(session, None, hooks, first.id, second.id, now)
        for each in found.foreseen:
            click.echo(f"{each.label}: {each.count} {' '.join(each.which)}".rstrip())
        for refusal in found.refusals:
            raise click.ClickException(" ".join(say(refusal.code, refusal.params)).strip())
        if not dry_run:
            succession.succeed(session, None, hooks, first.id, second.id, None, now)
    click.echo("ok")
