"""Who hears of a leave: those who teach the class that it is asked for, the student what was decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.rosters.models import LeaveRequest
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.sharing.actor import Actor
from zutuan.web.texts import stamp


def _params(request: LeaveRequest) -> dict[str, Any]:
    item = request.enrolment.offering.course.item
    return {
        "title": item.title_zh, "student": request.enrolment.person.name, "at": request.sheet.starts.isoformat(),
        "answer": request.answer,
    }  # fmt: skip


def asked(session: Session, request: LeaveRequest, now: datetime) -> None:
    people = {each.person_id for each in request.enrolment.offering.course.staff}
    link = f"/offerings/{request.enrolment.offering_id}/attendance"
    tell(session, people, "leave.asked", f"leave:{request.id}:asked", _params(request), link, now)


def decided(session: Session, request: LeaveRequest, now: datetime) -> None:
    kind, link = f"leave.{request.state}", f"/enrolments/{request.enrolment_id}/attendance"
    key = f"leave:{request.id}:{request.state}"
    tell(session, {request.enrolment.person_id}, kind, key, _params(request), link, now)


def _words(p: Mapping[str, Any]) -> dict[str, Any]:
    return {**p, "at": stamp(datetime.fromisoformat(p["at"]))}


def _asked(p: Mapping[str, Any]) -> str:
    return _("%(student)s 申请「%(title)s」%(at)s 的课请假。", **_words(p))


def _accepted(p: Mapping[str, Any]) -> str:
    return _("「%(title)s」%(at)s 的课已准假。", **_words(p))


def _refused(p: Mapping[str, Any]) -> str:
    words = _words(p)
    if p["answer"]:
        return _("「%(title)s」%(at)s 的课没有准假：%(answer)s", **words)
    return _("「%(title)s」%(at)s 的课没有准假。", **words)


TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "leave.asked": _asked, "leave.accepted": _accepted, "leave.refused": _refused,
}  # fmt: skip


def _teaches(actor: Actor) -> bool:
    return actor.holds(["teacher"])


def _studies(actor: Actor) -> bool:
    return any(each.kind == "student" for each in actor.affiliations)


KINDS = (
    NoticeKind("leave.asked", _l("学生请假"), ("leave.asked",), "digest", True, concerns=_teaches),
    NoticeKind(
        "leave.decided", _l("请假的结果"), ("leave.accepted", "leave.refused"), "digest", True, concerns=_studies
    ),
)
