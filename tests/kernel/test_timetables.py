"""A school's own timetable and calendar, imported: dry run, bad rows by line, again is replace; rooms are not overrun."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from support.cast import NOW, Cast
from support.databases import Fresh

from zutuan.app import FEATURES
from zutuan.calendar import book, feeds, timetables
from zutuan.calendar.imports import calendar_import
from zutuan.calendar.models import Occurrence, Place, SpecialDay, Term, TimetableEntry
from zutuan.calendar.plan import Meeting
from zutuan.calendar.sources import hooks_of
from zutuan.calendar.timetable_import import timetable_import
from zutuan.cli import main
from zutuan.clock import at_shanghai
from zutuan.db import Database
from zutuan.importing import Report, run
from zutuan.people.models import Affiliation, Person
from zutuan.people.services import load_actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

HOOKS = hooks_of(FEATURES)
MONDAY = date(2026, 11, 30)
HEAD = "课程名称,上课时间,班级,教师学工号,教师,教室\n"
ROWS = [
    '高等数学,"周一第1-2节{1-16周}",小教2401、小教2402,A002,王老师,教一101',
    '心理学,"周三[3-4]节 1-16周(单)",小教2401,A002,王老师,教一101',
    '体育,"周五第7-8节{1-16周}",小教2401,,,操场',
    '体育,"周五第7-8节{1-16周}",小教2402,,,操场',
]


def load(database: Database, cast: Cast, rows: list[str], *, dry_run: bool = False) -> Report:
    kind = timetable_import(cast.schools["A"], "2026-2027-1")
    with database.write() as session:
        return run(session, kind, (HEAD + "\n".join(rows)).encode(), now=NOW, dry_run=dry_run)


def count(database: Database, model: type, *where: sa.ColumnElement[bool]) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model).where(*where)) or 0


def test_import_again_replaces_exactly_the_term(database: Database, cast: Cast) -> None:
    assert load(database, cast, ROWS, dry_run=True).created == 4 and count(database, TimetableEntry) == 0
    report = load(database, cast, ROWS)
    assert (report.created, report.updated, report.written) == (4, 0, True), report.errors
    # classes, teacher and room of the first line; a playing field is shared, so it keeps nobody out
    assert count(database, Occurrence) == 16 * 4 + 8 * 3 + 16 * 2 * 2
    assert count(database, Occurrence, Occurrence.exclusive) == 16 + 8
    assert not load(database, cast, ROWS).written
    changed = [ROWS[0].replace("101", "102"), *ROWS[2:]]
    report = load(database, cast, changed)
    assert (report.created, report.updated, report.removed, report.unchanged) == (1, 0, 2, 2)
    assert [(each.line, each.outcome, each.label) for each in report.differences] == [
        (2, "created", "高等数学 小教2401、小教2402"), (0, "removed", "高等数学 小教2401、小教2402"),
        (0, "removed", "心理学 小教2401"),
    ]  # fmt: skip
    assert count(database, TimetableEntry) == 3 and count(database, Occurrence, Occurrence.exclusive) == 16
    assert count(database, Place, Place.kind == "room") == 3


def test_classes_and_teachers_are_busy(database: Database, cast: Cast) -> None:
    load(database, cast, ROWS)
    student, teacher = cast.who("A", "student"), cast.who("A", "teacher")
    with database.write() as session:
        session.get_one(Affiliation, student.affiliation_id).class_name = "小教2402"
        audit(session, None, "test", Subject(), now=NOW)
    monday = [(at_shanghai(MONDAY, 8, 30), at_shanghai(MONDAY, 9))]
    with database.read() as session:
        for who, course in ((student, "高等数学"), (teacher, "高等数学")):
            found = book.clashes_with(session, ("person", who.id), monday, HOOKS)
            assert len(found) == 1 and found[0].source_type == "timetable"
            actor = load_actor(session, session.get_one(Person, who.id), NOW)
            entries = feeds.entries(session, actor, HOOKS, *monday[0])
            assert [each.name.title_zh for each in entries] == [course]
        assert book.clashes_with(session, ("person", cast.who("B", "student").id), monday, HOOKS) == []


def test_lines_of_students_are_one_line_that_takes_their_time(database: Database, cast: Cast) -> None:
    student, other = cast.who("A", "student"), cast.who("B", "student")
    head = "学号,课程名称,上课时间,教室\n"
    rows = [f"{number},书法,周一第1-2节{{1-16周}},教一101" for number in (student.number, other.number, "20240099")]
    kind = timetable_import(cast.schools["A"], "2026-2027-1")
    with database.write() as session:
        report = run(session, kind, (head + "\n".join(rows)).encode(), now=NOW)
        assert (report.created, report.written) == (1, True), report.errors
        again = run(session, kind, (head + "\n".join(rows)).encode(), now=NOW)
        assert (again.written, again.unchanged) == (False, 1)
    assert count(database, Occurrence) == 16 * 2 and count(database, Occurrence, Occurrence.exclusive) == 16
    monday = [(at_shanghai(MONDAY, 8, 30), at_shanghai(MONDAY, 9))]
    with database.read() as session:
        assert len(book.clashes_with(session, ("person", student.id), monday, HOOKS)) == 1
        assert book.clashes_with(session, ("person", other.id), monday, HOOKS) == []  # the number is of another school
        assert set(timetables.concerned(session, [1], NOW)) == {(1, student.id)}
    with database.write() as session:
        run(session, kind, (head + rows[0]).encode(), now=NOW)
    assert count(database, TimetableEntry) == 1 and count(database, Occurrence) == 32


def test_a_booked_room_is_not_overrun(database: Database, cast: Cast) -> None:
    with database.write() as session:
        room = Place(school_id=cast.schools["A"], kind="room", name="教一101")
        session.add(room)
        session.flush()
        meeting = Meeting(at_shanghai(MONDAY, 9), at_shanghai(MONDAY, 10), 13, 1, 2)
        book.book(session, ("room", room.id), ("booking", 1), [meeting], exclusive=True)
        audit(session, None, "test", Subject(), now=NOW)
    report = load(database, cast, ROWS)
    assert [(e.line, e.column, e.code) for e in report.errors] == [(2, "room", "room_taken_by_other")]
    assert "2026-11-30 08:00" in report.errors[0].params["when"] and not report.written


BAD_ROWS = [
    ("高等数学,周一第1-2节,小教2401,,,", "time", "pattern_no_weeks"),
    ("高等数学,第1-2节{1-16周},小教2401,,,", "time", "pattern_no_weekday"),
    ("高等数学,周一第1-2节{1-19周},小教2401,,,", "time", "week_not_in_term"),
    ("高等数学,周一第12节{1-16周},小教2401,,,", "time", "no_such_period"),
    ("高等数学,周一第1-2节{1-16周},,,,", "classes", "entry_without_place"),
    (",周一第1-2节{1-16周},小教2401,,,", "course", "required"),
    ("高等数学,周一第2-1节{1-16周},小教2401,,,", "time", "pattern_backwards"),
]


@pytest.mark.parametrize(("row", "column", "code"), BAD_ROWS)
def test_a_bad_row_is_named(sqlite_database: Database, cast: Cast, row: str, column: str, code: str) -> None:
    report = load(sqlite_database, cast, [ROWS[0], row])
    assert [(e.line, e.column, e.code) for e in report.errors] == [(3, column, code)] and not report.written


# --- calendars --------------------------------------------------------------------------------------------------

CALENDAR = """类型,名称,开始,结束,补课日期,学年,学期,周数,年级,每年从,每年到,星期,节,上课,下课
学期,,2027-02-22,,,2026-2027,2,18,,,,,,,
年级开学,,2027/3/1,,,2026-2027,2,17,2026,,,,,,
节假日,劳动节,2027年5月1日,2027-05-05,,,,,,,,,,,
调休,劳动节补课,2027-05-08,,2027-05-04,,,,,,,,,,
作息,夏季,2027-05-01,,,,,,,05-01,09-30,,1,08:30,09:15
作息,夏季,2027-05-01,,,,,,,05-01,09-30,,2,09:25,10:10
"""


def load_calendar(database: Database, cast: Cast, text: str, place: str | None = "A") -> Report:
    with database.write() as session:
        return run(session, calendar_import(cast.schools[place] if place else 0, HOOKS), text.encode(), now=NOW)


def test_a_calendar_in_one_file(database: Database, cast: Cast) -> None:
    report = load_calendar(database, cast, CALENDAR)
    assert report.written and report.created == 4, report.errors
    assert count(database, SpecialDay) == 6 and count(database, Term) == 6
    again = load_calendar(database, cast, CALENDAR)
    assert not again.written and again.unchanged == 4
    other = load_calendar(database, cast, CALENDAR.replace("劳动节,", "五一,"))
    assert (other.created, other.updated) == (0, 1)
    (difference,) = other.differences
    assert (difference.line, difference.label, difference.values) == (4, "2027-05-01", (("name", "劳动节", "五一"),))


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("学期,,2027-02-23,,,2026-2027,2,18,,,,,,,", "from", "term_not_monday"),
        ("学期,,2026-12-28,,,2026-2027,3,4,,,,,,,", "from", "terms_overlap"),
        ("学期,,2027-02-22,,,2026-2027,2,18,,,,,,,\n学期,,2027-06-07,,,2026-2027,3,4,,,,,,,", "from", "terms_overlap"),
        ("年级开学,,2027-03-01,,,2026-2027,2,17,2026,,,,,,", "number", "no_such_term_above"),
        ("节假日,,2027-05-05,2027-05-01,,,,,,,,,,,", "until", "ends_before_start"),
        ("节假日,节,2027-05-08,,,,,,,,,,,,\n调休,,2027-05-08,,2027-05-04,,,,,,,,,,", "from", "swap_onto_holiday"),
        ("调休,,2027-05-08,,,,,,,,,,,,", "takes", "required"),
        ("作息,,2027-05-01,,,,,,,,,,1,09:15,08:30", "ends", "ends_before_start"),
        ("作息,,2027-05-01,,,,,,,,,,1,25:15,08:30", "starts", "not_clock"),
        ("寒假,,2027-05-01,,,,,,,,,,,,", "kind", "not_a_kind"),
        ("节假日,,2027-99-01,,,,,,,,,,,,", "from", "not_date"),
    ],
)
def test_a_bad_line_of_a_calendar_is_named(
    sqlite_database: Database, cast: Cast, row: str, column: str, code: str
) -> None:
    head = CALENDAR.splitlines()[0]
    report = load_calendar(sqlite_database, cast, f"{head}\n{row}\n")
    line = 2 + row.count("\n")
    assert (line, column, code) in [(e.line, e.column, e.code) for e in report.errors] and not report.written


def test_only_special_days_are_for_all_schools(sqlite_database: Database, cast: Cast) -> None:
    report = load_calendar(sqlite_database, cast, CALENDAR, None)
    assert {e.code for e in report.errors} == {"only_special_days"}


# --- command line ------- --------------------------------------------------------------------------------------


def test_by_command_line(
    fresh: Fresh, database: Database, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZUTUAN_MODE", "test")
    monkeypatch.setenv("ZUTUAN_DATABASE", fresh.url)
    file, year = tmp_path / "课表.csv", tmp_path / "校历.csv"
    file.write_bytes((HEAD + "\n".join(ROWS)).encode("gb18030"))
    year.write_text(CALENDAR, encoding="utf-8-sig")
    where = ["import", "timetable", str(file), "--school", "甲牵头师范大学", "--term", "2026-2027-1"]
    dry = CliRunner().invoke(main, [*where, "--dry-run"])
    assert dry.exit_code == 0 and count(database, TimetableEntry) == 0, dry.output
    assert CliRunner().invoke(main, where).exit_code == 0 and count(database, TimetableEntry) == 4
    done = CliRunner().invoke(main, ["import", "calendar", str(year), "--school", "4199000001"])
    assert done.exit_code == 0 and count(database, SpecialDay) == 6, done.output
    assert CliRunner().invoke(main, [*where[:-1], "2031-2032-1"]).exit_code == 2
    failed = tmp_path / "有误.xlsx"
    file.write_text(HEAD + "\n".join([*ROWS, BAD_ROWS[0][0]]), encoding="utf-8")
    assert CliRunner().invoke(main, [*where, "--failed", str(failed)]).exit_code == 1
    book_ = openpyxl.load_workbook(failed)
    book_.active.cell(2, 3).value = "周二第1-2节{1-16周}"  # type: ignore[union-attr]
    book_.save(failed)
    assert CliRunner().invoke(main, [*where, "--mended", str(failed)]).exit_code == 0
    assert count(database, TimetableEntry) == 5
    assert CliRunner().invoke(main, ["import", "calendar", str(year), "--school", "没有"]).exit_code == 2
