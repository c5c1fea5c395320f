"""The catalogue, as the kernel registers it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue import errors as errors
from courses.catalogue import queries
from courses.catalogue.api import courses_api, offerings_api
from courses.catalogue.demo import load
from courses.catalogue.pages import blueprint
from courses.catalogue.permissions import allow
from zutuan.feature import Card, Feature, Kind, NavEntry
from zutuan.sharing.actor import Actor

NEW = 6


def _publishes(actor: Actor) -> bool:
    return bool(allow.schools(actor, "course.create"))


def cards(session: Session, actor: Actor) -> list[Card]:
    """What is new in my clusters."""
    courses = queries.newest(session, actor, NEW)
    return [Card("catalogue/_new.html", {"courses": courses}, order=80)]


FEATURE = Feature(
    name="catalogue",
    pages=(blueprint,),
    api=(courses_api, offerings_api),
    permissions=allow,
    nav=(
        NavEntry("catalogue.catalogue", _l("课程"), "journal-bookmark", order=10),
        NavEntry("catalogue.mine", _l("我的开课"), "mortarboard", shown=_publishes, order=20),
    ),
    cards=cards,
    kinds=(Kind("course", _l("课程"), "journal-bookmark", "catalogue.course", "course_id"),),
    demo=load,
    demo_order=40,
)
