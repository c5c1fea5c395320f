"""Who hears what of grades: the registrar of what is handed in, the teacher of what comes back, students of what counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.enrolment.models import Enrolment
from courses.grades.models import GradeCorrection, GradeEntry, GradeSheet
from courses.grades.rules import FIRST
from zutuan.jobs import enqueue
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.roles import holders
from zutuan.sharing.actor import Actor
from zutuan.web.texts import english

TOPIC = "grades.moved"


def moved(session: Session, sheet: GradeSheet, event: str, now: datetime) -> None:
    """After the commit, tell everybody whom a sheet that was `submitted`, `returned` or `confirmed` concerns."""
    payload = {
        "sheet": sheet.id,
        "event": event,
        "at": now.isoformat(),
        "reason": sheet.returned_because,
        "version": sheet.version,
    }
    enqueue(session, TOPIC, payload, now)


def tell_all(session: Session, payload: dict[str, Any]) -> None:
    """The outbox's handler."""
    sheet, now = session.get_one(GradeSheet, payload["sheet"]), datetime.fromisoformat(payload["at"])
    event, link = payload["event"], f"/grade-sheets/{sheet.id}"
    key = f"grades:{sheet.id}:{event}:{payload['version']}"
    params = {**_params(sheet), "reason": payload["reason"]}
    if event == "submitted":
        tell(session, _registrars(session, sheet, now), "grades.submitted", key, params, link, now)
    elif event == "returned":
        tell(session, _staff(sheet), "grades.returned", key, params, link, now)
    else:
        tell(session, _staff(sheet), "grades.confirmed", key, params, link, now)
        _publish(session, sheet, params, now)


def _params(sheet: GradeSheet) -> dict[str, Any]:
    offering = sheet.offering
    item = offering.course.item
    return {
        "title_zh": item.title_zh, "title_en": item.title_en, "code": offering.code, "resit": sheet.attempt != FIRST,
        "host": item.owner.name,
    }  # fmt: skip


def _staff(sheet: GradeSheet) -> list[int]:
    return [each.person_id for each in sheet.offering.course.staff]


def _registrars(session: Session, sheet: GradeSheet, now: datetime) -> list[int]:
    course = sheet.offering.course
    return holders(session, "registrar", course.school_id, now, course.department_id)


def _publish(session: Session, sheet: GradeSheet, params: dict[str, Any], now: datetime) -> None:
    """Each student of their own grade. Home schools hear of it from what is built on `hooks.confirmed`."""
    e = Enrolment
    query = sa.select(e.id, e.person_id).join(GradeEntry, GradeEntry.enrolment_id == e.id)
    for id_, person_id in session.execute(query.where(GradeEntry.sheet_id == sheet.id).order_by(e.id)):
        tell(session, [person_id], "grades.published", f"grades:{sheet.id}:{id_}", params, f"/enrolments/{id_}", now)


def correction(session: Session, sheet: GradeSheet, found: GradeCorrection, state: str, now: datetime) -> None:
    """The registrar of what is asked, the teacher of what was decided, the student of what has changed."""
    link, key = f"/grade-sheets/{sheet.id}", f"grades:correction:{found.id}:{state}"
    enrolment = session.get_one(Enrolment, found.entry.enrolment_id)
    params = {**_params(sheet), "student": enrolment.person.name, "reason": found.decision or found.reason}
    if state == "asked":
        tell(session, _registrars(session, sheet, now), "grades.correction_asked", key, params, link, now)
    elif state in ("approved", "denied"):
        tell(session, _asker(found), f"grades.correction_{state}", key, params, link, now)
    if state == "approved":
        own = f"/enrolments/{enrolment.id}"
        tell(session, [enrolment.person_id], "grades.corrected", f"{key}:student", params, own, now)


def _asker(found: GradeCorrection) -> Iterable[int]:
    return [found.asked_by] if found.asked_by else []


# --- what they read ---------------------------------------------------------------------------------------------


def _class(p: Mapping[str, Any]) -> str:
    title = (english() and p["title_en"]) or p["title_zh"]
    what = _("补考") if p["resit"] else ""
    return _("「%(title)s」%(code)s 班%(what)s", title=title, code=p["code"], what=what)


def _studies(actor: Actor) -> bool:
    return actor.holds(["student"])


KINDS = (
    NoticeKind(
        "grades.mine", _l("我的成绩公布或更正"), ("grades.published", "grades.corrected"), "now", True, concerns=_studies
    ),
    NoticeKind(
        "grades.to_confirm", _l("成绩等待确认，或有更正待审"), ("grades.submitted", "grades.correction_asked"), "digest",
        True, True, lambda actor: actor.holds(["registrar"]),
    ),
    NoticeKind(
        "grades.decided", _l("我提交的成绩有了结果"),
        ("grades.returned", "grades.confirmed", "grades.correction_approved", "grades.correction_denied"), "now", True,
        concerns=lambda actor: actor.holds(["teacher"]),
    ),
)  # fmt: skip
TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "grades.submitted": lambda p: _("%(of)s的成绩已提交，请确认。", of=_class(p)),
    "grades.returned": lambda p: _("%(of)s的成绩被退回：%(reason)s", of=_class(p), reason=p["reason"]),
    "grades.confirmed": lambda p: _("%(of)s的成绩已确认并公布。", of=_class(p)),
    "grades.published": lambda p: _("%(host)s%(of)s的成绩已公布。", host=p["host"], of=_class(p)),
    "grades.correction_asked": lambda p: _(
        "%(of)s申请更正 %(student)s 的成绩：%(reason)s", of=_class(p), student=p["student"], reason=p["reason"]
    ),
    "grades.correction_approved": lambda p: _("%(of)s %(student)s 的成绩已更正。", of=_class(p), student=p["student"]),
    "grades.correction_denied": lambda p: _(
        "%(of)s %(student)s 的成绩更正未通过：%(reason)s", of=_class(p), student=p["student"], reason=p["reason"]
    ),
    "grades.corrected": lambda p: _("%(host)s更正了您在%(of)s的成绩。", host=p["host"], of=_class(p)),
}  # fmt: skip
