"""Enrolments as schemas dump them and pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue.models import Offering
from courses.enrolment import queries
from courses.enrolment.models import Enrolment, EnrolmentEvent
from zutuan.calendar.feeds import Entry
from zutuan.calendar.services import dates
from zutuan.clock import clock
from zutuan.decision import Refusal
from zutuan.errors import say
from zutuan.web.texts import stamp, waited

STATE = {
    "pending": (_l("等待本校审核"), "warn"),
    "waitlisted": (_l("候补"), "info"),
    "offered": (_l("名额待接受"), "warn"),
    "enrolled": (_l("已选上"), "good"),
    "completed": (_l("已修完"), "good"),
    "denied": (_l("未通过"), "bad"),
    "withdrawn": (_l("已退出"), ""),
    "expired": (_l("逾期未审"), "bad"),
}
EVENT = {
    "enrol": _l("提交"),
    "approve": _l("审核通过"),
    "deny": _l("审核未通过"),
    "host_deny": _l("未接收"),
    "drop": _l("退选"),
    "withdraw": _l("退课"),
    "expire": _l("逾期未审"),
}


def enrolment(value: Enrolment) -> dict[str, Any]:
    own = (
        "id", "home_state", "host_state", "offering_id", "home_school", "host_school", "reason", "decide_by",
        "created_at", "updated_at", "events", "version",
    )  # fmt: skip
    return {
        **{name: getattr(value, name) for name in own},
        "state": queries.combined(value),
        "course": value.offering.course,
        "student": value.person,
        "number": value.affiliation.number,
    }


def slot(entry: Entry, offering: Offering | None) -> dict[str, Any]:
    row, name = entry.row, entry.name
    return {
        "starts": row.starts, "ends": row.ends, "kind": name.kind, "week": row.week, "title_zh": name.title_zh,
        "title_en": name.title_en, "place": name.place, "offering_id": offering.id if offering else None,
        "course": offering.course if offering else None,
    }  # fmt: skip


def refusals(values: Iterable[Refusal]) -> list[dict[str, str]]:
    found = []
    for value in values:
        message, cure = say(value.code, value.params)
        found.append({"code": value.code, "message": message, "cure": cure})
    return found


# --- the two lanes ----------------------------------------------------------------------------------------------


def lanes(value: Enrolment) -> list[dict[str, Any]]:
    """Home above, host below; each step with who and when, the current one in words."""
    events = {event.event: event for event in value.events}
    return [
        {"label": _("本校"), "school": value.home_school.name, "steps": _home_steps(value, events)},
        {"label": _("开课学校"), "school": value.host_school.name, "steps": _host_steps(value, events)},
    ]


def _step(label: str, note: str, state: str) -> dict[str, str]:
    return {"label": label, "note": note, "state": state}


def _home_steps(value: Enrolment, events: dict[str, EnrolmentEvent]) -> list[dict[str, str]]:
    state = queries.combined(value)
    steps = [_step(_("提交"), stamp(value.created_at), "done")]
    decision = events.get("approve") or events.get("deny")
    if value.home_state == "pending" and value.host_state == "accepted":
        steps.append(_step(_("教务处审核"), pending_note(value), "now"))
    elif decision is not None:
        done = decision.event == "approve"
        label = _("教务处审核通过") if done else _("教务处未通过")
        steps.append(_step(label, _who_when(decision), "done" if done else "bad"))
    elif "expire" in events:
        steps.append(_step(_("逾期未审，名额已释放"), stamp(events["expire"].at), "bad"))
    else:
        steps.append(_step(_("教务处审核"), "", "todo"))
    left = events.get("drop") or events.get("withdraw")
    if left is not None:
        steps.append(_step(str(EVENT[left.event]), stamp(left.at), "bad"))
    elif state in ("pending", "enrolled"):
        steps.append(_step(_("修读"), "", _teaching(value)[1] if state == "enrolled" else "todo"))
    elif state == "completed":
        steps.append(_step(_("修读"), "", "done"))
    return steps


def _teaching(value: Enrolment) -> tuple[str, str]:
    """(when the class meets, whether that lies ahead, goes on or is over), by the days on which it is really held."""
    days = queries.days_held(value)
    if not days:  # nothing is fixed but the term
        days = [value.offering.term.first_day, dates(value.offering.term).end_day]
        note = ""
    else:
        note = _("%(first)s 至 %(last)s，共 %(n)s 次", first=days[0], last=days[-1], n=len(days))
    today = clock.today()
    return note, "todo" if today < days[0] else "now" if today <= days[-1] else "done"


def _host_steps(value: Enrolment, events: dict[str, EnrolmentEvent]) -> list[dict[str, str]]:
    free = not queries.tracks(value).holds_seat
    steps = [_step(_("占用名额"), stamp(value.created_at), "done")]
    if "host_deny" in events:
        return [*steps, _step(_("未接收"), _who_when(events["host_deny"]), "bad")]
    steps.append(_step(_("自动接收"), stamp(value.created_at), "done"))
    if free:
        return [*steps, _step(_("名额已释放"), stamp(value.updated_at), "bad")]
    note, stage = _teaching(value)
    return [*steps, _step(_("上课"), note, stage if value.home_state == "accepted" else "todo")]


def _who_when(event: EnrolmentEvent) -> str:
    return " ".join(part for part in (event.actor.name if event.actor else "", stamp(event.at)) if part)


def pending_note(value: Enrolment) -> str:
    """等待阜阳师范大学教务处审核，已 2 天，最迟 11-29 10:00."""
    by = stamp(value.decide_by) if value.decide_by else ""
    return _(
        "等待%(school)s教务处审核，%(waited)s，最迟 %(by)s",
        school=value.home_school.name,
        waited=waited(value.created_at),
        by=by,
    )


def story(value: Enrolment) -> str:
    """The state in one sentence, for lists."""
    state = queries.combined(value)
    if state == "pending":
        return pending_note(value)
    last = value.events[-1] if value.events else None
    words = str(STATE[state][0])
    if value.reason and state == "denied":
        words = _("%(state)s：%(reason)s", state=words, reason=value.reason)
    return " · ".join(part for part in (words, _when(last.at) if last else "") if part)


def _when(moment: datetime) -> str:
    return stamp(moment)
