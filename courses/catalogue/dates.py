"""Single dates of an offering: classes outside of its weeks, and its exam. Each is a source of the book by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue import rules
from courses.catalogue.models import Course, Offering, OfferingDate
from zutuan.calendar import book
from zutuan.calendar import services as calendar
from zutuan.calendar.plan import Calendar, Meeting, expand
from zutuan.calendar.rules import Pattern
from zutuan.calendar.sources import CalendarSource, Described
from zutuan.clock import at_shanghai, local
from zutuan.errors import Invalid
from zutuan.sharing.models import SharedItem

# kind → the book's type of source; `rules.clash` of enrolment knows an exam by it
TYPES = {"class": "offering_date", "exam": "exam"}
FIELDS = ("kind", "starts", "ends", "place", "note")


def key(each: OfferingDate | Mapping[str, Any]) -> tuple[Any, ...]:
    """What a date says, to compare what is kept with what was sent."""
    return tuple(each[name] if isinstance(each, Mapping) else getattr(each, name) for name in FIELDS)


def rows_of(offering: Offering) -> list[dict[str, Any]]:
    return [{name: getattr(each, name) for name in FIELDS} for each in offering.dates]


def said(offering: Offering) -> list[tuple[str, rules.Dated]]:
    return [(each.kind, rules.Dated(each.starts, each.ends, each.place)) for each in offering.dates]


def check(offering: Offering, wanted: Sequence[Mapping[str, Any]], patterns: Sequence[Pattern], here: Calendar) -> None:
    """Raises Invalid naming the row that does not fit the term, another row or a weekly meeting."""
    term = calendar.dates(offering.term)
    weekly = [(each.starts, each.ends) for each in expand(list(patterns), here).meetings]
    rows = [(each["kind"], each["starts"], each["ends"]) for each in wanted]
    errors = rules.check_dates(rows, at_shanghai(term.first_day), at_shanghai(term.end_day), weekly)
    if errors:
        raise Invalid(errors=errors)


def put(session: Session, offering: Offering, wanted: Iterable[Mapping[str, Any]]) -> None:
    """Make these the offering's single dates; those that stay as they are keep their place in the book, and one that is
    moved is still the same to calendar programs."""
    kept = {key(each): each for each in offering.dates}
    sent = {key(each): each for each in wanted}
    gone = [each for said, each in kept.items() if said not in sent]
    new = [each for said, each in sent.items() if said not in kept]
    for kind in TYPES:
        _exchange(
            session, offering, [each for each in gone if each.kind == kind], [e for e in new if e["kind"] == kind]
        )


def _exchange(
    session: Session, offering: Offering, gone: Sequence[OfferingDate], new: Sequence[Mapping[str, Any]]
) -> None:
    """The first that is gone has become the first new one, and so on, as `rules.date_changes` says it."""
    before = sorted(gone, key=lambda each: (each.starts, each.ends))
    after = sorted(new, key=lambda each: (each["starts"], each["ends"]))
    for was, now in zip(before, after, strict=False):
        _change(session, offering, was, now)
    for was in before[len(after) :]:
        _book(session, was, [])
        offering.dates.remove(was)
    added = [OfferingDate(**{name: each[name] for name in FIELDS}) for each in after[len(before) :]]
    offering.dates += added
    session.flush()
    for each in added:
        _book(session, each, [meeting_at(offering, each.starts, each.ends)])


def _change(session: Session, offering: Offering, was: OfferingDate, now: Mapping[str, Any]) -> None:
    for name in FIELDS:
        setattr(was, name, now[name])
    session.flush()
    row = book.row_of(session, ("offering", offering.id), (TYPES[was.kind], was.id))
    if row is not None:
        book.bring(session, row, meeting_at(offering, was.starts, was.ends), touch=True)


def meeting_at(offering: Offering, starts: datetime, ends: datetime, period: int = 0) -> Meeting:
    """A meeting of no pattern: in which week of the term, and on which day, it is."""
    day = local(starts).date()
    week = max((day - calendar.dates(offering.term).first_day).days // 7 + 1, 0)
    return Meeting(starts, ends, week, day.isoweekday(), period)


def _book(session: Session, each: OfferingDate, meetings: Sequence[Meeting]) -> None:
    calendar.book(session, ("offering", each.offering_id), (TYPES[each.kind], each.id), meetings)


# --- what the calendar asks -------------------------------------------------------------------------------------


def _described(kind: str, zh: str, en: str) -> CalendarSource:
    def describe(session: Session, ids: Sequence[int]) -> Mapping[int, Described]:
        d = OfferingDate
        columns: tuple[Any, ...] = (
            d.id, SharedItem.title_zh, SharedItem.title_en, d.place, Offering.room, Offering.id, Offering.code, d.note,
            Course.school_id,
        )  # fmt: skip
        query = sa.select(*columns).join(Offering, Offering.id == d.offering_id)
        query = query.join(Course, Course.id == Offering.course_id).join(SharedItem, SharedItem.id == Course.id)
        return {
            id_: Described(
                f"{title_zh}{zh}",
                f"{title_en or title_zh}{en}",
                place or room,
                f"/offerings/{offering}",
                note or code,
                "course",
                school,
            )
            for id_, title_zh, title_en, place, room, offering, code, note, school in session.execute(
                query.where(d.id.in_(ids))
            )
        }

    def concerned(_session: Session, _ids: Sequence[int], _now: datetime) -> Iterable[tuple[int, int]]:
        return ()  # no calendar moves what is absolute

    return CalendarSource(TYPES[kind], describe=describe, concerned=concerned)


HOOKS = (_described("class", "", ""), _described("exam", "（考试）", " (exam)"))
