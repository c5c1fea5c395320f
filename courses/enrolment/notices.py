"""Who hears what at each step of an enrolment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.enrolment.models import Enrolment
from zutuan.clusters.models import School
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.models import Person
from zutuan.people.roles import holders
from zutuan.sharing.actor import Actor
from zutuan.web.texts import english, stamp


def _params(session: Session, enrolment: Enrolment) -> dict[str, Any]:
    item = enrolment.offering.course.item
    return {
        "title_zh": item.title_zh,
        "title_en": item.title_en,
        "student": session.get_one(Person, enrolment.person_id).name,
        "home": session.get_one(School, enrolment.home_school_id).name,
        "host": session.get_one(School, enrolment.host_school_id).name,
        "reason": enrolment.reason,
        "decide_by": enrolment.decide_by.isoformat() if enrolment.decide_by else "",
    }


def _registrars(session: Session, school_id: int, enrolment: Enrolment, now: datetime) -> list[int]:
    return holders(session, "registrar", school_id, now, enrolment.home_department_id)


def _staff(enrolment: Enrolment) -> list[int]:
    return [each.person_id for each in enrolment.offering.course.staff]


def submitted(session: Session, enrolment: Enrolment, now: datetime) -> None:
    params, link, key = _params(session, enrolment), _link(enrolment), f"enrolment:{enrolment.id}:enrol"
    tell(session, [enrolment.person_id], "enrolment.submitted", key, params, link, now)
    registrars = _registrars(session, enrolment.home_school_id, enrolment, now)
    tell(
        session, set(registrars) - {enrolment.person_id}, "enrolment.to_approve", key, params, "/approvals", now,
        school_id=enrolment.home_school_id,
    )  # fmt: skip


def moved(session: Session, enrolment: Enrolment, event: str, now: datetime) -> None:
    """One notice each for the student and for those at both schools whom the step concerns."""
    params, link, key = _params(session, enrolment), _link(enrolment), f"enrolment:{enrolment.id}:{event}"
    student, staff = enrolment.person_id, _staff(enrolment)
    home = _registrars(session, enrolment.home_school_id, enrolment, now)
    host = holders(session, "registrar", enrolment.host_school_id, now)
    roster = f"/offerings/{enrolment.offering_id}/roster"
    if event not in ("drop", "withdraw"):
        tell(session, [student], f"enrolment.{event}", key, params, link, now)
    if event == "approve":
        tell(
            session, {*staff, *host} - {student}, "enrolment.incoming", key, params, roster, now,
            school_id=enrolment.host_school_id,
        )  # fmt: skip
    elif event in ("drop", "withdraw"):
        tell(
            session, {*staff, *host} - {student}, "enrolment.left", key, params, roster, now,
            school_id=enrolment.host_school_id,
        )  # fmt: skip
        tell(session, set(home) - {*staff, *host, student}, "enrolment.left", key, params, link, now)
    elif event in ("expire", "host_deny"):
        tell(session, set(home) - {student}, f"enrolment.{event}_home", key, params, link, now)


def _link(enrolment: Enrolment) -> str:
    return f"/enrolments/{enrolment.id}"


# --- sentences --------------------------------------------------------------------------------------------------


def _title(p: Mapping[str, Any]) -> str:
    return str((english() and p["title_en"]) or p["title_zh"])


def _decide_by(p: Mapping[str, Any]) -> str:
    return stamp(datetime.fromisoformat(p["decide_by"])) if p["decide_by"] else ""


def _studies(actor: Actor) -> bool:
    return actor.holds(["student"])


def _runs(actor: Actor) -> bool:
    return actor.holds(["registrar", "teacher", "secretary", "school_admin"])


KINDS = (
    NoticeKind(
        "enrolment.mine", _l("我的选课有了结果"),
        ("enrolment.approve", "enrolment.deny", "enrolment.host_deny", "enrolment.expire"), "now", True, concerns=_studies,
    ),
    NoticeKind("enrolment.receipt", _l("选课提交的回执"), ("enrolment.submitted",), "off", concerns=_studies),
    NoticeKind(
        "enrolment.to_approve", _l("本校学生的选课等待审核"), ("enrolment.to_approve",), "digest", True, True,
        lambda actor: actor.holds(["registrar"]),
    ),
    NoticeKind(
        "enrolment.changes", _l("修读学生的增减"),
        ("enrolment.incoming", "enrolment.left", "enrolment.expire_home", "enrolment.host_deny_home"), "digest",
        group=True, concerns=_runs,
    ),
)  # fmt: skip


TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "enrolment.submitted": lambda p: _(
        "已提交选课「%(title)s」，名额已为您保留；%(home)s教务处最迟 %(by)s 审核。",
        title=_title(p), home=p["home"], by=_decide_by(p),
    ),
    "enrolment.to_approve": lambda p: _(
        "%(student)s 申请选修%(host)s「%(title)s」，请在 %(by)s 前审核。",
        student=p["student"], host=p["host"], title=_title(p), by=_decide_by(p),
    ),
    "enrolment.approve": lambda p: _("%(home)s已通过您选修「%(title)s」。", home=p["home"], title=_title(p)),
    "enrolment.deny": lambda p: _(
        "%(home)s未通过您选修「%(title)s」：%(reason)s", home=p["home"], title=_title(p), reason=p["reason"]
    ),
    "enrolment.host_deny": lambda p: _(
        "%(host)s未接收您选修「%(title)s」：%(reason)s", host=p["host"], title=_title(p), reason=p["reason"]
    ),
    "enrolment.host_deny_home": lambda p: _(
        "%(host)s未接收 %(student)s 选修「%(title)s」：%(reason)s",
        host=p["host"], student=p["student"], title=_title(p), reason=p["reason"],
    ),
    "enrolment.expire": lambda p: _(
        "%(home)s没有在 %(by)s 前审核，您在「%(title)s」的名额已释放；仍有余量时可以重新选课。",
        home=p["home"], by=_decide_by(p), title=_title(p),
    ),
    "enrolment.expire_home": lambda p: _(
        "%(student)s 选修「%(title)s」逾期未审核，名额已释放。", student=p["student"], title=_title(p)
    ),
    "enrolment.incoming": lambda p: _(
        "%(home)s %(student)s 已确认修读「%(title)s」。", home=p["home"], student=p["student"], title=_title(p)
    ),
    "enrolment.left": lambda p: _(
        "%(home)s %(student)s 已退出「%(title)s」，名额已释放。",
        home=p["home"], student=p["student"], title=_title(p),
    ),
}  # fmt: skip
