"""While it is taught: holidays and swapped days, and students whose standing changes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import icalendar

from drill.opening import FUYANG, LATE, LEAD, calendar_rows, hands_in, registrar, student_row
from drill.seats import RUSH, add_up, mine
from drill.stage import Stage, Who, ok
from zutuan.calendar import feeds
from zutuan.clock import at_shanghai, local
from zutuan.people.models import Person
from zutuan.people.services import load_actor

# 国庆节 of the drill's year: seven days off, and Saturday 10 October is taught as Tuesday 6 October.
HOLIDAY = (date(2026, 10, 1), date(2026, 10, 7))
SWAPPED, TAKES = date(2026, 10, 10), date(2026, 10, 6)


def somebody(stage: Stage, school: str = FUYANG) -> Who:
    """A student who sits in the class that everybody wanted."""
    path = stage.kept[f"{RUSH}-01"]
    seated = [who for who in stage.kept["seated"] if who.school == school]
    return next(who for who in seated if mine(stage, who, path)["state"] == "enrolled")


def swapped_days(stage: Stage) -> None:
    """调休: the host's calendar is handed in anew; its classes move, and each student hears of it once."""
    who = somebody(stage)
    before = meetings(stage, who, TAKES - timedelta(days=1), SWAPPED + timedelta(days=1))
    stage.shown("放假前，课表上是原来的日期", [each.date() for each in before] == [TAKES], before)
    heard = notices(stage, who)
    new_calendar(stage)
    after = meetings(stage, who, TAKES - timedelta(days=1), SWAPPED + timedelta(days=1))
    stage.shown("调休后，周二的课移到周六", [each.date() for each in after] == [SWAPPED], after)
    stage.shown("学生为此得到一条通知", notices(stage, who) == heard + 1, notices(stage, who) - heard)
    stage.shown("订阅的日历说的相同", SWAPPED in {each.date() for each in feed(stage, who)}, feed(stage, who))


def new_calendar(stage: Stage, *more: dict[str, Any]) -> None:
    """The host's calendar with its holiday and swapped day, and whatever else it says now."""
    blank = dict.fromkeys((*calendar_rows(0)[0], "补课日期"), "")
    rows = [
        *calendar_rows(LATE.get(LEAD, 0)),
        {"类型": "节假日", "名称": "国庆节", "开始": HOLIDAY[0].isoformat(), "结束": HOLIDAY[1].isoformat()},
        {"类型": "调休", "名称": "国庆节", "开始": SWAPPED.isoformat(), "补课日期": TAKES.isoformat()},
        *more,
    ]
    hands_in(stage, LEAD, "calendar", [{**blank, **row} for row in rows])


def meetings(stage: Stage, who: Who, first: date, last: date, title: str = "课堂观察") -> list[datetime]:
    """When the student's week has that class, on Shanghai's clock."""
    span = {"starts": at_shanghai(first).isoformat(), "ends": at_shanghai(last + timedelta(days=1)).isoformat()}
    slots = ok(stage.api(who).get("/me/timetable", query_string=span))["items"]
    return [local(datetime.fromisoformat(each["starts"])) for each in slots if each["title_zh"].startswith(title)]


def feed(stage: Stage, who: Who, title: str = "课堂观察") -> list[datetime]:
    """The same from the address that a calendar program would read."""
    with stage.database.write() as session:
        actor = load_actor(session, session.get_one(Person, who.id), stage.clock.now())
        secret = feeds.renew(session, actor)
    text = ok(stage.app.test_client().get(f"/feeds/{secret}.ics"))
    events: list[Any] = icalendar.Calendar.from_ical(text).walk("VEVENT")
    held = [each for each in events if title in str(each["SUMMARY"]) and str(each.get("STATUS")) != "CANCELLED"]
    return [local(each.decoded("DTSTART")) for each in held]


def notices(stage: Stage, who: Who) -> int:
    return int(ok(stage.api(who).get("/me/notices?limit=1"))["total"])


def leave_of_absence(stage: Stage) -> None:
    """休学: the school's next roster says so, the registrar's list shows what the student still holds, and gives it back."""
    who, path = somebody(stage), stage.kept[f"{RUSH}-01"]
    number = int(who.number[1:])
    hands_in(stage, FUYANG, "people", [student_row(number, "休学")])
    enrolment = mine(stage, who, path)
    stage.shown("休学的学生仍占着名额，等教务员处理", enrolment["state"] == "enrolled", enrolment["state"])
    api = registrar(stage, FUYANG)
    ok(api.post(f"/enrolments/{enrolment['id']}/release", {"reason": "休学"}))
    stage.shown("教务员代为退课", mine(stage, who, path)["state"] == "withdrawn")
    other = stage.api(who).post(f"{path}/enrolments", {})
    stage.shown("休学期间不能选课", other.status_code == 409, other.status_code)
    add_up(stage)
