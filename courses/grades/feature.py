"""Grades, as the kernel registers them."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue import hooks as catalogue
from courses.catalogue.models import Offering
from courses.enrolment import hooks as enrolment
from courses.enrolment.models import Enrolment
from courses.grades import changes, checks, kinds, lists, notices, policies, queries, views
from courses.grades import errors as errors
from courses.grades import sheet_pages as sheet_pages
from courses.grades.api import class_api, corrections_api, own_api, sheets_api
from courses.grades.demo import load
from courses.grades.pages import blueprint
from courses.grades.permissions import allow
from zutuan.feature import Card, Feature, NavEntry, Todo, Way
from zutuan.imports.intake import MAX_BODY
from zutuan.sharing.actor import Actor
from zutuan.web.texts import title


def _on_enrolment(session: Session, _actor: Actor, shown: Enrolment) -> list[Card]:
    """What the student got, on the enrolment's page."""
    attempts = queries.of_enrolments(session, [shown.id]).get(shown.id)
    return (
        [Card("grades/_enrolment.html", {"attempts": attempts, "stands": views.counted(attempts)})] if attempts else []
    )


def _lines(session: Session, actor: Actor, shown: Sequence[Enrolment]) -> dict[int, enrolment.Line]:
    """And in the list of my enrolments."""
    attempts = queries.of_enrolments(session, [each.id for each in shown])
    found = {}
    for id_, tries in attempts.items():
        stands = views.counted(tries)
        if stands is not None:
            tone = "warn" if stands.passed is None else "good" if stands.passed else "bad"
            found[id_] = enrolment.Line(tone, _("成绩 %(grade)s", grade=views.grade(str(stands))))
    return found


def _ways(_session: Session, actor: Actor, offering: Offering) -> list[Way]:
    """From the class and its roster to its grades."""
    may = allow.may(actor, "grades.read", queries.subject(offering))
    return [Way(_("成绩"), url_for("grades.of_class", offering_id=offering.id))] if may else []


catalogue.once(catalogue.graded, queries.graded)
catalogue.once(enrolment.lines, _lines)


def _office(actor: Actor) -> bool:
    return bool(allow.schools(actor, "grades.list"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Sheets and corrections that wait for the registrar, and the teacher's own sheets that came back."""
    found = []
    if allow.schools(actor, "grades.confirm"):
        count, since = lists.SUBMITTED.of(session, actor)
        if count:
            note, address = _("确认后学生和他们的学校才能看到"), url_for("grades.sheets")
            found.append(Todo(count, _("待确认成绩"), note, address, _("去确认"), since=since, accent=True))
        count, since = lists.ASKED.of(session, actor)
        if count:
            address = url_for("grades.sheets") + "#corrections"
            found.append(
                Todo(count, _("成绩更正待审核"), _("任课教师申请更正已公布的成绩"), address, _("去审核"), since=since)
            )
    return [*found, *(_own(session, actor) if actor.holds(["teacher"]) else [])]


def _own(session: Session, actor: Actor) -> list[Todo]:
    """What waits for the teacher: sheets that came back, and classes that are over and not graded."""
    waits = lists.ungraded(session, actor)
    found = _returned(session, actor)
    if waits:
        only = url_for("grades.of_class", offering_id=waits[0].id) if len(waits) == 1 else url_for("catalogue.mine")
        names = _("、").join(title(each.course.item) for each in waits[:3])
        found.append(Todo(len(waits), _("成绩待提交"), names, only, _("去录入"), accent=True))
    return found


def _returned(session: Session, actor: Actor) -> list[Todo]:
    return [
        Todo(
            1, _("成绩单被退回"), title(each.offering.course.item), url_for("grades.sheet", sheet_id=each.id),
            _("去修改"), since=each.updated_at, accent=True,
        )
        for each in lists.returned(session, actor)
    ]  # fmt: skip


FEATURE = Feature(
    name="grades",
    pages=(blueprint,),
    api=(class_api, sheets_api, corrections_api, own_api),
    permissions=allow,
    nav=(
        NavEntry(
            "grades.sheets",
            _l("成绩确认"),
            "clipboard-check",
            "incoming",
            shown=_office,
            waits=lists.SUBMITTED,
            order=28,
            more_only=True,
        ),
    ),
    todos=todos,
    waits=(lists.ASKED,),
    exports=kinds.ALL,
    parts={"enrolment.page": _on_enrolment},
    ways={"offering": _ways},
    handlers={notices.TOPIC: notices.tell_all},
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    policies=policies.ALL,
    bodies={"grades.upload": MAX_BODY},
    demo=load,
    demo_order=70,
    checks=checks.ALL,
    people=changes.PEOPLE,
)
