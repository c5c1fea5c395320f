"""Admission, as the kernel registers it."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.admission import errors as errors
from courses.admission import policies, queries
from courses.admission.api import admissions_api
from courses.admission.pages import blueprint
from courses.admission.permissions import allow
from zutuan.clusters.hooks import SuccessionHook
from zutuan.feature import Feature, NavEntry, Todo
from zutuan.sharing.actor import Actor
from zutuan.web.texts import stamp


def _reads(actor: Actor) -> bool:
    return bool(allow.schools(actor, "admission.read"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Courses of which the school has not said yet whether its students may choose them."""
    found = []
    for school_id in sorted(allow.schools(actor, "admission.decide")):
        for term, dates, count in queries.under_review(session, school_id, actor.now):
            late = dates.closes <= actor.now
            by = stamp(dates.closes)
            note = _("本校审核已于 %(by)s 截止，请尽快补办", by=by) if late else _("本校审核 %(by)s 截止", by=by)
            if count:
                name = f"{term.academic_year}-{term.number}"
                address = url_for("admission.admissions", school=school_id, term=name, admitted="open")
                found.append(Todo(count, _("外校课程待决定"), note, address, _("去审核"), accent=late))
    return found


FEATURE = Feature(
    name="admission",
    pages=(blueprint,),
    api=(admissions_api,),
    permissions=allow,
    nav=(
        NavEntry(
            "admission.admissions", _l("可选课程"), "list-check", "outgoing", shown=_reads, order=27, more_only=True
        ),
    ),
    todos=todos,
    policies=(policies.ADMISSION,),
    # what a school has decided for a term stays its decision
    succession=SuccessionHook(stays={"course_admission.school_id"}),
)
