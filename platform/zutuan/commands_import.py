"""`zutuan import …`: tables of the machine's operator, with a dry run that lists every bad row and writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from zutuan.calendar.calendars import EVERYWHERE, find_term
from zutuan.calendar.imports import calendar_import
from zutuan.calendar.sources import hooks_of
from zutuan.calendar.timetable_import import timetable_import
from zutuan.clock import at_shanghai, clock, local
from zutuan.clusters.imports import SCHOOLS, cluster_import
from zutuan.clusters.rules import AHEAD
from zutuan.config import load
from zutuan.db import Database
from zutuan.errors import Refused, say
from zutuan.importing import MAX_BYTES, Import, Report, RowError, Sheet, read, run
from zutuan.importing.mending import failed_workbook, with_mended
from zutuan.imports.kinds import Kinds, may
from zutuan.migrate import current_revision, head_revision
from zutuan.people.models import Person
from zutuan.people.rosters import roster_import
from zutuan.people.services import load_actor
from zutuan.people.signing_in import find_school
from zutuan.sharing.actor import Actor

SHOWN_ERRORS = 1000  # a file of the wrong kind has an error in every line
OUT = click.Path(dir_okay=False, writable=True, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group("import")
def import_group() -> None:
    """Read tables (.xlsx, .xls, CSV in UTF-8 or GBK). All rows or none; a second run changes nothing."""


@import_group.command()
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="List every bad row and write nothing.")
def schools(file: Path, dry_run: bool) -> None:
    """Schools: code,name,province,city,level,supervisor."""
    _run(SCHOOLS, file, dry_run)


@import_group.command()
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="List every bad row and write nothing.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Day (Shanghai) from which new members belong; now by default."
)
def clusters(file: Path, dry_run: bool, since: datetime | None) -> None:
    """Clusters and their members: cluster,role,school_code,school_name."""
    if since is not None and (since.year < 2000 or at_shanghai(since.date()) > clock.now() + AHEAD):
        raise click.BadParameter("must lie between 2000 and a year from now", param_hint="--since")
    _run(cluster_import(at_shanghai(since.date()) if since else None), file, dry_run)


DRY_RUN = click.option("--dry-run", is_flag=True, help="List every bad row and every difference, and write nothing.")
FAILED = click.option("--failed", type=OUT, help="Write the bad rows, with the reason beside each, to this workbook.")
MENDED = click.option(
    "--mended", type=FILE, help="The workbook that --failed wrote, mended: its rows take their places in FILE."
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What every import of a school has."""
    return DRY_RUN(FAILED(MENDED(command)))


@import_group.command()
@click.argument("file", type=FILE)
@click.option("--school", required=True, help="Whose people they are: name, code or id.")
@_options
def people(file: Path, school: str, dry_run: bool, failed: Path | None, mended: Path | None) -> None:
    """A school's people (学工号, 姓名, 邮箱, 身份, 院系 …): .xlsx, .xls, CSV, or HTML saved as .xls."""
    _run(lambda session: roster_import(_school(session, school)), file, dry_run, failed, mended)


@import_group.command()
@click.argument("file", type=FILE)
@click.option("--school", required=True, help="name, code or id")
@click.option("--term", required=True, help="2026-2027-1: academic year and number")
@_options
def timetable(file: Path, school: str, term: str, dry_run: bool, failed: Path | None, mended: Path | None) -> None:
    """A school's own timetable of a term: 课程名称,上课时间,班级,学号,教师学工号,教师,教室. Again: the term is the file's."""

    def make(session: Session) -> Import:
        school_id = _school(session, school)
        if find_term(session, school_id, term) is None:
            raise click.BadParameter("the school has no such term (write 2026-2027-1)", param_hint="--term")
        return timetable_import(school_id, term)

    _run(make, file, dry_run, failed, mended)


@import_group.command()
@click.argument("file", type=FILE)
@click.option("--school", help="name, code or id; without it, special days for all schools")
@_options
def calendar(file: Path, school: str | None, dry_run: bool, failed: Path | None, mended: Path | None) -> None:
    """Terms, period tables, holidays and swapped days. Meetings that lie ahead follow, and those concerned are told."""
    from zutuan.app import FEATURES

    hooks = hooks_of(FEATURES)

    def make(session: Session) -> Import:
        return calendar_import(_school(session, school) if school else EVERYWHERE, hooks)

    _run(make, file, dry_run, failed, mended)


@import_group.command()
@click.argument("file", type=FILE)
@click.option("--school", required=True, help="name, code or id")
@click.option("--term", required=True, help="2026-2027-1: academic year and number")
@click.option("--by", required=True, help="e-mail of the registrar or school admin who answers for it")
@_options
def offerings(
    file: Path, school: str, term: str, by: str, dry_run: bool, failed: Path | None, mended: Path | None
) -> None:
    """Teaching classes as a 教务系统 exports them: 课程代码,课程名称,学分,学时,教学班号,教师工号,上课时间,容量,面向学校 …"""
    from zutuan.app import FEATURES

    kinds = Kinds(FEATURES)

    def make(session: Session) -> Import:
        school_id = _school(session, school)
        if find_term(session, school_id, term) is None:
            raise click.BadParameter("the school has no such term (write 2026-2027-1)", param_hint="--term")
        if not may(_by(session, by), kinds["offerings"], school_id):
            raise click.BadParameter("may not import classes for this school", param_hint="--by")
        return kinds.make("offerings", school_id, {"term": term})

    _run(make, file, dry_run, failed, mended, by)


@import_group.command()
@click.argument("file", type=FILE)
@click.option("--school", required=True, help="the home school: name, code or id")
@click.option("--by", required=True, help="e-mail of the registrar who answers for it")
@_options
def recognitions(file: Path, school: str, by: str, dry_run: bool, failed: Path | None, mended: Path | None) -> None:
    """What courses of other schools count as: 课程代码,开课学校,认定结果,认定课程代码,认定课程名称,认定学分,课程类别,认定同,有效至"""
    from zutuan.app import FEATURES

    kinds = Kinds(FEATURES)

    def make(session: Session) -> Import:
        school_id = _school(session, school)
        if not may(_by(session, by), kinds["recognitions"], school_id):
            raise click.BadParameter("may not say what courses count as at this school", param_hint="--by")
        return kinds.make("recognitions", school_id)

    _run(make, file, dry_run, failed, mended, by)


def _by(session: Session, email: str) -> Actor:
    person = session.scalar(sa.select(Person).where(Person.email == email, Person.state == "active"))
    if person is None:
        raise click.BadParameter("nobody has this e-mail", param_hint="--by")
    return load_actor(session, person, clock.now())


def _school(session: Session, text: str) -> int:
    found = find_school(session, text)
    if found is None:
        raise click.BadParameter("no school of exactly this name, code or id", param_hint="--school")
    return found.id


Made = Import | Callable[[Session], Import]


def _run(
    kind: Made, file: Path, dry_run: bool, failed: Path | None = None, mended: Path | None = None, by: str = ""
) -> None:
    """`kind` is an import, or makes one once the database can be asked. `by`: the e-mail of who does it, else the
    machine's operator."""
    data = _bytes(file)
    database = Database(load().database)
    try:
        _need_tables(database)
        if not isinstance(kind, Import):
            with database.read() as session:
                kind = kind(session)
        sheet = read(data, kind.columns)
        if mended is not None:
            sheet = with_mended(sheet, read(_bytes(mended), kind.columns))
        report = _in_database(database, kind, data, dry_run, sheet, by)
    finally:
        database.dispose()
    _show(file, report, dry_run)
    if failed is not None and report.errors:
        failed.write_bytes(failed_workbook(sheet, report.errors).read())
        click.echo(f"有误的行已写入 {failed}")
    if report.errors:
        sys.exit(1)


def _bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _need_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        if current_revision(connection) != head_revision():
            raise click.ClickException("数据库还没有升级，请先运行：zutuan db upgrade")


def _in_database(database: Database, kind: Import, data: bytes, dry_run: bool, sheet: Sheet, by: str) -> Report:
    now = clock.now()
    if dry_run:
        with database.read() as session:
            return run(session, kind, data, now=now, dry_run=True, progress=_progress, sheet=sheet)
    try:
        with database.write() as session:
            actor = _by(session, by) if by else None
            return run(session, kind, data, now=now, actor=actor, progress=_progress, sheet=sheet)
    except Refused as error:
        raise click.ClickException(" ".join(say(error.code, error.params))) from error
    except IntegrityError as error:
        raise click.ClickException(" ".join(say("conflict"))) from error


def _progress(done: int, total: int) -> None:
    click.echo(f"已核对 {done} / {total} 行", err=True)


def _show(file: Path, report: Report, dry_run: bool) -> None:
    for error in report.errors[:SHOWN_ERRORS]:
        click.echo(describe(error))
    if len(report.errors) > SHOWN_ERRORS:
        click.echo(f"……另有 {len(report.errors) - SHOWN_ERRORS} 处有误，更正后再试会继续列出")
    click.echo(f"{file.name}（{report.encoding or '编码未知'}）{'  试运行' if dry_run else ''}")
    will = "" if report.written else "可"
    counts = {will + "新增": report.created, will + "更新": report.updated, "不变": report.unchanged}
    if report.removed:
        counts[will + "去掉"] = report.removed
    if report.proposed:
        counts["待本人接受"] = report.proposed
    for label, count in {**counts, "有误": report.bad_lines}.items():
        click.echo(f"  {label}\t{count:>6}")
    click.echo(_outcome(report, dry_run))


def _outcome(report: Report, dry_run: bool) -> str:
    if report.errors:
        return "有误的行须先更正，没有写入任何内容。"
    if dry_run:
        return "全部可以导入；这是试运行，没有写入任何内容。"
    if not report.written:
        return "与平台上的内容一致，没有需要写入的。"
    return f"已写入（{local(clock.now()):%Y-%m-%d %H:%M}）。"


def describe(error: RowError) -> str:
    """第 12 行 school_code：… — where the error is and what it is."""
    where = f"第 {error.line} 行" if error.line else "文件"
    return f"{where}{' ' + error.column if error.column else ''}：{error.sentence}"
