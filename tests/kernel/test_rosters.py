"""Rosters: what schools' lists of people change, and what they may not."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from support.cast import NOW, Cast

from zutuan.db import Database
from zutuan.importing import Report, read, run
from zutuan.importing.mending import failed_workbook, with_mended
from zutuan.people.models import Affiliation, Person, Proposal
from zutuan.people.roster_rules import Known, Same, Update, decide, lost_zeros, name_key, strangers
from zutuan.people.rosters import COLUMNS, roster_import
from zutuan.sharing.models import AuditEvent

HEAD = "学工号,姓名,邮箱,身份,院系,专业,年级,班级,培养层次,培养类型,学籍状态\n"


def load(database: Database, cast: Cast, text: str | bytes, school: str = "A", **kw: Any) -> Report:
    data = text.encode() if isinstance(text, str) else text
    with database.write() as session:
        return run(session, roster_import(cast.schools[school]), data, now=NOW, **kw)


def codes(report: Report) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.code) for error in report.errors]


def person(database: Database, cast: Cast, number: str, school: str = "A") -> tuple[Person, Affiliation]:
    with database.read() as session:
        a = session.scalars(
            sa.select(Affiliation)
            .where(Affiliation.school_id == cast.schools[school], Affiliation.number == number)
            .options(sa.orm.joinedload(Affiliation.person), sa.orm.joinedload(Affiliation.department))
        ).one()
        return a.person, a


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.proposed, report.unchanged


# --- new people, changes, nothing to do -------------------------------------------------------------------------


def test_a_roster_makes_people_as_the_school_has_them(database: Database, cast: Cast) -> None:
    row = "0024001,阿卜杜拉•买买提,,本科生,教育学院,小学教育,2024,2024级1班,本科,公费师范生,在读\n"
    report = load(database, cast, HEAD + row)
    assert (counts(report), report.errors, report.written) == ((1, 0, 0, 0), (), True)
    who, a = person(database, cast, "0024001")
    assert (who.name, who.email, who.password_hash) == ("阿卜杜拉•买买提", None, None)
    assert (a.kind, a.major, a.grade, a.class_name) == ("student", "小学教育", "2024", "2024级1班")
    assert (a.level, a.programme, a.standing, a.until) == ("本科", "公费师范生", "active", None)
    assert a.department is not None
    assert a.department.name == "教育学院"
    with database.read() as session:
        audits = sa.select(AuditEvent.action, AuditEvent.subject_id).where(AuditEvent.subject_id == who.id)
        assert session.execute(audits).all() == [("person.create", who.id)]


def test_a_second_run_finds_nothing_to_do_and_a_dry_run_writes_nothing(database: Database, cast: Cast) -> None:
    text = HEAD + "1,甲,,学生,教育学院,,2024,,,,在读\n2,乙,,教师,教育学院,,,,,,在职\n"
    assert not load(database, cast, text, dry_run=True).written
    load(database, cast, text)
    again = load(database, cast, text)
    assert (counts(again), again.written, again.differences) == ((0, 0, 0, 2), False, ())


def test_differences_are_shown_before_they_are_written(database: Database, cast: Cast) -> None:
    load(database, cast, HEAD + "1,甲,,学生,教育学院,语文,2024,1班,,,在读\n2,乙,,学生,,,,,,,在读\n")
    report = load(database, cast, HEAD + "1,甲,jia@x.example,学生,文学院,语文,2024,2班,,,休学\n2,乙,,学生,,,,,,,\n")
    assert counts(report) == (0, 1, 0, 1)
    (difference,) = report.differences
    assert (difference.outcome, difference.label) == ("updated", "1 甲")
    assert dict((name, (before, after)) for name, before, after in difference.values) == {
        "department": ("教育学院", "文学院"), "class_name": ("1班", "2班"), "standing": ("active", "suspended"),
        "email": ("", "jia@x.example"),
    }  # fmt: skip
    who, a = person(database, cast, "1")
    assert (who.email, a.standing, a.until) == ("jia@x.example", "suspended", None)


def test_who_graduates_has_left_and_who_comes_back_is_back(database: Database, cast: Cast) -> None:
    head = "学号,姓名,学籍状态\n"
    load(database, cast, head + "1,甲,在读\n2,乙,毕业\n")
    assert person(database, cast, "2")[1].until == NOW
    load(database, cast, head + "1,甲,退学\n")
    assert (person(database, cast, "1")[1].standing, person(database, cast, "1")[1].until) == ("withdrawn", NOW)
    load(database, cast, "学号,姓名\n1,甲\n")
    assert person(database, cast, "1")[1].until == NOW
    load(database, cast, head + "1,甲,在读\n")
    assert (person(database, cast, "1")[1].standing, person(database, cast, "1")[1].until) == ("active", None)


def test_an_import_ends_nobody_it_does_not_name(database: Database, cast: Cast) -> None:
    with database.read() as session:
        before = session.scalars(sa.select(Affiliation.id).where(Affiliation.until.is_(None))).all()
    load(database, cast, "学号,姓名\n1,甲\n")
    with database.read() as session:
        after = session.scalars(sa.select(Affiliation.id).where(Affiliation.until.is_(None))).all()
    assert set(before) < set(after)


# --- accounts that exist ----------------------------------------------------------------------------------------


def test_an_account_of_another_school_gets_a_proposal_and_keeps_its_own(database: Database, cast: Cast) -> None:
    teacher = cast.who("B", "teacher")
    with database.read() as session:
        name = session.get_one(Person, teacher.id).name
    row = f"T9,{name},{teacher.email.upper()},教师,教育学院,,,,,,在职\n"
    report = load(database, cast, HEAD + row)
    assert counts(report) == (0, 0, 1, 0)
    with database.read() as session:
        proposal = session.scalars(sa.select(Proposal)).one()
        assert (proposal.person_id, proposal.state, proposal.values["kind"]) == (teacher.id, "open", "teacher")
        here = sa.select(Affiliation.id).where(Affiliation.person_id == teacher.id)
        assert session.scalars(here).all() == [teacher.affiliation_id]
    assert counts(load(database, cast, HEAD + row)) == (0, 0, 0, 1)
    assert counts(load(database, cast, HEAD + row.replace("教育学院", "文学院"))) == (0, 0, 1, 0)
    with database.read() as session:
        assert session.scalars(sa.select(Proposal)).one().values["department"] == "文学院"


def test_an_address_of_somebody_else_is_a_bad_row(database: Database, cast: Cast) -> None:
    there, here = cast.who("B", "teacher").email, cast.who("A", "teacher")
    report = load(database, cast, HEAD + f"1,别人,{there},,,,,,,,\n2,别人,{here.email},,,,,,,,\n")
    assert codes(report) == [(2, "email", "email_elsewhere"), (3, "email", "email_of_other_number")]
    assert report.errors[1].params == {"number": here.number}
    assert there not in report.errors[0].sentence


def test_the_address_of_an_account_is_its_owners(database: Database, cast: Cast) -> None:
    here = cast.who("A", "teacher")
    name = person(database, cast, here.number)[0].name
    report = load(database, cast, f"工号,姓名,邮箱\n{here.number},{name},other@x.example\n")
    assert (counts(report), report.differences[0].outcome) == ((0, 0, 0, 1), "kept")
    assert person(database, cast, here.number)[0].email == here.email


# --- mistakes ---------------------------------------------------------------------------------------------------


def test_every_bad_row_is_named_and_nothing_is_written(database: Database, cast: Cast) -> None:
    load(database, cast, "学号,姓名\n00123,甲\n")
    rows = (
        ",无号,,,,,,,,,", "2.02E+11,科学,,,,,,,,,", "123,甲,,,,,,,,,", "5,,,,,,,,,,", "6,己,not-an-address,,,,,,,,",
        "7,庚,,神仙,,,,,,,", "8,辛,,,,,,,,,飞升", "9,壬,a@x.example,,,,,,,,", "9,癸,,,,,,,,,", "10,子,a@x.example,,,,,,,,",
        "11 2,丑,,,,,,,,,", f"12,{'长' * 61},,,,,,,,,", "13,好,,,,,,,,,",
    )  # fmt: skip
    report = load(database, cast, HEAD + "".join(row + "\n" for row in rows))
    assert codes(report) == [
        (2, "number", "required"), (3, "number", "import_number_rounded"), (4, "number", "number_lost_zeros"),
        (5, "name", "required"), (6, "email", "bad_email"), (7, "kind", "not_a_choice"), (8, "standing", "not_a_choice"),
        (10, "number", "import_duplicate_row"), (11, "email", "import_duplicate_row"), (12, "number", "bad_number"),
        (13, "name", "too_long"),
    ]  # fmt: skip
    assert all(error.sentence for error in report.errors)
    assert report.created == 2
    with database.read() as session:
        assert session.scalar(sa.select(Affiliation.id).where(Affiliation.number == "13")) is None


def test_a_roster_of_another_school_is_refused(database: Database, cast: Cast) -> None:
    report = load(database, cast, "学校,学号,姓名\n甲参与师范大学,1,甲\n甲牵头师范大学,2,乙\n4199000001,3,丙\n")
    assert codes(report) == [(2, "school", "other_school")]
    load(database, cast, "学号,姓名\n" + "".join(f"{n},甲{n}\n" for n in range(20)))
    report = load(database, cast, "学号,姓名\n" + "".join(f"{n},别人{n}\n" for n in range(20)))
    assert codes(report) == [(0, "", "roster_of_other_school")]


def test_bad_rows_come_back_as_a_workbook_and_take_their_places_mended(database: Database, cast: Cast) -> None:
    good = "".join(f"{n:06d},学生{n},,,,,,,,,在读\n" for n in range(50))
    text = (HEAD + good + "000901,甲,x,,,,,,,,在读\n000902,乙,,,,,,,,,飞升\n少,一列\n").encode("gbk")
    report = load(database, cast, text)
    assert (report.bad_lines, report.written) == (3, False)
    assert report.sheet is not None
    book = openpyxl.load_workbook(failed_workbook(report.sheet, report.errors))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0][0] == "原文件行号（请勿修改）"
    assert [row[0] for row in rows[1:]] == ["52", "53", "54"]
    assert all(row[-1] for row in rows[1:])
    mended = _mend(
        book, {"52": {"邮箱": "x@x.example"}, "53": {"学籍状态": "在读"}, "54": {"学工号": "000903", "姓名": "丙"}}
    )
    sheet = with_mended(report.sheet, read(mended, COLUMNS))
    done = load(database, cast, text, sheet=sheet)
    assert (codes(done), counts(done), done.written) == ([], (53, 0, 0, 0), True)
    assert person(database, cast, "000901")[0].email == "x@x.example"


def _mend(book: Any, changes: dict[str, dict[str, str]]) -> bytes:
    titles = [cell.value for cell in book.active[1]]
    for row in book.active.iter_rows(min_row=2):
        for title, value in changes.get(str(row[0].value), {}).items():
            row[titles.index(title)].value = value
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# --- rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dot", "\u00b7\u2022\u2027\u30fb\uff0e\u00b0\u22c5")
def test_every_dot_of_a_name_is_the_same_dot(dot: str) -> None:
    assert name_key(f"买买提{dot}艾力") == name_key("买买提 · 艾力")


@pytest.mark.parametrize(
    ("number", "known", "whole"),
    [("123", ["00123"], "00123"), ("123", ["123"], None), ("00123", ["123"], None), ("124", ["00123"], None)],
)
def test_lost_zeros(number: str, known: Sequence[str], whole: str | None) -> None:
    assert lost_zeros(number, {each.lstrip("0"): each for each in known}) == whole


@pytest.mark.parametrize(
    ("matched", "renamed", "answer"), [(9, 9, False), (100, 10, False), (30, 10, True), (0, 0, False)]
)
def test_strangers(matched: int, renamed: int, answer: bool) -> None:
    assert strangers(matched, renamed) is answer


FACT = st.dictionaries(st.sampled_from(["major", "grade", "class_name", "level"]), st.sampled_from(["", "甲", "乙"]))


@given(FACT, FACT, st.sampled_from(["", "active", "suspended", "graduated"]), st.booleans())
def test_what_is_decided_once_is_nothing_the_second_time(
    before: dict[str, str], said: dict[str, str], standing: str, ended: bool
) -> None:
    """Applying a decision and deciding again finds nothing: a second import never writes."""
    facts = {"kind": "student", "standing": "active", **before}
    values = {"number": "1", "name": "甲", "standing": standing, **said}
    outcome = decide(values, Known(1, 1, "甲", None, facts, ended), None, None)
    if isinstance(outcome, Update):
        gone = (ended and not outcome.reopen) or outcome.leaves
        after = Known(1, 1, "甲", None, {**facts, **outcome.facts}, gone)
        assert decide(values, after, None, None) == Same()
    else:
        assert outcome == Same()
