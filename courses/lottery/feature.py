"""Draws, as the kernel registers them."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.hooks import once
from courses.enrolment import hooks
from courses.lottery import changes, checks, commands, notices, queries, sealing, services
from courses.lottery import errors as errors
from courses.lottery.api import draws_api
from courses.lottery.demo import load
from courses.lottery.pages import blueprint
from courses.lottery.permissions import allow
from zutuan.feature import Feature, NavEntry, Todo
from zutuan.sharing.actor import Actor

once(hooks.draws, services.against_enrolling)


def _studies(actor: Actor) -> bool:
    return bool(allow.schools(actor, "draw.wish"))


def _only_runs(actor: Actor) -> bool:
    return not _studies(actor) and actor.holds(["cluster_admin", "registrar", "secretary", "school_admin", "teacher"])


def todos(session: Session, actor: Actor) -> list[Todo]:
    """A draw in which a student has not wished yet; one that nobody has drawn yet."""
    found = [
        Todo(
            1, _("抽签志愿还没有填"), draw.owner.name, url_for("lottery.draw", draw_id=draw.id), _("去填报"),
            due=draw.closes, accent=True,
        )
        for draw, mine in (queries.wishing(session, actor) if _studies(actor) else [])
        if mine is None
    ]  # fmt: skip
    if actor.holds(["cluster_admin", "registrar"]):
        found += [
            Todo(
                1, _("志愿已截止，等待抽签"), draw.owner.name, url_for("lottery.draw", draw_id=draw.id), _("去抽签"),
                since=draw.closes, accent=True,
            )
            for draw in queries.to_run(session, actor)
        ]  # fmt: skip
    return found


FEATURE = Feature(
    name="lottery",
    pages=(blueprint,),
    api=(draws_api,),
    permissions=allow,
    nav=(
        NavEntry("lottery.mine", _l("抽签志愿"), "list-check", shown=_studies, order=16, more_only=True),
        NavEntry("lottery.mine", _l("抽签"), "list-check", "term", shown=_only_runs, order=31, more_only=True),
    ),
    todos=todos,
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    commands=(commands.draw,),
    periodic=(sealing.seal_due,),
    checks=(checks.wishes_stay_as_they_were_sealed,),
    demo=load,
    demo_order=65,
    people=changes.PEOPLE,
    succession=changes.SUCCESSION,
)
