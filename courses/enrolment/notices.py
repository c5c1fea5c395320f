"""Who hears what at each step of an enrolment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course, Offering
from courses.enrolment import rules
from courses.enrolment.models import Enrolment
from zutuan.jobs import enqueue
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.roles import holders
from zutuan.sharing.actor import Actor
from zutuan.web.texts import english, stamp

TOPIC = "enrolment.moved"


@dataclass(frozen=True)
class Step:
    """One step of an enrolment as it was made: what is told of it does not change with what came after."""

    enrolment: Enrolment
    event: str
    now: datetime
    home_state: str
    host_state: str
    home_step: int
    host_step: int
    seated: bool
    params: dict[str, Any]

    @property
    def key(self) -> str:
        once = f"enrolment:{self.enrolment.id}:{self.event}"
        return f"{once}:{self.now.isoformat()}" if self.event in _AGAIN else once

    @property
    def link(self) -> str:
        return f"/enrolments/{self.enrolment.id}"


def moved(session: Session, enrolment: Enrolment, event: str, now: datetime) -> None:
    """After the commit, tell everybody whom the step concerns. Who they are is looked up then (`tell_all`): it would
    only keep the seat's row waiting."""
    payload = {
        "enrolment": enrolment.id, "event": event, "at": now.isoformat(), "home_state": enrolment.home_state,
        "host_state": enrolment.host_state, "home_step": enrolment.home_step or 0, "host_step": enrolment.host_step or 0,
        "seated": enrolment.pool_id is not None, "reason": enrolment.reason or "",
        "decide_by": enrolment.decide_by.isoformat() if enrolment.decide_by else "",
    }  # fmt: skip
    enqueue(session, TOPIC, payload, now)


def tell_all(session: Session, payload: dict[str, Any]) -> None:
    """The outbox's handler: one notice each for the student and for those at both schools whom the step concerns."""
    course = joinedload(Enrolment.offering).joinedload(Offering.course)
    whole = (course.joinedload(Course.item), course.selectinload(Course.staff))
    enrolment = session.get_one(Enrolment, payload["enrolment"], options=whole)
    names = ("event", "home_state", "host_state", "home_step", "host_step", "seated")
    own = {name: payload[name] for name in names}
    params = _params(enrolment, payload)
    _tell_all(session, Step(enrolment=enrolment, now=datetime.fromisoformat(payload["at"]), params=params, **own))


def _params(enrolment: Enrolment, payload: dict[str, Any]) -> dict[str, Any]:
    item = enrolment.offering.course.item
    return {
        "title_zh": item.title_zh,
        "title_en": item.title_en,
        "student": enrolment.person.name,
        "home": enrolment.home_school.name,
        "host": enrolment.host_school.name,
        "reason": payload["reason"],
        "decide_by": payload["decide_by"],
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


def _tell_all(session: Session, step: Step) -> None:
    event, student = step.event, step.enrolment.person_id
    if event in ("enrol", "accept"):
        _tell(session, step, [student], "enrolment.submitted")
    elif event in _TO_STUDENT:
        _tell(session, step, [student], f"enrolment.{event}")
    if event in ("enrol", "accept", "draw", "review", "resubmit", "remind", "host_review"):
        _ask(session, step)
    if event == "approve" and step.host_state != "pending":
        _tell_host(session, step, "enrolment.incoming")
    elif event in _LEAVING and step.seated:
        heard = _tell_host(session, step, "enrolment.left")
        home = set(_approvers(session, step, "home"))
        _tell(session, step, home - heard - {student}, "enrolment.left")
    elif event in ("expire", "host_deny"):
        home = set(_approvers(session, step, "home"))
        _tell(session, step, home - {student}, f"enrolment.{event}_home")


def _tell(session: Session, step: Step, people: Iterable[int], kind: str) -> None:
    tell(session, people, kind, step.key, step.params, step.link, step.now)


def _ask(session: Session, step: Step) -> None:
    """Ask whoever's word comes next. The host was asked together with the home school, and is not asked twice."""
    side = "home" if step.home_state == "pending" else "host"
    if side == "host" and step.host_state != "pending":
        return
    if step.event in ("enrol", "accept", "draw") and step.host_state == "pending" and side == "home":
        _ask_side(session, step, "host", f"{step.key}:host")
    _ask_side(session, step, side, step.key, "enrolment.reminded" if step.event == "remind" else "enrolment.to_approve")


def _ask_side(session: Session, step: Step, side: str, key: str, kind: str = "enrolment.to_approve") -> None:
    enrolment = step.enrolment
    people = set(_approvers(session, step, side)) - {enrolment.person_id}
    school = enrolment.home_school_id if side == "home" else enrolment.host_school_id
    chosen = side == "host" and enrolment.offering.seats_by == "choice"
    roster = f"/offerings/{enrolment.offering_id}/roster?state=requested"
    link = "/approvals" if side == "home" else roster if chosen else "/approvals?side=host"
    called = kind if side == "home" else f"{kind}_host"
    tell(session, people, called, key, step.params, link, step.now, school_id=school)


def _approvers(session: Session, step: Step, side: str) -> list[int]:
    """Whose word the side's next step is; a department without a secretary leaves it to the registrars."""
    home, enrolment = side == "home", step.enrolment
    school = enrolment.home_school_id if home else enrolment.host_school_id
    department = enrolment.home_department_id if home else enrolment.offering.course.department_id
    if not home and enrolment.offering.seats_by == "choice":
        return _staff(enrolment) or list(holders(session, "registrar", school, step.now, department))
    steps, given = (enrolment.home_steps, step.home_step) if home else (enrolment.host_steps, step.host_step)
    first = holders(session, rules.approver(steps, given), school, step.now, department)
    return list(first or holders(session, "registrar", school, step.now, department))


def _tell_host(session: Session, step: Step, kind: str) -> set[int]:
    enrolment = step.enrolment
    registrars = holders(session, "registrar", enrolment.host_school_id, step.now)
    people = {*_staff(enrolment), *registrars} - {enrolment.person_id}
    roster = f"/offerings/{enrolment.offering_id}/roster"
    tell(session, people, kind, step.key, step.params, roster, step.now, school_id=enrolment.host_school_id)
    return people


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
