"""Who hears of recognitions: registrars of what is asked, students of what was answered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.models import Course
from courses.recognition.models import Recognition, RecognitionRequest
from zutuan.clusters.models import School
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.models import Person
from zutuan.people.roles import holders
from zutuan.sharing.actor import Actor
from zutuan.web.texts import english


def _titles(session: Session, course_id: int) -> dict[str, Any]:
    item = session.get_one(Course, course_id).item
    return {"title_zh": item.title_zh, "title_en": item.title_en}


def asked(session: Session, request: RecognitionRequest, now: datetime) -> None:
    """The registrars of the student's school."""
    people = set(holders(session, "registrar", request.home_school_id, now)) - {request.person_id}
    student = session.get_one(Person, request.person_id).name
    params = {**_titles(session, request.course_id), "student": student}
    key, link = f"recognition.request:{request.id}", f"/recognition-requests/{request.id}"
    tell(session, people, "recognition.asked", key, params, link, now, school_id=request.home_school_id)


def answered(session: Session, row: Recognition, people: Collection[int], now: datetime) -> None:
    """Everyone once for each word of the school, whether they asked or hold a seat in the course."""
    if not people:
        return
    params = {
        **_titles(session, row.course_id), "home": session.get_one(School, row.home_school_id).name,
        "name": row.name, "name_en": row.name_en, "credits": f"{row.credits.normalize():f}", "category": row.category,
    }  # fmt: skip
    kind = "recognition.counts" if row.outcome == "counts" else "recognition.refused"
    tell(session, people, kind, f"recognition:{row.id}", params, f"/recognitions/{row.id}", now)


def _title(p: Mapping[str, Any]) -> str:
    return str((english() and p["title_en"]) or p["title_zh"])


def _name(p: Mapping[str, Any]) -> str:
    return str((english() and p["name_en"]) or p["name"])


def _studies(actor: Actor) -> bool:
    return actor.holds(["student"])


KINDS = (
    NoticeKind(
        "recognition.mine", _l("本校对外校课程的学分认定"), ("recognition.counts", "recognition.refused"), "digest", True,
        concerns=_studies,
    ),
    NoticeKind(
        "recognition.asked", _l("学生申请学分认定"), ("recognition.asked",), "digest", True, True,
        lambda actor: actor.holds(["registrar"]),
    ),
)  # fmt: skip
TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "recognition.asked": lambda p: _(
        "%(student)s 请本校说明「%(title)s」认定为什么课程、多少学分。", student=p["student"], title=_title(p)
    ),
    "recognition.counts": lambda p: _(
        "%(home)s已答复：「%(title)s」认定为「%(name)s」%(credits)s 学分。",
        home=p["home"], title=_title(p), name=_name(p), credits=p["credits"],
    ),
    "recognition.refused": lambda p: _("%(home)s已答复：不认定「%(title)s」的学分。", home=p["home"], title=_title(p)),
}  # fmt: skip
