"""Who hears of results: the home school's registrars when grades arrive, the student when the home school has spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.enrolment.models import Enrolment
from courses.results.models import Result
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.roles import holders
from zutuan.sharing.actor import Actor
from zutuan.web.texts import english


def arrived(session: Session, actor: Actor, enrolments: Iterable[Enrolment], now: datetime) -> None:
    """One notice for each home school and class, however many students it is about."""
    classes: dict[tuple[int, int], list[Enrolment]] = {}
    for each in enrolments:
        classes.setdefault((each.home_school_id, each.offering_id), []).append(each)
    for (school, offering), together in classes.items():
        people = set(holders(session, "registrar", school, now)) - {actor.person_id}
        params = {**_titles(together[0]), "host": together[0].host_school.name, "n": len(together)}
        key = f"result:{offering}:{school}:{now.isoformat()}"
        tell(session, people, "result.arrived", key, params, "/results", now, school_id=school)


def tell_student(session: Session, result: Result, event: str, now: datetime) -> None:
    enrolment = result.enrolment
    params = {**_titles(enrolment), "home": enrolment.home_school.name, "reason": result.reason}
    key = f"{event}:{result.id}:{now.isoformat()}"
    tell(session, [enrolment.person_id], event, key, params, f"/enrolments/{enrolment.id}", now)


def _titles(enrolment: Enrolment) -> dict[str, str]:
    item = enrolment.offering.course.item
    return {"title_zh": item.title_zh, "title_en": item.title_en}


def _title(p: Mapping[str, Any]) -> str:
    return str((english() and p["title_en"]) or p["title_zh"])


KINDS = (
    NoticeKind(
        "result.mine", _l("我的外校成绩的认定"), ("result.recognise", "result.not_recognised", "result.again"), "now", True,
        concerns=lambda actor: actor.holds(["student"]),
    ),
    NoticeKind(
        "result.arrived", _l("外校成绩等待认定"), ("result.arrived",), "digest", True, True,
        lambda actor: actor.holds(["registrar"]),
    ),
)  # fmt: skip
TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "result.arrived": lambda p: _(
        "%(host)s「%(title)s」的成绩已确认，本校 %(n)s 名学生等待认定。", host=p["host"], title=_title(p), n=p["n"]
    ),
    "result.recognise": lambda p: _("%(home)s已认定您「%(title)s」的成绩。", home=p["home"], title=_title(p)),
    "result.not_recognised": lambda p: _(
        "%(home)s没有认定您「%(title)s」的成绩：%(reason)s", home=p["home"], title=_title(p), reason=p["reason"]
    ),
    "result.again": lambda p: _(
        "您「%(title)s」的成绩有变动，等待%(home)s重新认定；相关的证明已撤销。", title=_title(p), home=p["home"]
    ),
}  # fmt: skip
