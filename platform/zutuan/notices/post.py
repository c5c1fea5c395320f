"""Notices by mail: at once, or in one digest a day. What is in a mail is decided when it is sent, not when it was asked
for: by what the person chose, may and has read by then."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.clock import at_shanghai, local
from zutuan.jobs import OutboxMessage, Task, enqueue
from zutuan.mail.message import Letter
from zutuan.mail.services import hand_over
from zutuan.notices import choices, sentences
from zutuan.notices.kinds import kind_of
from zutuan.notices.models import Notice
from zutuan.people.models import Affiliation, Person
from zutuan.policies import services as policies
from zutuan.policies.rules import Policy
from zutuan.web.texts import brand, stamp

if TYPE_CHECKING:
    from zutuan.desk import Desk

DIGEST_TOPIC = "notice.digest"
DIGEST_HOUR = Policy(
    "notices.digest_hour", _l("每日摘要的时间"), _l("本校师生每天收到通知摘要邮件的时间（北京时间，整点）。"), 18, "whole", low=0, high=23,
    unit=_l("点"),
)  # fmt: skip
EVERY = timedelta(minutes=1)
AT_ONCE = 200
MOST_LINES = 50


# --- at once ----------------------------------------------------------------------------------------------------


def send_notice(desk: Desk, task: Task) -> None:
    """The errand of one notice that goes by mail at once."""
    with desk.database.read() as session:
        notice = session.get(Notice, task.payload["notice"])
        person = _reader(session, notice.person_id) if notice else None
        if notice is None or person is None or not _wants(session, notice, "now"):
            return
    with desk.speaking(person.locale):
        kind = kind_of(notice.kind)
        subject = _("【%(brand)s】%(kind)s", brand=brand(), kind=kind.label)
        text = "\n\n".join((_line(desk, notice), _footer(desk)))
    hand_over(desk, task, _letter(person, subject, text), f"notice:{notice.id}")


def _reader(session: Session, person_id: int) -> Person | None:
    """The person, if mail may go to them now."""
    person = session.get(Person, person_id)
    return person if person is not None and person.state == "active" and person.email else None


def _wants(session: Session, notice: Notice, how: str) -> bool:
    return choices.of_people(session, kind_of(notice.kind), [notice.person_id])[notice.person_id].mail == how


def _line(desk: Desk, notice: Notice) -> str:
    said = sentences.sentence(desk.features, notice.kind, notice.params)
    return f"{said}\n{desk.config.url}{notice.link}" if notice.link else said


def _footer(desk: Desk) -> str:
    url = f"{desk.config.url}/notices/settings"
    return _("——\n这封邮件由%(brand)s自动发出，请勿回复。选择收到哪些邮件：%(url)s", brand=brand(), url=url)


def _letter(person: Person, subject: str, text: str) -> Letter:
    assert person.email is not None
    return Letter(person.email, subject, text)


# --- the digest -------------------------------------------------------------------------------------------------


class Digests:
    """Periodic work: once a day, at the hour of the person's school, asks for one digest with what came before it."""

    def __init__(self) -> None:
        self._next: datetime | None = None

    def __call__(self, session: Session, now: datetime) -> int:
        if self._next is not None and now < self._next:
            return 0
        asked = ask_for_digests(session, now)
        self._next = None if asked == AT_ONCE else now + EVERY
        return asked


def ask_for_digests(session: Session, now: datetime) -> int:
    """For everybody whose hour has come today and who has something to hear. The row's key makes it one a day, and
    what comes after it waits for tomorrow's."""
    day, asked = local(now).date(), 0
    for person_id, before in _due(session, day, now)[:AT_ONCE]:
        payload = {"person": person_id, "day": day.isoformat()}
        if enqueue(session, DIGEST_TOPIC, payload, now, key=f"{DIGEST_TOPIC}:{person_id}:{day}"):
            taken = sa.update(Notice).where(*_UNTAKEN, Notice.person_id == person_id, Notice.created_at < before)
            session.execute(taken.values(digest_day=day).execution_options(synchronize_session=False))
        asked += 1
    return asked


_UNTAKEN = (Notice.mail == "digest", Notice.digest_day.is_(None))


def _due(session: Session, day: date, now: datetime) -> list[tuple[int, datetime]]:
    """(person, the instant of their digest) for those whose instant has come, who have heard of none of this day yet,
    and for whom something older than it waits."""
    key = sa.literal(f"{DIGEST_TOPIC}:") + sa.cast(Notice.person_id, sa.String) + sa.literal(f":{day}")
    school = sa.select(sa.func.min(Affiliation.school_id)).where(Affiliation.person_id == Notice.person_id)
    query = (
        sa.select(
            Notice.person_id,
            school.where(Affiliation.open_at(now)).correlate(Notice).scalar_subquery(),
            sa.func.min(Notice.created_at),
        )
        .where(*_UNTAKEN, ~sa.exists().where(OutboxMessage.key == key))
        .group_by(Notice.person_id)
        .order_by(Notice.person_id)
    )
    rows = session.execute(query).all()
    by_school = hours(session, {school_id for _person, school_id, _oldest in rows if school_id}, now)
    timed = [(person_id, at_shanghai(day, by_school[school_id or 0]), oldest) for person_id, school_id, oldest in rows]
    return [(person_id, instant) for person_id, instant, oldest in timed if oldest < instant <= now]


def hours(session: Session, school_ids: set[int], now: datetime) -> dict[int, int]:
    """The hour at which each school's people get their digest; 0 stands for who has no school."""
    found = policies.values(session, DIGEST_HOUR.key, [None, *(each for each in school_ids if each)], now)
    return {school_id or 0: hour for school_id, hour in found.items()}


def send_digest(desk: Desk, task: Task) -> None:
    """The errand of one person's digest of one day: what they have not read by now, and still want to hear."""
    day = date.fromisoformat(task.payload["day"])
    with desk.database.read() as session:
        person = _reader(session, task.payload["person"])
        notices = _of_digest(session, person.id, day) if person else []
    if person is None or not notices:
        return
    with desk.speaking(person.locale):
        subject = _("【%(brand)s】%(day)s 通知摘要：%(n)s 条", brand=brand(), day=day, n=len(notices))
        lines = [f"{stamp(each.created_at)}  {_line(desk, each)}" for each in notices[:MOST_LINES]]
        if len(notices) > MOST_LINES:
            url = f"{desk.config.url}/notices"
            lines.append(_("另有 %(n)s 条，请到平台查看：%(url)s", n=len(notices) - MOST_LINES, url=url))
        text = "\n\n".join((*lines, _footer(desk)))
    hand_over(desk, task, _letter(person, subject, text), f"digest:{person.id}:{day}")


def _of_digest(session: Session, person_id: int, day: date) -> list[Notice]:
    # What does not ring is born read: that it lies in the list is no sign that anybody has seen it.
    unseen = sa.or_(Notice.read_at.is_(None), Notice.read_at == Notice.created_at)
    query = sa.select(Notice).where(Notice.person_id == person_id, Notice.digest_day == day, unseen)
    found = list(session.scalars(query.order_by(Notice.id)))
    unwanted = {event for event in {each.kind for each in found} if _is_off(session, event, person_id)}
    return [each for each in found if each.kind not in unwanted]


def _is_off(session: Session, event: str, person_id: int) -> bool:
    return choices.of_people(session, kind_of(event), [person_id])[person_id].mail == "off"
