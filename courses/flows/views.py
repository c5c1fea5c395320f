"""Flows as pages, workbooks and the API show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue.labels import term_named
from courses.enrolment.views import EVENT
from courses.enrolment.views import STATE as ENROLMENT_STATE
from courses.flows import charts, figures, rules
from courses.flows.figures import BY_KEY, Figure
from courses.flows.listing import Line
from courses.flows.models import FigureFreeze, FrozenFigure
from courses.flows.queries import Board, SchoolLine
from courses.flows.rules import Difference, TermKey
from zutuan.clusters.words import ROLE_WORDS
from zutuan.exporting import Table
from zutuan.sharing import plan
from zutuan.web.texts import english

# What the tiles at the head show, and what the matrix may.
TILES = (
    "requests", "enrolled", "completed", "recognised", "credits", "waiting", "pending", "withdrawn", "denied", "stopped",
    "expired", "courses", "offerings", "courses_chosen", "seats", "seat_use", "outside_seats", "called_off", "lost",
    "made_good",
)  # fmt: skip
MATRIX = tuple(each.key for each in figures.FIGURES if each.rows == figures.ENROLMENT)
TIMES = ("home_median", "home_p90", "host_median", "host_p90")
# As enrolments have it, and what ended with its class.
STATE = {**ENROLMENT_STATE, "stopped": (EVENT["cancelled"], "bad")}
SENT, RECEIVED = _l("送出"), _l("接收")


def shown(figure: str, value: Decimal | None) -> str:
    """As people read it; nothing measured is a dash."""
    if value is None:
        return "—"
    text = f"{value.normalize():f}" if value else "0"
    return f"{text}%" if BY_KEY[figure].how == "share" else text


def number(value: Decimal | None) -> int | Decimal | None:
    """As a workbook keeps it."""
    return int(value) if value is not None and value == value.to_integral_value() else value


def term(key: TermKey) -> str:
    return term_named(key.year, key.number)


def task(code: str) -> str:
    return plan.TASKS[code].text if code in plan.TASKS else ""


def figure(key: str) -> Figure:
    return BY_KEY[key]


# --- tables of the page ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of the table of schools: a figure of the school as home (`side` home) or as host."""

    figure: str
    side: str
    label: Any


COLUMNS = (
    Column("requests", "home", _l("送出申请")), Column("enrolled", "home", _l("送出录取")),
    Column("requests", "host", _l("接收申请")), Column("enrolled", "host", _l("接收录取")),
)  # fmt: skip
OUTCOMES = (
    Column("completed", "home", _l("送出修完")), Column("recognised", "home", _l("已认定成绩")),
    Column("credits", "home", _l("认定学分")), Column("waiting", "home", _l("候补中")), Column("denied", "home", _l("未通过")),
    Column("stopped", "home", _l("因停开结束")), Column("withdrawn", "home", _l("退出")), Column("home_median", "home", _l("审核用时（小时）")),
)  # fmt: skip
OFFERED = (
    Column("courses", "host", _l("共享课程")), Column("offerings", "host", _l("教学班")),
    Column("offerings_chosen", "host", _l("有外校学生")), Column("seats", "host", _l("提供名额")),
    Column("seats_taken", "host", _l("已占名额")), Column("seat_use", "host", _l("使用率")),
    Column("waiting", "host", _l("候补中")), Column("host_median", "host", _l("接收用时（小时）")),
)  # fmt: skip
ALL_COLUMNS = (*COLUMNS, *OUTCOMES, *OFFERED)


def cell(board: Board, column: Column, school: SchoolLine) -> Decimal | None:
    return board.get(column.figure, **{column.side: school.id})


def balance(board: Board, school: SchoolLine) -> Decimal:
    """Received less sent, of those enrolled."""
    return (board.get("enrolled", host=school.id) or Decimal(0)) - (board.get("enrolled", home=school.id) or Decimal(0))


def signed(value: Decimal | None) -> str:
    return (
        "—" if value is None else f"+{value.normalize():f}" if value > 0 else f"{value.normalize():f}" if value else "0"
    )


def highest(board: Board, key: str) -> Decimal:
    """Of the matrix's cells."""
    pairs = (value for (name, home, host), value in board.values.items() if name == key and home and host)
    return max((value for value in pairs if value is not None), default=Decimal(0))


def axes(board: Board, key: str, schools: frozenset[int] | None) -> tuple[list[SchoolLine], list[SchoolLine]]:
    """(home schools, host schools) of the matrix: those with something in it, and one's own."""
    homes = {home for name, home, host in board.values if name == key and home and host}
    hosts = {host for name, home, host in board.values if name == key and home and host}
    own = schools or frozenset()
    return (
        [each for each in board.schools if each.id in homes or each.id in own],
        [each for each in board.schools if each.id in hosts or each.id in own],
    )


# --- charts ---------------------------------------------------------------------------------------------------------


def sent_and_received(board: Board) -> charts.Bars:
    """Two bars a school, of those enrolled; schools without either are left out."""
    rows: list[tuple[str, Sequence[tuple[Any, str]]]] = []
    for school in board.schools:
        sides = (board.get("enrolled", home=school.id), board.get("enrolled", host=school.id))
        if any(sides):
            rows.append((school.name, [(value, shown("enrolled", value)) for value in sides]))
    return charts.bars(rows)


def times(board: Board, side: str) -> charts.Bars:
    """The median of each school as a bar, its ninth tenth as a mark."""
    rows: list[tuple[str, Sequence[tuple[Any, str]]]] = []
    ticks = []
    for school in board.schools:
        middle, most = (board.get(f"{side}_{name}", **{side: school.id}) for name in ("median", "p90"))
        if middle is not None:
            text = _("%(n)s 小时，九成 %(most)s", n=shown(f"{side}_median", middle), most=shown(f"{side}_p90", most))
            rows.append((school.name, [(middle, text)]))
            ticks.append([most])
    return charts.bars(rows, ticks, after=180)


def flow(board: Board, key: str, shape: charts.Shape = charts.BROAD) -> charts.Flow:
    pairs = {
        (home, host): value
        for (name, home, host), value in board.values.items()
        if name == key and home is not None and host is not None and value
    }
    return charts.flow(pairs, {each.id: each.name for each in board.schools}, _("其他学校"), shape)


# --- workbooks ------------------------------------------------------------------------------------------------------


def _named(board: Board, school_id: int | None) -> str:
    return next((each.name for each in board.schools if each.id == school_id), "")


def tables(board: Board, cluster: str, when: TermKey, code: str, moment: Any) -> list[Table]:
    """The whole board: what it is of and what each figure means first."""
    return [
        _totals(board),
        _by_school(board),
        *_matrices(board),
        definitions(_of_now(), _head(cluster, when, code, moment)),
    ]


def _totals(board: Board) -> Table:
    rows = [(str(each.title), number(board.get(each.key)), str(each.unit), task(each.plan)) for each in figures.FIGURES]
    return Table(_("合计"), [_("指标"), _("数值"), _("单位"), _("计划任务")], rows, (34, 12, 12, 24))


def _by_school(board: Board) -> Table:
    heads = [_("学校"), _("在组团中的角色"), *(str(each.label) for each in ALL_COLUMNS), _("接收减送出（录取）")]
    rows = [
        (
            school.name, str(ROLE_WORDS[school.role]) if school.role else "",
            *(number(cell(board, column, school)) for column in ALL_COLUMNS), number(balance(board, school)),
        )
        for school in board.schools
    ]  # fmt: skip
    return Table(_("各校"), heads, rows, (26, 16))


def _matrices(board: Board) -> list[Table]:
    return [
        Table(
            _("流向：%(figure)s", figure=BY_KEY[key].title), [_("送出学校 ＼ 开课学校"), *(each.name for each in board.schools)],
            [
                (home.name, *(number(board.get(key, home.id, host.id)) for host in board.schools))
                for home in board.schools
            ], (26,),
        )
        for key in ("requests", "enrolled", "completed", "recognised", "credits", "waiting")
    ]  # fmt: skip


def _head(cluster: str, when: TermKey, code: str, moment: Any) -> list[tuple[str, Any]]:
    return [
        (_("组团"), cluster),
        (_("学期"), term(when)),
        (_("计划任务"), task(code) or _("全部")),
        (_("统计时间"), moment),
    ]


def _of_now() -> list[tuple[str, str, str, str]]:
    return [(str(each.title), str(each.unit), str(each.definition), task(each.plan)) for each in figures.FIGURES]


def definitions(said: Iterable[tuple[str, str, str, str]], head: Iterable[tuple[str, Any]]) -> Table:
    rows: list[tuple[Any, ...]] = [(name, "", value, "") for name, value in head]
    heads = [_("指标"), _("单位"), _("含义"), _("计划任务")]
    return Table(_("说明"), heads, [*rows, *said], (34, 12, 90, 24))


# --- rows -----------------------------------------------------------------------------------------------------------

_ID, _STATE = _l("选课编号"), _l("状态")


def rows_table(key: str, lines: Iterable[Line], *, frozen: bool) -> Table:
    """The rows behind a figure as a sheet."""
    figure_ = BY_KEY[key]
    cells: list[tuple[Any, Callable[[Line], Any]]] = [(_("课程"), _title), (_("开课学校"), lambda each: each.host)]
    if figure_.rows == figures.COURSE:
        cells.append((_("课程代码"), lambda each: each.code))
    elif figure_.rows == figures.OFFERING:
        cells += [
            (_("教学班"), lambda each: each.code), (_("名额"), lambda each: each.seats), (_("已占"), lambda each: each.taken),
        ]  # fmt: skip
    else:
        cells += [
            (_("教学班"), lambda each: each.code), (_("学生所在学校"), lambda each: each.home), (_ID, lambda each: each.id),
            (_("学号"), lambda each: each.number), (_("姓名"), lambda each: each.student),
            (_("申请时间"), lambda each: each.at), (_STATE, lambda each: str(STATE[each.state][0])),
        ]  # fmt: skip
        if figure_.adds is not None:
            cells.append((str(figure_.unit), lambda each: number(added(key, each))))
    if frozen:
        cells.append((_("现在仍计入"), lambda each: _("是") if each.counts else _("否")))
    return Table(
        str(figure_.title), [head for head, _value in cells], ([value(each) for _h, value in cells] for each in lines)
    )


def _title(line: Line) -> str:
    return (english() and line.title_en) or line.title_zh


def added(key: str, line: Line) -> Decimal | None:
    """What a row adds, in the figure's unit."""
    if line.adds is None:
        return None
    return rules.hours(int(line.adds)) if BY_KEY[key].how != "sum" else Decimal(line.adds)


# --- frozen ---------------------------------------------------------------------------------------------------------


def words(frozen: FrozenFigure) -> tuple[str, str, str]:
    """(title, unit, definition) as they were, in the reader's language."""
    if english():
        return frozen.title_en, frozen.unit_en, frozen.definition_en
    return frozen.title_zh, frozen.unit_zh, frozen.definition_zh


def then(board: Board, now: Board, freeze: FigureFreeze) -> list[dict[str, Any]]:
    """Each frozen figure over all schools, beside what it says now."""
    rows = []
    for each in freeze.figures:
        title, unit, definition = words(each)
        before, after = board.get(each.figure), now.get(each.figure) if each.figure in BY_KEY else None
        rows.append({
            "key": each.figure, "title": title, "unit": unit, "definition": definition, "then": before, "now": after,
            "change": None if before is None or after is None else after - before, "plan": each.plan_code,
        })  # fmt: skip
    return rows


def place(board: Board, now: Board, each: Difference) -> str:
    """Which cell differs, in words."""
    _figure, home, host = each.cell
    names = {**{line.id: line.name for line in now.schools}, **{line.id: line.name for line in board.schools}}
    if home is not None and host is not None:
        return f"{names.get(home, home)} → {names.get(host, host)}"
    if home is not None:
        return _("%(school)s送出", school=names.get(home, home))
    return _("%(school)s接收", school=names.get(host, host)) if host is not None else _("合计")


def frozen_tables(board: Board, now: Board, freeze: FigureFreeze, by: str, *, whole: bool) -> list[Table]:
    """`whole`: for who reads every school's lines; to anybody else the sums over all are nothing that they could say."""
    totals = [
        (row["title"], number(row["then"]), number(row["now"]), number(row["change"]), row["unit"], task(row["plan"]))
        for row in then(board, now, freeze)
    ]
    titles = {each.figure: words(each)[0] for each in freeze.figures}
    changed = [
        (titles.get(each.cell[0], each.cell[0]), place(board, now, each), number(each.then), number(each.now), number(each.change))
        for each in rules.differences(board.values, now.values, figures.EMPTY)
    ]  # fmt: skip
    head = [
        *_head(freeze.cluster_name, TermKey(freeze.academic_year, freeze.number), freeze.plan_code, freeze.frozen_at),
        (_("名称"), freeze.name), (_("说明"), freeze.note), (_("定格人"), by), (_("平台版本"), freeze.platform),
    ]  # fmt: skip
    values = [_("指标"), _("定格"), _("现在"), _("变化"), _("单位"), _("计划任务")]
    cells = [
        (titles.get(key, key), _named(board, home), _named(board, host), number(value))
        for (key, home, host), value in board.values.items()
    ]
    return [
        *([Table(_("定格与现在"), values, totals, (34,))] if whole else []),
        Table(_("定格的全部数值"), [_("指标"), _("学生所在学校"), _("开课学校"), _("数值")], cells, (34, 26, 26)),
        Table(_("有变化的"), [_("指标"), _("位置"), _("定格"), _("现在"), _("变化")], changed, (34, 44)),
        definitions(((*words(each), task(each.plan_code)) for each in freeze.figures), head),
    ]  # fmt: skip
