"""Rosters and attendance, as the kernel registers them."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.enrolment import queries as enrolments
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow as enrolment_allow
from courses.rosters import changes, kinds, notices, policies, queries
from courses.rosters import crossing as crossing
from courses.rosters import errors as errors
from courses.rosters.api import class_api, leave_api, mine_api
from courses.rosters.demo import load
from courses.rosters.pages import blueprint
from courses.rosters.permissions import allow
from zutuan.exports.views import ways as export_ways
from zutuan.feature import Feature, NavEntry, Todo, Way
from zutuan.sharing.actor import Actor
from zutuan.web.texts import title


def _of_roster(session: Session, actor: Actor, offering: Offering) -> list[Way]:
    school, endpoint = offering.course.school_id, "rosters.export_roster"
    links = export_ways(session, kinds.ROSTER, [school], endpoint, offering_id=offering.id)
    if allow.may(actor, "attendance.read", queries.subject(offering)):
        links.append(Way(_("考勤"), url_for("rosters.overview", offering_id=offering.id)))
        links.append(Way(_("海报"), url_for("rosters.poster", offering_id=offering.id), download=True))
    return links


def _of_enrolment(_session: Session, actor: Actor, enrolment: Enrolment) -> list[Way]:
    if enrolments.combined(enrolment) not in ("enrolled", "completed"):
        return []
    if not allow.may(actor, "attendance.read_one", enrolments.subject(enrolment)):
        return []
    return [Way(_("考勤与请假"), url_for("rosters.record", enrolment_id=enrolment.id))]


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Requests for leave that wait for the teacher."""
    asked = queries.waiting_for(session, actor) if actor.holds(["teacher"]) else []
    return [
        Todo(
            count, _("学生请假"), title(offering.course.item), url_for("rosters.overview", offering_id=offering.id),
            _("去办理"),
        )
        for offering, count in asked
    ]  # fmt: skip


def _lists(side: str, actor: Actor) -> bool:
    return bool(enrolment_allow.schools(actor, f"enrolment.list_{side}"))


FEATURE = Feature(
    name="rosters",
    ways={"enrolment.roster": _of_roster, "enrolment.page": _of_enrolment},
    pages=(blueprint,),
    api=(class_api, mine_api, leave_api),
    permissions=allow,
    nav=(
        NavEntry(
            "rosters.outgoing", _l("外出修读"), "people", "outgoing", shown=lambda actor: _lists("home", actor), more_only=True, order=22
        ),
        NavEntry(
            "rosters.incoming", _l("来校修读"), "people-fill", "incoming", shown=lambda actor: _lists("host", actor), more_only=True,
            order=23,
        ),
    ),
    todos=todos,
    exports=kinds.ALL,
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    policies=policies.ALL,
    demo=load,
    demo_order=70,
    people=changes.PEOPLE,
)  # fmt: skip
