"""Who hears that a class waits for a decision, takes place after all, or is called off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.catalogue.services import teaching_ends
from courses.enrolment.models import Enrolment
from courses.minimum import policies, rules
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.roles import holders
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.web.texts import english, stamp


def _params(offering: Offering, **more: Any) -> dict[str, Any]:
    item = offering.course.item
    titles = {"title_zh": item.title_zh, "title_en": item.title_en, "code": offering.code}
    return {**titles, "host": item.owner.name, "until": "", **more}


def asked(session: Session, school_id: int, offerings: Sequence[Offering], now: datetime) -> None:
    """One notice for all classes of a school that wait since the same moment."""
    days = int(policy_values.value(session, policies.DECIDE.key, school_id, now))
    by = min(rules.decide_by(each.enrol_until, teaching_ends(each.term), days) for each in offerings)
    first = offerings[0]
    params = _params(first, n=len(offerings), by=by.isoformat())
    people = holders(session, "registrar", school_id, now)
    key = f"minimum:{school_id}:{first.id}:{first.enrol_until.isoformat()}"
    tell(session, people, "minimum.asked", key, params, "/confirmations", now, school_id=school_id)


def confirmed(session: Session, offering: Offering, people: Iterable[int], now: datetime) -> None:
    key = f"offering:{offering.id}:confirmed"
    tell(session, people, "minimum.confirmed", key, _params(offering), f"/offerings/{offering.id}", now)


def cancelled(
    session: Session, actor: Actor, offering: Offering, ended: Sequence[Enrolment], reason: str
) -> None:  # fmt: skip
    """Its students, with the rescue window where a seat was lost; who teaches it and its registrars; and the registrars of
    each home school, once for all of its students."""
    now, key = actor.now, f"offering:{offering.id}:cancelled"
    until = offering.rescue_until.isoformat() if offering.rescue_until else ""
    said = _params(offering, reason=reason, n=len(ended))
    seated = [each for each in ended if each.pool_id is not None]
    lost = {"until": until}
    tell(session, [e.person_id for e in seated], "minimum.cancelled", key, said | lost, "/rescue", now)
    waited = [each.person_id for each in ended if each.pool_id is None]
    tell(session, waited, "minimum.cancelled", key, said, f"/offerings/{offering.id}", now)
    host = {
        *holders(session, "registrar", offering.course.school_id, now),
        *(t.person_id for t in offering.course.staff),
    }
    at = f"/offerings/{offering.id}"
    tell(session, host - {actor.person_id}, "minimum.cancelled_host", f"{key}:host", said, at, now)
    for school_id in sorted({each.home_school_id for each in seated}):
        n = sum(each.home_school_id == school_id for each in seated)
        home = holders(session, "registrar", school_id, now)
        about = {**said, **lost, "n": n}
        once = f"{key}:home:{school_id}"
        tell(session, home, "minimum.cancelled_home", once, about, "/rescue/students", now, school_id=school_id)


# --- sentences --------------------------------------------------------------------------------------------------


def _words(p: Mapping[str, Any]) -> dict[str, Any]:
    named = {"title": (english() and p["title_en"]) or p["title_zh"], "code": p["code"], "host": p["host"]}
    return {**named, "until": stamp(datetime.fromisoformat(p["until"])) if p["until"] else ""}


def _asked(p: Mapping[str, Any]) -> str:
    by = stamp(datetime.fromisoformat(p["by"]))
    if p["n"] == 1:
        return _(
            "「%(title)s」%(code)s 班选课已截止，未达开课人数下限，请在 %(by)s 前决定是否开班。", by=by, **_words(p)
        )
    return _("选课已截止，%(n)s 个教学班未达开课人数下限，请在 %(by)s 前决定是否开班。", n=p["n"], by=by)


def _cancelled(p: Mapping[str, Any]) -> str:
    said = _("%(host)s「%(title)s」%(code)s 班停开：%(reason)s", reason=p["reason"], **_words(p))
    return _("%(said)s　您可以在 %(until)s 前补选其他教学班。", said=said, **_words(p)) if p["until"] else said


TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "minimum.asked": _asked,
    "minimum.confirmed": lambda p: _("「%(title)s」%(code)s 班已确认开班。", **_words(p)),
    "minimum.cancelled": _cancelled,
    "minimum.cancelled_host": lambda p: _(
        "「%(title)s」%(code)s 班停开，%(n)s 名学生的选课已结束：%(reason)s", n=p["n"], reason=p["reason"], **_words(p)
    ),
    "minimum.cancelled_home": lambda p: _(
        "%(host)s「%(title)s」%(code)s 班停开，本校 %(n)s 名学生失去名额，可在 %(until)s 前补选。", n=p["n"], **_words(p)
    ),
}  # fmt: skip
KINDS = (
    NoticeKind(
        "minimum.mine", _l("我的教学班停开或确认开班"), ("minimum.cancelled", "minimum.cancelled_host", "minimum.confirmed"),
        "now", True, concerns=lambda actor: actor.holds(["student", "teacher", "registrar"]),
    ),
    NoticeKind(
        "minimum.desk", _l("开班确认和停开的影响"), ("minimum.asked", "minimum.cancelled_home"), "now", True, True,
        lambda actor: actor.holds(["registrar"]),
    ),
)  # fmt: skip
