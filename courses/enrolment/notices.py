"""Who hears what at each step of an enrolment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.enrolment import rules
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


def _staff(enrolment: Enrolment) -> list[int]:
    return [each.person_id for each in enrolment.offering.course.staff]


# Steps that may be made more than once in the same enrolment.
_AGAIN = ("return", "resubmit", "remind", "review", "host_review")
_LEAVING = ("drop", "withdraw", "release", "transfer")
_TO_STUDENT = (
    "queue", "offer", "return", "approve", "host_approve", "deny", "host_deny", "expire", "host_expire", "offer_lapsed",
    "queue_closed", "release", "transfer",
)  # fmt: skip


def _key(enrolment: Enrolment, event: str, now: datetime) -> str:
    once = f"enrolment:{enrolment.id}:{event}"
    return f"{once}:{now.isoformat()}" if event in _AGAIN else once


def moved(session: Session, enrolment: Enrolment, event: str, now: datetime) -> None:
    """One notice each for the student and for those at both schools whom the step concerns."""
    params, key, student = _params(session, enrolment), _key(enrolment, event, now), enrolment.person_id
    if event in ("enrol", "accept"):
        tell(session, [student], "enrolment.submitted", key, params, _link(enrolment), now)
    elif event in _TO_STUDENT:
        tell(session, [student], f"enrolment.{event}", key, params, _link(enrolment), now)
    if event in ("enrol", "accept", "review", "resubmit", "remind", "approve", "host_review"):
        _ask(session, enrolment, event, key, params, now)
    if event == "approve" and enrolment.host_state != "pending":
        _tell_host(session, enrolment, "enrolment.incoming", key, params, now)
    elif event in _LEAVING and enrolment.pool_id is not None:
        heard = _tell_host(session, enrolment, "enrolment.left", key, params, now)
        home = _approvers(session, enrolment, "home", now)
        tell(session, set(home) - heard - {student}, "enrolment.left", key, params, _link(enrolment), now)
    elif event in ("expire", "host_deny"):
        home = _approvers(session, enrolment, "home", now)
        tell(session, set(home) - {student}, f"enrolment.{event}_home", key, params, _link(enrolment), now)


def _ask(session: Session, enrolment: Enrolment, event: str, key: str, params: dict[str, Any], now: datetime) -> None:
    """Ask whoever's word comes next."""
    side = "home" if enrolment.home_state == "pending" else "host"
    if side == "host" and enrolment.host_state != "pending":
        return
    if event in ("enrol", "accept") and enrolment.host_state == "pending" and side == "home":
        _ask_side(session, enrolment, "host", f"{key}:host", params, now)
    kind = "enrolment.reminded" if event == "remind" else "enrolment.to_approve"
    _ask_side(session, enrolment, side, key, params, now, kind)


def _ask_side(
    session: Session, enrolment: Enrolment, side: str, key: str, params: dict[str, Any], now: datetime,
    kind: str = "enrolment.to_approve",
) -> None:  # fmt: skip
    people = set(_approvers(session, enrolment, side, now)) - {enrolment.person_id}
    school = enrolment.home_school_id if side == "home" else enrolment.host_school_id
    link = "/approvals" if side == "home" else "/approvals?side=host"
    tell(session, people, kind if side == "home" else f"{kind}_host", key, params, link, now, school_id=school)


def _approvers(session: Session, enrolment: Enrolment, side: str, now: datetime) -> list[int]:
    """Whose word the side's next step is; a department without a secretary leaves it to the registrars."""
    home = side == "home"
    school = enrolment.home_school_id if home else enrolment.host_school_id
    department = enrolment.home_department_id if home else enrolment.offering.course.department_id
    if not home and enrolment.offering.seats_by == "choice":
        return _staff(enrolment) or list(holders(session, "registrar", school, now, department))
    steps, given = (enrolment.home_steps, enrolment.home_step) if home else (enrolment.host_steps, enrolment.host_step)
    first = holders(session, rules.approver(steps, given), school, now, department)
    return list(first or holders(session, "registrar", school, now, department))


def _tell_host(
    session: Session, enrolment: Enrolment, kind: str, key: str, params: dict[str, Any], now: datetime
) -> set[int]:
    people = {*_staff(enrolment), *holders(session, "registrar", enrolment.host_school_id, now)} - {enrolment.person_id}
    roster = f"/offerings/{enrolment.offering_id}/roster"
    tell(session, people, kind, key, params, roster, now, school_id=enrolment.host_school_id)
    return people


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
        (
            "enrolment.approve", "enrolment.host_approve", "enrolment.deny", "enrolment.host_deny", "enrolment.expire",
            "enrolment.host_expire", "enrolment.release", "enrolment.transfer",
        ), "now", True, concerns=_studies,
    ),
    NoticeKind(
        "enrolment.wait", _l("候补有了名额，或选课要我修改"),
        ("enrolment.offer", "enrolment.offer_lapsed", "enrolment.queue_closed", "enrolment.return"), "now", True,
        concerns=_studies,
    ),
    NoticeKind(
        "enrolment.receipt", _l("选课提交的回执"), ("enrolment.submitted", "enrolment.queue"), "off", concerns=_studies
    ),
    NoticeKind(
        "enrolment.to_approve", _l("选课等待审核"),
        ("enrolment.to_approve", "enrolment.to_approve_host", "enrolment.reminded", "enrolment.reminded_host"), "digest",
        True, True, lambda actor: actor.holds(["registrar", "secretary", "teacher"]),
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
    "enrolment.to_approve_host": lambda p: _(
        "%(home)s %(student)s 申请修读「%(title)s」，请决定是否接收。", home=p["home"], student=p["student"], title=_title(p)
    ),
    "enrolment.reminded": lambda p: _(
        "%(student)s 请您尽快审核选课：%(host)s「%(title)s」。", student=p["student"], host=p["host"], title=_title(p)
    ),
    "enrolment.reminded_host": lambda p: _(
        "%(home)s %(student)s 请您尽快决定是否接收：「%(title)s」。", home=p["home"], student=p["student"], title=_title(p)
    ),
    "enrolment.queue": lambda p: _(
        "您已在「%(title)s」候补，有名额时按先后通知您。", title=_title(p)
    ),
    "enrolment.offer": lambda p: _(
        "「%(title)s」有名额了，请在 %(by)s 前接受，逾期给下一位。", title=_title(p), by=_decide_by(p)
    ),
    "enrolment.offer_lapsed": lambda p: _("您没有在期限内接受「%(title)s」的名额，名额已给下一位。", title=_title(p)),
    "enrolment.queue_closed": lambda p: _("「%(title)s」选课已截止，候补结束，没有等到名额。", title=_title(p)),
    "enrolment.return": lambda p: _(
        "%(home)s请您修改「%(title)s」的选课申请，名额保留至 %(by)s。", home=p["home"], title=_title(p), by=_decide_by(p)
    ),
    "enrolment.host_approve": lambda p: _("%(host)s已接收您修读「%(title)s」。", host=p["host"], title=_title(p)),
    "enrolment.host_expire": lambda p: _(
        "%(host)s没有在期限内接收，您在「%(title)s」的选课已结束。", host=p["host"], title=_title(p)
    ),
    "enrolment.release": lambda p: _(
        "因学籍异动，%(home)s已为您退出「%(title)s」。", home=p["home"], title=_title(p)
    ),
    "enrolment.transfer": lambda p: _("您已转到「%(title)s」的另一个教学班，原班名额已释放。", title=_title(p)),
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
