"""The demonstration's terms and period tables: this is week 7 everywhere, with a holiday behind and a swapped day ahead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from zutuan.calendar.editing import NewDays
from zutuan.calendar.models import CalendarEdition, Period, PeriodTable, SpecialDay, Term, TermStart
from zutuan.calendar.proposals import proposed
from zutuan.calendar.services import monday_of, usual_periods
from zutuan.calendar.timetable_import import timetable_import
from zutuan.clock import local
from zutuan.importing import run
from zutuan.people.demo import MAJORS, class_name
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

WEEK = 7
WEEKS = 18
FRESHMEN = 2  # weeks later
# Two hours behind by the sun, on the same clock.
LATE = {"青海师范大学": 30, "西北师范大学": 30}
# A school that has handed in its timetable; hours at which none of the demonstration's own courses meets.
KNOWN_AT = "阜阳师范大学"
HOME_CLASSES = (
    ("高等数学", "周四第1-2节{1-18周}", "逸夫楼 305"), ("现代汉语", "周四第3-4节{1-18周}", "文理楼 A210"),
    ("小学数学教学论", "周五第1-2节{9-18周}", "文理楼 B302"),
)  # fmt: skip
SUMMER = (501, 930)
SUMMER_LATER = 30  # minutes, in the afternoon


def load(session: Session, world: DemoWorld) -> None:
    today = local(world.now).date()
    first_day = monday_of(today) - timedelta(weeks=WEEK - 1)
    year = first_day.year if first_day.month >= 7 else first_day.year - 1
    number = 1 if first_day.month >= 7 else 2
    for name, school_id in world.schools.items():
        term = Term(
            school_id=school_id, academic_year=f"{year}-{year + 1}", number=number, first_day=first_day, weeks=WEEKS
        )
        if number == 1:
            later = first_day + timedelta(weeks=FRESHMEN)
            term.starts = [TermStart(grade=str(year), first_day=later, weeks=WEEKS - FRESHMEN)]
        session.add(term)
        _tables(session, school_id, first_day - timedelta(days=366), LATE.get(name, 0))
        audit(session, None, "calendar.demo", Subject("school", school_id), now=world.now, school_id=school_id)
    _special_days(session, world, today, first_day)
    if KNOWN_AT in world.schools:
        session.flush()
        _timetable(session, world, f"{year}-{year + 1}-{number}")


def _timetable(session: Session, world: DemoWorld, term: str) -> None:
    grade = str(world.now.year - 1)
    classes = "、".join(class_name(major, grade) for major in MAJORS[:2])
    rows = [f"{course},{times},{classes},{room}" for course, times, room in HOME_CLASSES]
    file = "\n".join(("course,time,classes,room", *rows)).encode()
    report = run(session, timetable_import(world.schools[KNOWN_AT], term), file, now=world.now)
    assert report.written, report.errors


def _tables(session: Session, school_id: int, since: date, late: int) -> None:
    usual = [(n, starts + late, ends + late) for n, starts, ends in usual_periods()]
    noon = 12 * 60 + late
    summer = [(n, a + SUMMER_LATER, b + SUMMER_LATER) if a > noon and n < 9 else (n, a, b) for n, a, b in usual]
    for name, season, rows in (("", (101, 1231), usual), ("夏季作息", SUMMER, summer)):
        table = PeriodTable(
            school_id=school_id, name=name, from_day=since, season_from=season[0], season_until=season[1]
        )
        table.periods = [Period(number=n, starts=starts, ends=ends) for n, starts, ends in rows]
        session.add(table)


def _statutory(year: int) -> list[NewDays]:
    """Days that are the same every year, where the State Council's are not known."""
    new_year, labour = date(year, 1, 1), date(year, 5, 1)
    return [
        NewDays("holiday", "元旦", new_year, new_year),
        NewDays("holiday", "劳动节", labour, labour),
        NewDays("holiday", "国庆节", date(year, 10, 1), date(year, 10, 3)),
    ]


def _special_days(session: Session, world: DemoWorld, today: date, first_day: date) -> None:
    """The State Council's days around the term where they are known; and for two schools a sports day next week, whose
    Friday is held on the Saturday after."""
    session.add(CalendarEdition(place=0, number=1))
    years = sorted({first_day.year, (first_day + timedelta(weeks=WEEKS)).year})
    found = [new for year in years for new in proposed(year) or _statutory(year)]
    taken: set[date] = set()
    for new in found:
        for day in new.days:
            if day.day not in taken and day.day != today:  # today there are classes to show
                session.add(SpecialDay(day=day.day, kind=day.kind, name=day.name, takes=day.takes))
                taken.add(day.day)
    friday = monday_of(today) + timedelta(days=11)
    for name in ("北京师范大学", "阜阳师范大学"):
        if name in world.schools and not {friday, friday + timedelta(days=1)} & taken:
            place = world.schools[name]
            session.add(SpecialDay(school_id=place, day=friday, kind="holiday", name="校运动会"))
            swap = friday + timedelta(days=1)
            session.add(SpecialDay(school_id=place, day=swap, kind="swapped", name="运动会补课", takes=friday))
    audit(session, None, "calendar.demo", Subject("calendar"), now=world.now)
