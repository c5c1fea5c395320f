"""Who holds or waits for a seat hears of every exam and single class that is set, moved or called off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering
from courses.catalogue.rules import DateChange, Dated
from courses.enrolment.models import Enrolment
from zutuan.calendar.notices import when
from zutuan.calendar.rules import clock_text
from zutuan.clusters.models import School
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.web.texts import english

KIND = "enrolment.dates"
SHOWN = 3


def changed(session: Session, actor: Actor, offering: Offering, changes: Sequence[DateChange]) -> None:
    """The hook of the catalogue: everyone of the class once, and those who teach it with the actor."""
    e = Enrolment
    query = sa.select(e.person_id, e.pool_id, e.home_school_id).where(e.offering_id == offering.id, e.active())
    rows = session.execute(query).tuples().all()
    seeing = _seeing(session, {school for _person, pool, school in rows if pool is None}, offering, actor.now)
    people = {person for person, pool, school in rows if pool is not None or school in seeing}
    people |= {each.person_id for each in offering.course.staff} - {actor.person_id} if people else set()
    item = offering.course.item
    params = {
        "title_zh": item.title_zh, "title_en": item.title_en, "code": offering.code, "of": len(changes),
        "changes": [[each.kind, _kept(each.before), _kept(each.after)] for each in changes[:SHOWN]],
    }  # fmt: skip
    said = hashlib.sha256(json.dumps(params["changes"]).encode()).hexdigest()[:12]  # several may fall on one instant
    key = f"offering:{offering.id}:dates:{actor.now.isoformat()}:{said}"
    tell(session, people, KIND, key, params, f"/offerings/{offering.id}", actor.now)


def _seeing(session: Session, schools: Collection[int], offering: Offering, now: datetime) -> set[int]:
    """Those of the schools with which the class is shared now: who only waits hears of it while theirs is one of them,
    who holds a seat was promised it."""
    item = offering.course.item
    students = {each: catalogue.student_of(session, session.get_one(School, each), now) for each in schools}
    return {each for each, student in students.items() if sharing.seen_through(session, student, item)}


def _kept(date: Dated | None) -> list[str] | None:
    return [date.starts.isoformat(), date.ends.isoformat(), date.place] if date else None


def _time(kept: Sequence[str]) -> str:
    """01-06 周三 14:00–16:00 教一 101."""
    starts, ends = (datetime.fromisoformat(each) for each in kept[:2])
    return f"{when(starts)}–{clock_text(ends)} {kept[2]}".strip()


def _one(kind: str, before: Sequence[str] | None, after: Sequence[str] | None) -> str:
    exam = kind == "exam"
    if before and after:
        words = {"before": _time(before), "after": _time(after)}
        return _("%(before)s 的考试改到 %(after)s", **words) if exam else _("%(before)s 的课改到 %(after)s", **words)
    if after:
        at = _time(after)
        return _("考试定于 %(at)s", at=at) if exam else _("增加 %(at)s 的课", at=at)
    at = _time(before or ())
    return _("%(at)s 的考试取消", at=at) if exam else _("%(at)s 的课取消", at=at)


def _sentence(p: Mapping[str, Any]) -> str:
    said = _("；").join(_one(*each) for each in p["changes"])
    if p["of"] > len(p["changes"]):
        said = _("%(said)s；等共 %(n)s 处变化", said=said, n=p["of"])
    return _(
        "「%(title)s」%(code)s 班：%(said)s。",
        title=(english() and p["title_en"]) or p["title_zh"],
        code=p["code"],
        said=said,
    )


TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {KIND: _sentence}
KINDS = (
    NoticeKind(
        KIND,
        _l("我的课程的考试和补课时间有变"),
        (KIND,),
        "now",
        True,
        concerns=lambda actor: actor.holds(["student", "teacher"]),
    ),
)
