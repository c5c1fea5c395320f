"""Who hears of a 调停课: the host's registrars when it is asked; the class, those who teach it and whoever stands in once it
stands or is taken back; and who asked, when it is denied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.adjustments import words
from courses.adjustments.models import Adjustment
from courses.enrolment.models import Enrolment
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.roles import holders
from zutuan.sharing.actor import Actor
from zutuan.web.texts import english


def asked(session: Session, value: Adjustment, now: datetime) -> None:
    course = value.offering.course
    people = set(holders(session, "registrar", course.school_id, now, course.department_id)) - {value.asked_by}
    _tell(session, value, (each for each in people if each), "adjustment.asked", _own(value), now)


def denied(session: Session, actor: Actor, value: Adjustment) -> None:
    people = _staff(value) | ({value.asked_by} if value.asked_by else set())
    _tell(session, value, people - {actor.person_id}, "adjustment.denied", _own(value), actor.now)


def stands(session: Session, actor: Actor, value: Adjustment, kind: str) -> None:
    """`adjustment.approved` or `adjustment.taken_back`: everybody whom the meeting concerns."""
    e = Enrolment
    students = set(session.scalars(sa.select(e.person_id).where(e.offering_id == value.offering_id, e.holds_seat())))
    own = _staff(value) | {each for each in (value.substitute_id, value.asked_by) if each}
    _tell(session, value, students - own, kind, f"/offerings/{value.offering_id}", actor.now)
    _tell(session, value, own - {actor.person_id}, kind, _own(value), actor.now)


def _staff(value: Adjustment) -> set[int]:
    return {each.person_id for each in value.offering.course.staff}


def _own(value: Adjustment) -> str:
    return f"/adjustments/{value.id}"


def _tell(session: Session, value: Adjustment, people: Iterable[int], kind: str, link: str, now: datetime) -> None:
    item = value.offering.course.item
    params = {
        **words.params(value), "title_zh": item.title_zh, "title_en": item.title_en, "code": value.offering.code,
        "asker": value.asker.name if value.asker else "", "decision": value.decision,
    }  # fmt: skip
    tell(session, people, kind, f"adjustment:{value.id}:{kind}", params, link, now)


# --- sentences --------------------------------------------------------------------------------------------------


def _values(p: Mapping[str, Any]) -> dict[str, Any]:
    title = (english() and p["title_en"]) or p["title_zh"]
    return {"title": title, "code": p["code"], "what": words.what(p)}


def _runs(actor: Actor) -> bool:
    return actor.holds(["registrar"])


KINDS = (
    NoticeKind("adjustment.asked", _l("调停课等待审批"), ("adjustment.asked",), "digest", True, concerns=_runs),
    NoticeKind(
        "adjustment.decided", _l("我的课程有调停课"),
        ("adjustment.approved", "adjustment.taken_back", "adjustment.denied"), "now", True,
        concerns=lambda actor: actor.holds(["student", "teacher"]),
    ),
)  # fmt: skip
TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "adjustment.asked": lambda p: _(
        "%(asker)s 申请调停课，「%(title)s」%(code)s 班：%(what)s。请审批。", asker=p["asker"], **_values(p)
    ),
    "adjustment.approved": lambda p: _("「%(title)s」%(code)s 班：%(what)s。", **_values(p)),
    "adjustment.taken_back": lambda p: _("「%(title)s」%(code)s 班的调停课已撤销，不再执行：%(what)s。", **_values(p)),
    "adjustment.denied": lambda p: _(
        "「%(title)s」%(code)s 班的调停课未获批准：%(what)s。理由：%(reason)s", reason=p["decision"], **_values(p)
    ),
}
