"""What a class's poster says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from courses.catalogue import labels
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering
from courses.rosters.poster import Poster, render
from zutuan.web.texts import credit, stamp


def of(session: Session, offering: Offering, url: str, now: datetime) -> bytes:
    """The PDF, in Chinese whoever asks for it; what is not known is left out."""
    with force_locale("zh"):
        item = offering.course.item
        facts = [(label, value) for label, value in _facts(session, offering) if value]
        poster = Poster(item.owner.name, item.title_zh, item.title_en, facts, _("扫码查看课程、选课"), url)
    return render(poster, now)


def _facts(session: Session, offering: Offering) -> Iterator[tuple[str, str]]:
    course, meetings = offering.course, catalogue.occurrences(session, offering.id)
    yield _("教师"), _("、").join(each.person.name for each in course.staff)
    yield _("教学班"), _("%(code)s 班 · %(term)s", code=offering.code, term=labels.term(offering.term))
    yield _("学分"), _("%(credits)s 学分，%(hours)s 学时", credits=credit(course.credits), hours=course.hours)
    for each in offering.meetings[:3]:
        clock = labels.meeting_clock(each, meetings)
        yield _("上课"), " ".join(part for part in (labels.meeting(each), clock) if part)
    yield _("方式"), str(labels.DELIVERY[course.delivery])
    yield _("地点"), offering.room
    yield _("选课"), f"{stamp(offering.enrol_from)} – {stamp(offering.enrol_until)}"
