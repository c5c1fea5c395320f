"""调停课, as the kernel registers it."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.adjustments import changes, checks, notices, policies, queries, timing
from courses.adjustments import errors as errors
from courses.adjustments.api import adjustments_api, of_offering
from courses.adjustments.demo import load
from courses.adjustments.pages import blueprint
from courses.adjustments.permissions import allow
from courses.catalogue import hooks
from courses.catalogue.models import Offering
from zutuan.feature import Card, Feature, NavEntry, Todo, Way
from zutuan.sharing.actor import Actor

hooks.once(hooks.adjusted_meetings, timing.decided)
hooks.once(hooks.standing_in, timing.standing_in)


def _on_offering(session: Session, actor: Actor, offering: Offering) -> list[Card]:
    """What has changed, for everybody who sees the class."""
    found = [each for each in queries.of_offering(session, actor, offering) if each.state in ("asked", "approved")]
    return [Card("adjustments/_panel.html", {"found": found})] if found else []


def _ways(_session: Session, actor: Actor, offering: Offering) -> list[Way]:
    may = allow.may(actor, "adjustment.ask", queries.subject_of(offering))
    return [Way(_("调停课"), url_for("adjustments.of_offering", offering_id=offering.id))] if may else []


def _runs(actor: Actor) -> bool:
    return bool(allow.schools(actor, "adjustment.list"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    count, since = queries.WAITING.of(session, actor)
    if not count:
        return []
    note = _("本校教师申请的调课、停课、补课和代课")
    url = url_for("adjustments.approvals")
    return [Todo(count, _("调停课等待审批"), note, url, _("去审批"), since=since, accent=True)]


FEATURE = Feature(
    name="adjustments",
    pages=(blueprint,),
    api=(of_offering, adjustments_api),
    permissions=allow,
    nav=(
        NavEntry(
            "adjustments.approvals",
            _l("调停课审批"),
            "calendar-week",
            "incoming",
            shown=_runs,
            waits=queries.WAITING,
            more_only=True,
            order=7,
        ),
    ),
    todos=todos,
    parts={"offering.times": _on_offering},
    ways={"offering": _ways},
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    policies=(policies.CAP,),
    demo=load,
    demo_order=65,
    calendar=(timing.HOOK, timing.REMARKS),
    checks=(checks.adjustments_stand_in_the_book,),
    people=changes.PEOPLE,
)
