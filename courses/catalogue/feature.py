"""The catalogue, as the kernel registers it."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue import changes, course_files, dates, hooks, queries, timing
from courses.catalogue import errors as errors
from courses.catalogue.api import courses_api, offerings_api
from courses.catalogue.demo import load
from courses.catalogue.offering_import import OFFERINGS
from courses.catalogue.pages import blueprint
from courses.catalogue.permissions import allow
from zutuan.feature import Card, Feature, Kind, NavEntry, Todo
from zutuan.sharing.actor import Actor
from zutuan.web.texts import title

NEW = 6


def _publishes(actor: Actor) -> bool:
    return bool(allow.schools(actor, "course.create"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Drafts of the teacher's own that wait to be published."""
    drafts = queries.own_drafts(session, actor) if actor.holds(["teacher"]) else []
    if not drafts:
        return []
    course = drafts[0]
    only = url_for("catalogue.course", course_id=course.id) if len(drafts) == 1 else url_for("catalogue.mine")
    names = _("、").join(title(each.item) for each in drafts[:3])
    return [Todo(len(drafts), _("课程草稿待发布"), names, only, _("去发布"), since=course.item.created_at, accent=True)]


def cards(session: Session, actor: Actor) -> list[Card]:
    """What the teacher teaches, and what is new in my clusters."""
    courses = queries.newest(session, actor, NEW)
    counts = hooks.recognised(session, actor, [each.id for each in courses])
    found = [Card("catalogue/_new.html", {"courses": courses, "counts": counts}, order=80)]
    if actor.holds(["teacher"]):
        found.append(Card("catalogue/_teaching.html", {"offerings": queries.teaching(session, actor)}, order=20))
    return found


FEATURE = Feature(
    name="catalogue",
    pages=(blueprint,),
    api=(courses_api, offerings_api),
    permissions=allow,
    nav=(
        NavEntry("catalogue.catalogue", _l("课程"), "journal-bookmark", order=10),
        NavEntry("catalogue.mine", _l("我的开课"), "mortarboard", shown=_publishes, order=20),
    ),
    todos=todos,
    cards=cards,
    kinds=(
        Kind(
            "course",
            _l("课程"),
            "journal-bookmark",
            "catalogue.course",
            "course_id",
            "catalogue.catalogue",
            "2.2.2",
            keeps_files=course_files.keeps,
        ),
    ),
    demo=load,
    demo_order=40,
    calendar=(timing.HOOK, *dates.HOOKS),
    checks=(timing.book_follows_calendar,),
    imports=(OFFERINGS,),
    people=changes.PEOPLE,
    succession=changes.SUCCESSION,
)
