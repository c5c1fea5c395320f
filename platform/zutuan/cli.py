"""The command line: `zutuan …`. Each group of commands is a `commands_….py`."""

from __future__ import annotations

import click

from zutuan import commands_operations, commands_people, commands_serve
from zutuan.commands_demo import demo_command
from zutuan.commands_import import import_group
from zutuan.commands_schools import school_group
from zutuan.config import load
from zutuan.db import Database


class Commands(click.Group):
    """The kernel's commands, and the features': those are loaded only when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_of_features()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _of_features().get(cmd_name)


def _of_features() -> dict[str, click.Command]:
    from zutuan.app import FEATURES

    return {each.name or "": each for feature in FEATURES for each in feature.commands}


@click.group(cls=Commands)
def main() -> None:
    """组团 Zutuan: shared courses and cross-school electives of teacher-education clusters."""


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


for each in (
    import_group,
    school_group,
    demo_command,
    *commands_serve.COMMANDS,
    *commands_people.COMMANDS,
    *commands_operations.COMMANDS,
):
    main.add_command(each)

if __name__ == "__main__":
    main()
