"""开班确认 and 停开, as the kernel registers them."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.enrolment import hooks
from courses.minimum import errors as errors
from courses.minimum import notices, policies, queries, services, timing
from courses.minimum.api import lost_api, mine_api, offering_api
from courses.minimum.demo import load
from courses.minimum.pages import blueprint
from courses.minimum.permissions import allow
from zutuan.feature import Feature, NavEntry, Todo
from zutuan.sharing.actor import Actor
from zutuan.web.texts import title as title_of

if queries.rescue_until not in hooks.rescues:
    hooks.rescues.append(queries.rescue_until)


def _reads(actor: Actor) -> bool:
    return bool(allow.schools(actor, "minimum.read"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """What the host's registrar decides, what a student may still do about a lost seat, and who of the home school's
    students is without."""
    found = _decisions(session, actor) if allow.schools(actor, "minimum.decide") else []
    found += _rescue(session, actor) if allow.schools(actor, "minimum.rescue") else []
    return [*found, *(_without(session, actor) if allow.schools(actor, "minimum.affected") else [])]


def _decisions(session: Session, actor: Actor) -> list[Todo]:
    count, since = queries.waiting(session, actor)
    if not count:
        return []
    note = _("选课已截止，人数没有达到开课人数下限，请决定是否开班")
    due = queries.due_of(session, actor, since)
    url = url_for("minimum.decisions", standing="waiting")
    return [Todo(count, _("教学班待确认开班"), note, url, _("去确认"), since=since, due=due, accent=True)]


def _rescue(session: Session, actor: Actor) -> list[Todo]:
    rows = queries.lost_by(session, actor.person_id)
    found = queries.instead(session, rows)
    left = [each for each in rows if found[each.enrolment_id] is None and queries.as_lost(each).until > actor.now]
    return [
        Todo(
            1, _("停开补选：%(title)s", title=title_of(each.offering.course.item)), _("这个教学班停开，您可以补选其他教学班"),
            url_for("minimum.rescue"), _("去补选"), due=queries.as_lost(each).until, accent=True,
        )
        for each in left
    ]  # fmt: skip


def _without(session: Session, actor: Actor) -> list[Todo]:
    _all, left, until = queries.without(session, actor)
    note = _("所选的教学班停开，补选期限内还没有选到其他教学班")
    url = url_for("minimum.affected")
    return [Todo(left, _("本校学生停开待补选"), note, url, _("去查看"), due=until)] if left else []


FEATURE = Feature(
    name="minimum",
    pages=(blueprint,),
    api=(offering_api, mine_api, lost_api),
    permissions=allow,
    nav=(
        NavEntry(
            "minimum.decisions", _l("开班确认"), "hourglass-split", "incoming", shown=_reads, order=28, more_only=True
        ),
    ),
    todos=todos,
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    periodic=(services.ask_due,),
    policies=policies.ALL,
    demo=load,
    demo_order=70,
    calendar=(timing.HOOK,),
)
