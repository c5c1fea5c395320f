"""调停课: a teacher asks for a meeting to be moved and one to be taught by a colleague; the registrar sees whom it meets."""

from __future__ import annotations

from datetime import date, timedelta

from drill.opening import LEAD, SECOND, TEACHER, registrar
from drill.seats import RUSH
from drill.stage import Stage, ok
from drill.teaching import feed, meetings, new_calendar, notices, somebody

# Tuesday of week 7 goes to the evening of that Thursday; Tuesday of week 8 is taught by somebody else.
WAS, WILL, SUBSTITUTED = date(2026, 10, 20), date(2026, 10, 22), date(2026, 10, 27)
SPORTS = date(2026, 11, 6)
AT = {"weekday": 2, "period": 3}


def move(stage: Stage) -> None:
    path, who = stage.kept[f"{RUSH}-01"], somebody(stage)
    teacher, office = stage.api(stage.who(LEAD, TEACHER)), registrar(stage, LEAD)
    wish = {"kind": "move", "week": 7, **AT, "date": WILL.isoformat(), "first_period": 9, "last_period": 10}
    ok(teacher.post(f"{path}/adjustments/preview", wish))
    asked = ok(teacher.post(f"{path}/adjustments", {**wish, "reason": "参加学科会议"}), 201)
    week = meetings(stage, who, WAS - timedelta(days=1), WAS + timedelta(days=5))
    stage.shown("批准之前，课还在原来的时间", [each.date() for each in week] == [WAS], week)
    seen = ok(office.get(f"/adjustments/{asked['id']}"))
    stage.shown("教务员看到会与谁冲突", seen["clashes"] is not None, seen)
    heard = notices(stage, who)
    ok(office.post(f"/adjustments/{asked['id']}/approve", {}))
    again = office.post(f"/adjustments/{asked['id']}/approve", {})
    stage.shown("批准只有一次", again.status_code == 409, again.json)
    stage.works()
    week = meetings(stage, who, WAS - timedelta(days=1), WAS + timedelta(days=5))
    stage.shown("批准后，学生课表改到周四", [each.date() for each in week] == [WILL], week)
    days = {each.date() for each in feed(stage, who)}
    stage.shown("订阅的日历也改了", WILL in days and WAS not in days, sorted(days))
    stage.shown("学生为此得到一条通知", notices(stage, who) == heard + 1, notices(stage, who) - heard)


def substitute(stage: Stage) -> None:
    """The colleague has the meeting in their own week, and its teacher no longer."""
    path = stage.kept[f"{RUSH}-01"]
    other = stage.who(LEAD, SECOND)
    wish = {"kind": "substitute", "week": 8, **AT, "substitute": SECOND, "reason": "出差"}
    asked = ok(stage.api(stage.who(LEAD, TEACHER)).post(f"{path}/adjustments", wish), 201)
    ok(registrar(stage, LEAD).post(f"/adjustments/{asked['id']}/approve", {}))
    own = meetings(stage, stage.who(LEAD, TEACHER), SUBSTITUTED, SUBSTITUTED)
    stage.shown("原任课教师的课表上不再有这次课", own == [], own)
    there = meetings(stage, other, SUBSTITUTED, SUBSTITUTED)
    stage.shown("代课教师的课表上有这次课", [each.date() for each in there] == [SUBSTITUTED], there)


def stays_moved(stage: Stage) -> None:
    """The calendar is handed in once more after that: what was moved stays where it was put."""
    new_calendar(stage, {"类型": "节假日", "名称": "校运会", "开始": SPORTS.isoformat(), "结束": SPORTS.isoformat()})
    week = meetings(stage, somebody(stage), WAS - timedelta(days=1), WAS + timedelta(days=5))
    stage.shown("校历再次导入后，调过的课不变", [each.date() for each in week] == [WILL], week)
