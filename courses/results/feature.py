"""Results at home, as the kernel registers them."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.adjustments.queries import stand_ins
from courses.catalogue import hooks as catalogue_hooks
from courses.catalogue.models import Offering
from courses.enrolment.models import Enrolment
from courses.grades import hooks
from courses.results import changes, checks, kinds, notices, policies, queries, services, views, workload
from courses.results import errors as errors
from courses.results.api import mine_api, results_api, workload_api
from courses.results.demo import load
from courses.results.pages import blueprint
from courses.results.permissions import allow
from courses.results.workload import TermOf
from zutuan.feature import Card, Feature, NavEntry, Todo
from zutuan.sharing.actor import Actor

catalogue_hooks.once(hooks.confirmed, services.received)


def _recognises(actor: Actor) -> bool:
    return bool(allow.schools(actor, "result.recognise"))


def _only_reads(actor: Actor) -> bool:
    return not _recognises(actor) and bool(allow.schools(actor, "result.list_home"))


def _studies(actor: Actor) -> bool:
    return actor.holds(["student"])


def todos(session: Session, actor: Actor) -> list[Todo]:
    """What waits for a home registrar."""
    count, since = queries.UNSAID.of(session, actor)
    if not count:
        return []
    note = _("开课学校已确认成绩，认定后记入本校成绩")
    return [Todo(count, _("外校成绩等待认定"), note, url_for("results.results"), _("去认定"), since=since)]


# --- on other features' pages -----------------------------------------------------------------------------------


def _on_enrolment(session: Session, _actor: Actor, enrolment: Enrolment) -> list[Card]:
    """Both grades, beside each other."""
    found = queries.of_enrolment(session, enrolment.id)
    return [Card("results/_enrolment.html", {"result": found, "own": views.shown(found)})] if found else []


def _on_roster(session: Session, actor: Actor, offering: Offering) -> list[Card]:
    """One click for the teacher, or for the registrar in the stead of each who has taught."""
    school, term = offering.course.school_id, offering.term
    taught = [each.person for each in offering.course.staff] + stand_ins(session, offering.id, actor.now)
    people = [each for each in taught if workload.may_issue(session, actor, each.id, school)]
    context: dict[str, Any] = {
        "people": people,
        "term": TermOf(school, term.academic_year, term.number),
        "viewer_id": actor.person_id,
    }
    return [Card("results/_workload.html", context)] if people else []


def _on_my_courses(_session: Session, actor: Actor, _subject: Any) -> list[Card]:
    return [Card("results/_my_workload.html", {})] if actor.holds(["teacher"]) else []


FEATURE = Feature(
    name="results",
    pages=(blueprint,),
    api=(results_api, mine_api, workload_api),
    permissions=allow,
    nav=(
        NavEntry("results.results", _l("成绩认定"), "check2-square", "outgoing", shown=_recognises, waits=queries.UNSAID, order=6),
        NavEntry("results.results", _l("外校成绩"), "check2-square", "outgoing", shown=_only_reads, order=26, more_only=True),
        NavEntry("results.transcript", _l("我的成绩"), "list-check", shown=_studies, order=16, more_only=True),
    ),
    todos=todos,
    exports=(kinds.RESULTS,),
    parts={
        "enrolment.side": _on_enrolment, "enrolment.roster": _on_roster, "catalogue.mine": _on_my_courses,
    },
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    policies=policies.ALL,
    demo=load,
    demo_order=80,
    checks=(checks.results_are_whole,),
    people=changes.PEOPLE,
    succession=changes.SUCCESSION,
)  # fmt: skip
