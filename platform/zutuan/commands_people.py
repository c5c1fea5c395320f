"""`zutuan create-admin`, `grant` and `token`: what only the machine's operator may do to accounts."""

from __future__ import annotations

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clock import clock
from zutuan.clusters.models import Cluster
from zutuan.config import load
from zutuan.db import Database
from zutuan.errors import ZutuanError
from zutuan.people import passwords, policies, roles, services, signing_in
from zutuan.people.models import Person


@click.command("create-admin")
@click.option("--name", required=True)
@click.option("--email", required=True)
@click.option("--school", required=True, help="name, code or id")
@click.option("--number", required=True, help="学工号")
@click.password_option()
def create_admin_command(name: str, email: str, school: str, number: str, password: str) -> None:
    """The first platform admin; everyone else is granted roles by somebody."""
    hashed = passwords.hash_password(password)
    with Database(load().database).write() as session:
        place = signing_in.find_school(session, school)
        if place is None:
            raise click.ClickException(f"no school {school!r}; import the schools first: zutuan import schools FILE")
        least = policies.least_at(session, [place.id], clock.now())
        if passwords.weakness(password, least):
            raise click.ClickException(f"the password is too weak: at least {least} characters, not all the same")
        new = services.NewPerson(name, place.id, number, "staff", email=email, password_hash=hashed)
        person = services.create_person(session, None, new, clock.now())
        roles.grant_role(session, None, person, "platform_admin", roles.At(), clock.now())
    click.echo("ok")


@click.command("grant")
@click.argument("email")
@click.argument("role")
@click.option("--school", help="name, code or id")
@click.option("--cluster", help="name")
def grant_command(email: str, role: str, school: str | None, cluster: str | None) -> None:
    """Grant a role at a school or cluster (the machine's operator; audited)."""
    with Database(load().database).write() as session:
        person = _person(session, email)
        place = signing_in.find_school(session, school) if school else None
        group = session.scalar(sa.select(Cluster).where(Cluster.name == cluster)) if cluster else None
        if (school and place is None) or (cluster and group is None):
            raise click.ClickException("no such school or cluster")
        at = roles.At(school_id=place.id if place else None, cluster_id=group.id if group else None)
        try:
            roles.grant_role(session, None, person, role, at, clock.now())
        except ZutuanError as error:
            raise click.ClickException(error.code) from error
    click.echo("ok")


@click.command("token")
@click.argument("email")
@click.option("--name", default="command line", show_default=True)
def token_command(email: str, name: str) -> None:
    """Make a personal token for an account and print it once."""
    with Database(load().database).write() as session:
        actor = services.load_actor(session, _person(session, email), clock.now())
        _, secret = services.create_token(session, actor, name, clock.now())
    click.echo(secret)


def _person(session: Session, email: str) -> Person:
    person = session.scalar(sa.select(Person).where(Person.email == email.strip().lower()))
    if person is None:
        raise click.ClickException(f"no account {email!r}")
    return person


COMMANDS = (create_admin_command, grant_command, token_command)
