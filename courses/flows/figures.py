"""The registry of figures: what each is called, what exactly it counts, and the condition on rows by which it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import aliased

from courses.catalogue.models import Course, Offering
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.enrolment.rules import FREEING
from courses.flows import counting, rules
from courses.flows.counting import Scope
from courses.flows.rules import Row
from courses.minimum.models import LostSeat
from courses.results.models import Result
from zutuan.calendar.models import Term

# The task of the plan that the figures report on: 学生协同培养.
TASK = "2.2.2"
ENROLMENT, OFFERING, COURSE, HOME_WORD, HOST_WORD = "enrolment", "offering", "course", "home_word", "host_word"
# By which schools the rows of each kind are told apart.
BY_HOME, BY_HOST = (ENROLMENT, HOME_WORD), (ENROLMENT, OFFERING, COURSE, HOST_WORD)


@dataclass(frozen=True)
class Figure:
    """`rows`: what is counted; `where`: which of them; `adds`: what each adds (nothing: one); `how` they become a number:
    `sum`, a percentile in hours (`p50`, `p90`), or `share`: in percent, of the figures `part` and `whole`."""

    key: str
    title: Any
    unit: Any
    definition: Any
    rows: str
    where: Callable[[Scope], sa.ColumnElement[bool]] | None = None
    adds: Callable[[], Any] | None = None
    how: str = "sum"
    part: str = ""
    whole: str = ""
    plan: str = TASK

    @property
    def empty(self) -> Decimal | None:
        """What it says where nothing is counted."""
        return Decimal(0) if self.how == "sum" else None

    @property
    def percent(self) -> int:
        return int(self.how[1:])

    def measure(self, adds: Sequence[int | Decimal]) -> Decimal | None:
        if self.how == "sum":
            return sum((Decimal(each) for each in adds), Decimal(0))
        return rules.hours(rules.percentile((int(each) for each in adds), self.percent))


# --- states, first match as in `rules.combined` ------------------------------------------------------------------

_BOTH = (Enrolment.home_state, Enrolment.host_state)
_OVER = [(sa.or_(*(side == state for side in _BOTH)), state) for state in FREEING]
# 停开: it ended with its class; nobody said no to this student.
_ENDED_WITH_IT = sa.select(EnrolmentEvent.id).where(
    EnrolmentEvent.enrolment_id == Enrolment.id, EnrolmentEvent.event == "cancelled"
)
STOPPED = sa.and_(Offering.state == "cancelled", _ENDED_WITH_IT.correlate(Enrolment).exists())
_PASSED = [side.in_(("accepted", "completed")) for side in _BOTH]
_STATE = sa.case(
    (STOPPED, "stopped"), *_OVER, (Enrolment.host_state == "queued", "waitlisted"),
    (Enrolment.host_state == "offered", "offered"),
    (sa.and_(*(side == "completed" for side in _BOTH)), "completed"), (sa.and_(*_PASSED), "enrolled"), else_="pending",
)  # fmt: skip


def in_state(*states: str) -> Callable[[Scope], sa.ColumnElement[bool]]:
    return lambda _scope: _STATE.in_(states)


ENROLLED = in_state("enrolled", "completed")


def _recognised(_scope: Scope) -> sa.ColumnElement[bool]:
    return Result.state == "recognised"


def _credits() -> sa.ColumnElement[Decimal]:
    return sa.func.coalesce(Result.credits, sa.literal(Decimal(0), Result.credits.type))


def _chosen_from_outside(scope: Scope) -> sa.ColumnElement[bool]:
    """Classes with a student of another member school, by the rows of `enrolled`."""
    of_them = counting.enrolments(scope).where(ENROLLED(scope))
    return Offering.id.in_(of_them.with_only_columns(Enrolment.offering_id, maintain_column_froms=True))


def _held(_scope: Scope) -> sa.ColumnElement[bool]:
    return Offering.state != "cancelled"


def _called_off(_scope: Scope) -> sa.ColumnElement[bool]:
    return Offering.state == "cancelled"


def _lost(_scope: Scope) -> sa.ColumnElement[bool]:
    return sa.exists().where(LostSeat.enrolment_id == Enrolment.id).correlate(Enrolment)


def _made_good(scope: Scope) -> sa.ColumnElement[bool]:
    """Those who hold a seat in another class of the term that they asked for after theirs was called off."""
    other, there, term, off = aliased(Enrolment), aliased(Offering), aliased(Term), aliased(Offering)
    query = sa.select(other.id).join(there, there.id == other.offering_id).join(term, term.id == there.term_id)
    query = query.join(off, off.id == Enrolment.offering_id).where(other.created_at >= off.decided_at)
    query = query.where(term.academic_year == scope.term.year, term.number == scope.term.number)
    query = query.where(other.person_id == Enrolment.person_id, other.holds_seat())
    return sa.and_(_lost(scope), query.correlate(Enrolment).exists())


_TIMES, _PLACES, _CLASSES, _COURSES, _HOURS = _l("人次"), _l("个名额"), _l("个教学班"), _l("门"), _l("小时")

FIGURES: tuple[Figure, ...] = (
    Figure(
        "requests", _l("申请"), _TIMES,
        _l("成员学校学生选修另一成员学校教学班的申请，每申请一次计一次，不论结果。申请当时两校都是本组团成员，课程当时向本组团（或其中一类学校）或全平台共享；教学班属于本学期。"),
        ENROLMENT,
    ),
    Figure(
        "enrolled", _l("录取"), _TIMES,
        _l("申请中学生所在学校和开课学校都已同意的，含已经修完的；已退出、未通过、因停开结束、逾期释放的不计。"),
        ENROLMENT, ENROLLED,
    ),
    Figure("completed", _l("修完"), _TIMES, _l("录取中两校都已登记修完的，含不及格的。"), ENROLMENT, in_state("completed")),
    Figure(
        "recognised", _l("已认定成绩"), _TIMES,
        _l("申请中成绩已由学生所在学校认定的，不论及格与否；等待认定和不予认定的不计。"), ENROLMENT, _recognised,
    ),
    Figure(
        "credits", _l("认定学分"), _l("学分"), _l("已认定成绩中学生所在学校认定的学分之和。"),
        ENROLMENT, _recognised, _credits,
    ),
    Figure("pending", _l("审核中"), _TIMES, _l("申请中仍在等待任一学校答复的；候补的不计。"), ENROLMENT, in_state("pending")),
    Figure(
        "waiting", _l("候补中"), _TIMES, _l("申请中仍在排队，或已递补到名额而学生还没有接受的，以查看时为准。"),
        ENROLMENT, in_state("waitlisted", "offered"),
    ),
    Figure("withdrawn", _l("退出"), _TIMES, _l("申请中由学生或学生所在学校退选、退课或换班的。"), ENROLMENT, in_state("withdrawn")),
    Figure("denied", _l("未通过"), _TIMES, _l("申请中任一学校没有同意的；因停开结束的不计。"), ENROLMENT, in_state("denied")),
    Figure(
        "stopped", _l("因停开结束"), _TIMES, _l("申请中随教学班停开而结束的，含候补中的；学校先前已经没有同意的计入未通过。"),
        ENROLMENT, in_state("stopped"),
    ),
    Figure("expired", _l("逾期释放"), _TIMES, _l("申请中到期没有答复或没有接受而释放的。"), ENROLMENT, in_state("expired")),
    Figure(
        "outside_seats", _l("外校学生占用名额"), _PLACES, _l("申请中现在占有名额的，含等待答复的。"),
        ENROLMENT, lambda _scope: Enrolment.holds_seat(),
    ),
    Figure(
        "offerings", _l("共享教学班"), _CLASSES,
        _l("成员学校本学期已发布的教学班，在其选课期间内学校是本组团成员，且课程向本组团（或其中一类学校）或全平台共享；停开的不计。"), OFFERING,
        _held,
    ),
    Figure("courses", _l("共享课程"), _COURSES, _l("共享教学班所属的课程，同一课程开多个班计一门。"), COURSE, _held),
    Figure(
        "offerings_chosen", _l("有外校学生的教学班"), _CLASSES, _l("共享教学班中至少有一名其他成员学校学生录取的。"),
        OFFERING, _chosen_from_outside,
    ),
    Figure(
        "courses_chosen", _l("有外校学生的课程"), _COURSES, _l("有外校学生的教学班所属的课程，同一课程计一门。"),
        COURSE, _chosen_from_outside,
    ),
    Figure(
        "seats", _l("提供名额"), _PLACES, _l("共享教学班的全部名额之和，含留给本校和其他组团的；名额调低后仍被占用的照计。"),
        OFFERING, _held, counting.capacity,
    ),
    Figure(
        "seats_taken", _l("已占名额"), _PLACES, _l("共享教学班中已被占用的名额之和，不论学生来自哪所学校。"),
        OFFERING, _held, counting.taken,
    ),
    Figure(
        "seat_use", _l("名额使用率"), "%", _l("已占名额除以提供名额，保留一位小数。"),
        OFFERING, _held, None, "share", "seats_taken", "seats",
    ),
    Figure(
        "called_off", _l("停开教学班"), _CLASSES,
        _l("成员学校本学期发布后又停开的教学班，其余条件与共享教学班相同。"), OFFERING, _called_off,
    ),
    Figure("lost", _l("停开失去名额"), _TIMES, _l("申请中因教学班停开而失去名额的，含当时等待答复的。"), ENROLMENT, _lost),
    Figure(
        "made_good", _l("停开后改选"), _TIMES,
        _l("停开失去名额中，学生在停开之后申请并占有本学期另一教学班名额的。"), ENROLMENT, _made_good,
    ),
    Figure(
        "home_median", _l("学生所在学校审核用时（中位数）"), _HOURS,
        _l("从提交申请（候补的从接受名额）到学生所在学校作出最后答复的小时数，含节假日和退回修改的时间；半数申请不超过此值。无需审核或还没有答复的不计。"),
        HOME_WORD, None, counting.home_seconds, "p50",
    ),
    Figure(
        "home_p90", _l("学生所在学校审核用时（九成以内）"), _HOURS,
        _l("从提交申请（候补的从接受名额）到学生所在学校作出最后答复的小时数，含节假日和退回修改的时间；十分之九的申请不超过此值。无需审核或还没有答复的不计。"),
        HOME_WORD, None, counting.home_seconds, "p90",
    ),
    Figure(
        "host_median", _l("开课学校接收用时（中位数）"), _HOURS,
        _l("从学生所在学校同意（开课学校先答复的，从提交申请）到开课学校作出答复的小时数，含节假日；半数申请不超过此值。无需接收或还没有答复的不计。"),
        HOST_WORD, None, counting.host_seconds, "p50",
    ),
    Figure(
        "host_p90", _l("开课学校接收用时（九成以内）"), _HOURS,
        _l("从学生所在学校同意（开课学校先答复的，从提交申请）到开课学校作出答复的小时数，含节假日；十分之九的申请不超过此值。无需接收或还没有答复的不计。"),
        HOST_WORD, None, counting.host_seconds, "p90",
    ),
)  # fmt: skip
BY_KEY = {each.key: each for each in FIGURES}
EMPTY = {each.key: each.empty for each in FIGURES}


def of(kind: str) -> list[Figure]:
    """The figures that count rows of this kind."""
    return [each for each in FIGURES if each.rows == kind and each.how != "share"]


# --- rows ---------------------------------------------------------------------------------------------------------


def select(figure: Figure, scope: Scope) -> Any:
    """The rows that a figure counts, each once: the one select that its number and its list are made of."""
    if figure.rows == ENROLMENT:
        query = counting.enrolments(scope)
    elif figure.rows in (HOME_WORD, HOST_WORD):
        assert figure.adds is not None
        return counting.enrolments(scope).where(figure.adds().is_not(None))
    else:
        query = counting.offerings(scope)
    query = query.where(figure.where(scope)) if figure.where else query
    if figure.rows == COURSE:
        ids = query.with_only_columns(Offering.course_id, maintain_column_froms=True)
        return counting.courses(ids)
    return query


def columns(figure: Figure) -> tuple[Any, Any, Any, Any]:
    """(id, home school, host school, what it adds) of a row of `select`; a school that it is not told by is null."""
    ids = {ENROLMENT: Enrolment.id, HOME_WORD: Enrolment.id, HOST_WORD: Enrolment.id, OFFERING: Offering.id}
    home = Enrolment.home_school_id if figure.rows in BY_HOME else sa.null()
    host = Enrolment.host_school_id if figure.rows in (ENROLMENT, HOST_WORD) else Course.school_id
    return (
        ids.get(figure.rows, Course.id), home, host if figure.rows in BY_HOST else sa.null(),
        figure.adds() if figure.adds else sa.literal(1),
    )  # fmt: skip


def at(figure: Figure, query: Any, home: int | None, host: int | None) -> Any:
    """Only the rows of these schools: the home school's, the host's, or those of both."""
    _id, home_column, host_column, _adds = columns(figure)
    if home is not None:
        query = query.where(home_column == home if figure.rows in BY_HOME else sa.false())
    if host is not None:
        query = query.where(host_column == host if figure.rows in BY_HOST else sa.false())
    return query


def rows(session: Any, figure: Figure, scope: Scope) -> list[Row]:
    """All rows that the figure counts."""
    query = select(figure, scope).with_only_columns(*columns(figure), maintain_column_froms=True)
    return [Row(*each) for each in session.execute(query)]


def add_shares(values: dict[rules.Cell, Decimal | None]) -> dict[rules.Cell, Decimal | None]:
    """The same with the figures that are shares of others, wherever there is a whole."""
    for figure in FIGURES:
        if figure.how == "share":
            wholes = [cell for cell in values if cell[0] == figure.whole]
            for _key, home, host in wholes:
                part, whole = values.get((figure.part, home, host)), values[figure.whole, home, host]
                values[figure.key, home, host] = rules.share(part, whole)
    return values
