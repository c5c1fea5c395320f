"""Enrolments as schemas dump them and pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue.models import Offering
from courses.enrolment import queries, rules
from courses.enrolment.choosing import Outcome
from courses.enrolment.enrolling import Enrolled
from courses.enrolment.models import Enrolment, EnrolmentEvent
from zutuan.calendar.feeds import Entry
from zutuan.calendar.services import dates
from zutuan.clock import clock
from zutuan.decision import Refusal
from zutuan.errors import say
from zutuan.exporting import Table
from zutuan.sharing.actor import Actor
from zutuan.web.requests import actor
from zutuan.web.texts import stamp, waited

STATE = {
    "pending": (_l("等待本校审核"), "warn"),
    "waitlisted": (_l("候补"), "info"),
    "offered": (_l("名额待接受"), "warn"),
    "enrolled": (_l("已选上"), "good"),
    "completed": (_l("已修完"), "good"),
    "denied": (_l("未通过"), "bad"),
    "withdrawn": (_l("已退出"), ""),
    "expired": (_l("已逾期"), "bad"),
}
EVENT = {
    "enrol": _l("提交"),
    "queue": _l("进入候补"),
    "draw": _l("抽签选上"),
    "offer": _l("候补到名额"),
    "accept": _l("已接受名额"),
    "review": _l("学院审核通过"),
    "approve": _l("审核通过"),
    "return": _l("已退回修改"),
    "resubmit": _l("已重新提交"),
    "remind": _l("已催办"),
    "deny": _l("审核未通过"),
    "host_review": _l("开课学院同意接收"),
    "host_approve": _l("开课学校接收"),
    "host_deny": _l("未接收"),
    "cancelled": _l("停开"),
    "drop": _l("已退选"),
    "withdraw": _l("已退课"),
    "release": _l("教务员代为退课"),
    "transfer": _l("转到另一教学班"),
    "expire": _l("逾期未审"),
    "host_expire": _l("逾期未接收"),
    "offer_lapsed": _l("未在期限内接受名额"),
    "queue_closed": _l("候补结束"),
    "graded": _l("成绩已公布"),
    "recognise": _l("成绩已认定"),
    "not_recognised": _l("成绩未予认定"),
    "reopen_result": _l("重新认定成绩"),
}
GRADED = EVENT["graded"]  # the host has said its last word, the home school has not yet

# whose word is awaited
STEP = {
    "department": _l("学院审核"),
    "registrar": _l("教务处审核"),
    "returned": _l("学生修改中"),
    "teacher": _l("教师挑选"),
}


def called_off(value: Enrolment) -> bool:
    """停开: it ended with its class."""
    return value.offering.state == "cancelled" and value.host_state == "denied" and value.home_state != "denied"


def chip(value: Enrolment) -> tuple[str, Any]:
    """(tone, words) of where an enrolment stands: while it waits, for whom."""
    if called_off(value):
        return "bad", EVENT["cancelled"]
    if queries.combined(value) == "pending":
        if value.returned:
            return STATE["pending"][1], _l("已退回修改")
        if value.home_state != "pending":
            choice = value.offering.seats_by == "choice"
            return STATE["pending"][1], _l("等待教师挑选") if choice else _l("等待开课学校接收")
    return STATE[queries.combined(value)][1], state_words(value)


AT_THE_HOME_SCHOOL = _l("等待学生所在学校审核")  # what is `pending` to a reader of another school


def state_words(value: Enrolment) -> Any:
    """The state as its reader calls it."""
    state = queries.combined(value)
    if state == "pending" and value.home_school_id not in actor().school_ids:
        return AT_THE_HOME_SCHOOL
    return GRADED if state == "enrolled" and value.host_state == "completed" else STATE[state][0]


Places = Mapping[int, tuple[int, int]]
_OWN = (
    "id", "home_state", "host_state", "offering_id", "reason", "decide_by", "created_at", "updated_at", "version",
    "statement", "returned", "home_step", "home_steps", "host_step", "host_steps", "waits_because", "replaces_id",
)  # fmt: skip


def enrolment(value: Enrolment, places: Places | None = None) -> dict[str, Any]:
    """`places`: enrolment → its place in the queue, and how many wait."""
    places = places or {}
    place, waiting = places.get(value.id, (None, None))
    return {
        **{name: getattr(value, name) for name in (*_OWN, "home_school", "host_school", "events")},
        "place": place,
        "waiting": waiting,
        "state": queries.combined(value),
        "called_off": called_off(value),
        "course": value.offering.course,
        "student": value.person,
        "number": value.affiliation.number,
        "recognition": value.recognition,
    }


def enrolled(made: Enrolled, actor: Actor, place: tuple[int, int] | None) -> dict[str, Any]:
    """The same of what was written a moment ago, without reading it again."""
    value, wanted, home = made.enrolment, made.offering, made.home
    titles = {"title_zh": wanted.title_zh, "title_en": wanted.title_en}
    student = {"id": actor.person_id, "name": actor.name}
    by_student = (made.events[0],)
    return {
        **{name: getattr(value, name) for name in _OWN},
        "place": place[0] if place else None,
        "waiting": place[1] if place else None,
        "state": queries.combined(value),
        "called_off": False,
        "course": {"id": wanted.course_id, "code": wanted.code, "item": titles},
        "student": student,
        "number": home.number,
        "recognition": wanted.counts_as,
        "home_school": {"id": home.school_id, "name": home.school_name},
        "host_school": {"id": wanted.school_id, "name": wanted.school_name},
        "events": [
            {"at": value.created_at, "event": event, "actor": student if event in by_student else None, "note": ""}
            for event in made.events
        ],
    }  # fmt: skip


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
        found.append({"code": value.code, "message": message, "cure": cure, "url": value.params.get("url", "")})
    return found


DONE = {
    "approve": _l("已通过。"),
    "deny": _l("未通过，名额已释放。"),
    "return": _l("已退回学生修改，名额仍为学生保留。"),
    "resubmit": _l("已重新提交。"),
    "remind": _l("已催办，审核人会收到通知。"),
    "accept": _l("已接受名额。"),
    "withdraw": _l("已退出，名额已释放。"),
    "release": _l("已代为退课，名额已释放。"),
}


def decided(event: str, n: int) -> str:
    """What a batch has done."""
    if event == "approve":
        return _("已通过 %(n)s 项。", n=n)
    if event == "return":
        return _("已退回修改 %(n)s 项，名额仍为学生保留。", n=n)
    return _("未通过 %(n)s 项，名额已释放。", n=n)


def chosen(event: str, n: int) -> str:
    """What a teacher's choice has done."""
    if event == "deny":
        return _("未接收 %(n)s 名学生，他们会看到理由。", n=n)
    return _("已接收 %(n)s 名学生，他们会收到通知。", n=n)


def refused_ones(results: Iterable[Outcome]) -> list[dict[str, str]]:
    """Why some were left as before, and who; one line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for each in results:
        if each.refused is not None:
            by_reason.setdefault(say(each.refused.code, each.refused.params)[0], []).append(each.student)
    return [
        {"message": _("%(students)s：%(why)s", students=_("、").join(students), why=why)}
        for why, students in by_reason.items()
    ]


def submitted(value: Enrolment) -> str:
    """What the student hears at once."""
    state = queries.combined(value)
    if state == "waitlisted":
        return _("已进入候补，有名额时按先后通知您。")
    if state == "enrolled":
        return _("已选上。")
    if value.pool_id is None:
        return _("已提交，由开课教师挑选。%(next)s。", next=pending_note(value))
    return _("已提交，名额已为您保留。%(next)s。", next=pending_note(value))


def waits_because(value: Enrolment) -> str:
    """Why the last free seat passed this one by."""
    return WAITS.get(value.waits_because, "") and str(WAITS[value.waits_because])


# A refusal's sentence needs what it was about; of the last seat that passed by only its kind is kept.
WAITS = {
    "time_clash": _l("上次有名额时，与您的其他课程时间冲突。"),
    "exam_clash": _l("上次有名额时，与您的其他考试时间冲突。"),
    "travel_clash": _l("上次有名额时，您来不及往返校区。"),
    "credit_cap": _l("上次有名额时，您的跨校选课学分已到上限。"),
    "not_in_standing": _l("上次有名额时，您不是在读状态。"),
    "not_shared_with_you": _l("上次有名额时，课程没有向您的学校共享。"),
    "not_admitted": _l("上次有名额时，贵校没有把课程列入可选课程。"),
    "in_other_class": _l("上次有名额时，您已在这门课程的另一个教学班。"),
}


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


_LEFT = ("drop", "withdraw", "release", "transfer")


def _left(events: dict[str, EnrolmentEvent]) -> EnrolmentEvent | None:
    return next((events[name] for name in _LEFT if name in events), None)


def _home_steps(value: Enrolment, events: dict[str, EnrolmentEvent]) -> list[dict[str, str]]:
    state = queries.combined(value)
    first = _("候补") if "queue" in events else _("抽签选上") if "draw" in events else _("提交")
    steps = [_step(first, stamp(value.created_at), "done")]
    steps += _approvals(value, events, state)
    left = _left(events)
    if left is not None:
        steps.append(_step(str(EVENT[left.event]), stamp(left.at), "bad"))
    elif state in ("pending", "enrolled", "waitlisted", "offered"):
        steps.append(_step(_("修读"), "", _teaching(value)[1] if state == "enrolled" else "todo"))
    elif state == "completed":
        steps.append(_step(_("修读"), "", "done"))
    return steps


def _approvals(value: Enrolment, events: dict[str, EnrolmentEvent], state: str) -> list[dict[str, str]]:
    """学院审核 and 教务处审定, or that nobody has to be asked."""
    asked = value.home_state == "pending" and value.host_state in ("pending", "accepted")
    steps = []
    if value.home_steps == 2:
        reviewed = value.home_step > 0 or value.home_state in ("accepted", "completed")
        note = _who_when(events["review"]) if reviewed and "review" in events else ""
        if reviewed or asked:
            steps.append(_step(_("学院审核"), note if reviewed else pending_note(value), "done" if reviewed else "now"))
        else:
            steps.append(_step(_("学院审核"), "", "todo"))
        asked = asked and reviewed
    decision = events.get("approve") or events.get("deny")
    if asked:
        label = _("已退回修改") if value.returned else _("教务处审核")
        steps.append(_step(label, pending_note(value), "now"))
    elif decision is not None:
        done = decision.event == "approve"
        label = _("教务处审核通过") if done else _("教务处未通过")
        label = _("自动通过") if done and decision.actor_id is None and value.home_steps == 0 else label
        steps.append(_step(label, _who_when(decision), "done" if done else "bad"))
    elif "expire" in events:
        steps.append(_step(_("逾期未审，名额已释放"), stamp(events["expire"].at), "bad"))
    else:
        steps.append(_step(_("教务处审核"), "", "todo"))
    return steps


def _teaching(value: Enrolment) -> tuple[str, str]:
    """(when the class meets, whether that lies ahead, goes on or is over), by the days on which it is really held."""
    days = queries.days_held(value)
    if not days:  # nothing is fixed but the term
        days = [value.offering.term.first_day, dates(value.offering.term).end_day]
        note = ""
    else:
        note = _("%(first)s 至 %(last)s，共 %(n)s 次", first=days[0], last=days[-1], n=len(days))
    if value.host_state == "completed":  # graded, whatever meets still
        return note, "done"
    today = clock.today()
    return note, "todo" if today < days[0] else "now" if today <= days[-1] else "done"


def _host_steps(value: Enrolment, events: dict[str, EnrolmentEvent]) -> list[dict[str, str]]:
    over = not queries.tracks(value).active
    steps = _waiting(value, events, over=over) if "queue" in events else []
    if value.pool_id is not None:
        seat = events.get("accept") or events.get("host_approve" if value.offering.seats_by == "choice" else "")
        taken = seat.at if seat else value.created_at
        if "queue" not in events or seat:
            steps.append(_step(_("占用名额"), stamp(taken), "done"))
    steps += _receiving(value, events)
    ended = ("host_deny", "host_expire", "offer_lapsed", "queue_closed")
    if over:
        released = value.pool_id is not None and not any(name in events for name in ended)
        return [*steps, *([_step(_("名额已释放"), stamp(value.updated_at), "bad")] if released else [])]
    note, stage = _teaching(value)
    steps.append(_step(_("上课"), note, stage if queries.combined(value) in ("enrolled", "completed") else "todo"))
    graded = events.get("graded")
    return [*steps, *([_step(str(EVENT["graded"]), stamp(graded.at), "done")] if graded else [])]


def _waiting(value: Enrolment, events: dict[str, EnrolmentEvent], *, over: bool) -> list[dict[str, str]]:
    if value.host_state == "queued" and not over:
        return [_step(_("候补中"), stamp(value.created_at), "now")]
    steps = [_step(_("候补"), stamp(value.created_at), "done")]
    if value.host_state == "offered" and not over:
        by = _("请在 %(by)s 前接受", by=stamp(value.decide_by) if value.decide_by else "")
        return [*steps, _step(_("候补到名额"), by, "now")]
    for name in ("offer_lapsed", "queue_closed"):
        if name in events:
            return [*steps, _step(str(EVENT[name]), stamp(events[name].at), "bad")]
    return steps


def _receiving(value: Enrolment, events: dict[str, EnrolmentEvent]) -> list[dict[str, str]]:
    for name, label in (("host_deny", _("未接收")), ("cancelled", _("停开")), ("host_expire", _("逾期未接收"))):
        if name in events:
            return [_step(label, _who_when(events[name]), "bad")]
    if value.host_steps == 0:
        asked = value.host_state in ("accepted", "completed")
        return [_step(_("自动接收"), stamp(value.created_at), "done")] if asked else []
    if "host_approve" in events:
        return [_step(_("已接收"), _who_when(events["host_approve"]), "done")]
    choice = value.offering.seats_by == "choice"
    label = _("等待教师挑选") if choice else _("等待开课学校接收")
    return [_step(label, "", "now" if value.host_state == "pending" else "todo")]


def _who_when(event: EnrolmentEvent) -> str:
    return " ".join(part for part in (event.actor.name if event.actor else "", stamp(event.at)) if part)


def pending_note(value: Enrolment) -> str:
    """等待阜阳师范大学教务处审核，已 2 天，最迟 11-29 10:00."""
    by = stamp(value.decide_by) if value.decide_by else ""
    if value.returned:
        return _("请修改后重新提交，名额保留至 %(by)s", by=by)
    host = value.home_state != "pending"
    school = value.host_school.name if host else value.home_school.name
    words = {"school": school, "waited": waited(value.created_at), "by": by}
    if host:
        return _("等待%(school)s接收，%(waited)s，最迟 %(by)s", **words)
    if rules.approver(value.home_steps, value.home_step) == "secretary":
        return _("等待%(school)s学院审核，%(waited)s，最迟 %(by)s", **words)
    return _("等待%(school)s教务处审核，%(waited)s，最迟 %(by)s", **words)


def story(value: Enrolment) -> str:
    """The state in one sentence, for lists."""
    state = queries.combined(value)
    if state == "pending":
        return pending_note(value)
    if state == "offered":
        return _("请在 %(by)s 前接受名额", by=stamp(value.decide_by) if value.decide_by else "")
    last = value.events[-1] if value.events else None
    words = str(EVENT[last.event] if last and (state == "expired" or called_off(value)) else state_words(value))
    if value.reason and state == "denied":
        words = _("%(state)s：%(reason)s", state=words, reason=value.reason)
    at = _published(value) if state == "enrolled" and value.host_state == "completed" else last.at if last else None
    return " · ".join(part for part in (words, _when(at) if at else "") if part)


def _published(value: Enrolment) -> datetime | None:
    """When its grade was published."""
    return next((each.at for each in reversed(value.events) if each.event == "graded"), None)


def _when(moment: datetime) -> str:
    return stamp(moment)


def roster_table(offering: Offering, rows: Iterable[Enrolment], places: Mapping[int, tuple[int, int]]) -> Table:
    """A roster as a sheet: every text stays text."""
    heads = (
        _("序号"), _("学校"), _("学工号"), _("姓名"), _("院系"), _("专业"), _("年级"), _("班级"), _("状态"), _("候补次序"),
        _("候补人数"), _("选课时间"), _("学生的说明"),
    )  # fmt: skip
    lines = [
        (
            number, each.home_school.name, each.affiliation.number, each.person.name,
            each.affiliation.department.name if each.affiliation.department else "", each.affiliation.major,
            each.affiliation.grade, each.affiliation.class_name, str(state_words(each)),
            *places.get(each.id, (None, None)), each.created_at, each.statement,
        )
        for number, each in enumerate(rows, start=1)
    ]  # fmt: skip
    return Table(f"{offering.course.code} {offering.code}", heads, lines)
