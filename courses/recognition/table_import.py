"""学分认定表 as a file: rows that are read, set against the table and against each other, and written through `table`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course
from courses.recognition import queries, rules, services, table, views
from courses.recognition.models import Recognition
from courses.recognition.permissions import allow
from courses.recognition.rules import Said, Ways
from courses.recognition.table_reading import COLUMNS, Line, read_all
from zutuan.clusters.models import FormerName, School
from zutuan.errors import Refused
from zutuan.feature import Handed, ImportKind
from zutuan.importing import Difference, Import, Plan, Record, RowError
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem

Key = tuple[str, str]


@dataclass
class Step:
    """What one line says of its course, settled: `target` is the course that it counts as."""

    line: Line
    course: Course
    current: Recognition | None
    said: Said = field(default_factory=Said)
    target: int | None = None


@dataclass
class Known:
    """Everything the file can refer to, asked once."""

    home: int
    ways: Ways
    courses: Mapping[Key, Course]
    rows: dict[int, Recognition]
    now: datetime
    steps: dict[int, Step] = field(default_factory=dict)

    def find(self, code: str, school: str) -> Course | None:
        """A course by its code, and its school where that is said."""
        if school:
            return self.courses.get((code, school))
        found = {each.id: each for (other, _school), each in self.courses.items() if other == code}
        return next(iter(found.values())) if len(found) == 1 else None


def recognition_import(school_id: int) -> Import:
    def plan(session: Session, records: Sequence[Record], now: datetime) -> Plan:
        return _plan(session, school_id, records, now)

    def apply(session: Session, actor: Actor | None, plan: Plan, now: datetime) -> None:
        _apply(session, actor, school_id, plan)

    return Import("recognitions", COLUMNS, plan, apply, extra=True, lock=lambda session: table.hold(session, school_id))


# --- planning ---------------------------------------------------------------------------------------------------


def _plan(session: Session, home: int, records: Sequence[Record], now: datetime) -> Plan:
    plan = Plan()
    lines, plan.errors = read_all(records)
    known = _known(session, home, lines, now)
    for line in lines:
        step = _step(line, known)
        if isinstance(step, RowError):
            plan.errors.append(step)
        else:
            known.steps[step.course.id] = step
    plan.errors += _looping(session, known)
    bad = {error.line for error in plan.errors}
    for step in _in_order(known):
        error = _settle(step, known, bad) if step.line.line not in bad else None
        if error is not None:
            plan.errors.append(error)
            bad.add(error.line)
        elif step.line.line not in bad:
            _note(plan, step, known)
    plan.errors += _followers(session, plan, known)
    return plan


def _known(session: Session, home: int, lines: Sequence[Line], now: datetime) -> Known:
    rows = queries.current(session, home)
    codes = sorted({code for line in lines for code, _school in (line.key, line.same_as or line.key)})
    seen = queries.shared_ids(session, home, now).where(Course.code.in_(codes))
    query = sa.select(Course, School.name).join(School, School.id == Course.school_id).where(Course.code.in_(codes))
    query = query.where(sa.or_(Course.id.in_(seen), Course.id.in_(sorted(rows)), Course.school_id == home))
    whole = joinedload(Course.item).joinedload(SharedItem.owner)
    courses: dict[Key, Course] = {}
    former = {name: id_ for name, id_ in session.execute(sa.select(FormerName.name, FormerName.school_id))}
    for course, school in session.execute(query.options(whole)):
        named = [school, *(name for name, id_ in former.items() if id_ == course.school_id)]
        courses.update({(course.code, name): course for name in named})
    return Known(home, queries.ways(session, home, now), courses, rows, now)


def _step(line: Line, known: Known) -> Step | RowError:
    course = known.find(*line.key)
    if course is None:
        code, school = line.key
        return RowError(line.line, "course_code", "no_course_of_code", {"code": code, "school": school})
    if course.school_id == known.home:
        return RowError(line.line, "course_code", "own_course")
    if course.id in known.steps:
        return RowError(line.line, "course_code", "import_duplicate_row", {"line": known.steps[course.id].line.line})
    step = Step(line, course, known.rows.get(course.id))
    if line.same_as is None:
        return step
    target = known.find(*line.same_as)
    if target is None:
        return RowError(line.line, "same_as", "no_row_to_follow", {"text": line.same_as_text})
    step.target = target.id
    return step


def _chains(session: Session, known: Known) -> dict[int, int]:
    """Course → the course that it counts as, once the file is written."""
    after = {
        course: other for course, other in queries.chains(session, known.home).items() if course not in known.steps
    }
    return after | {id_: step.target for id_, step in known.steps.items() if step.target is not None}


def _looping(session: Session, known: Known) -> list[RowError]:
    """Lines whose chain comes back to something that it has met."""
    after, found = _chains(session, known), []
    for id_, step in known.steps.items():
        way = rules.loop(id_, after)
        if way:
            found.append(RowError(step.line.line, "same_as", "recognition_loops", {"rows": table.named(session, way)}))
    return found


def _in_order(known: Known) -> list[Step]:
    """What is followed before what follows it; else as in the file. What loops comes in the file's order."""
    found: dict[int, Step] = {}
    for id_ in known.steps:
        chain = [id_]
        while (target := known.steps[chain[-1]].target) in known.steps and target not in (*chain, *found):
            chain.append(target)
        found.update({each: known.steps[each] for each in reversed(chain) if each not in found})
    return list(found.values())


def _settle(step: Step, known: Known, bad: set[int]) -> RowError | None:
    """What is written of the line, or what stands against it."""
    own, ways, line = step.line.said, known.ways, step.line.line
    if step.target is not None:
        target = _followed(step, known, bad)
        if isinstance(target, RowError):
            return target
        own, ways = table.copied(own, target, ways)
    found = rules.settle(own, table.taught(step.course), ways, known.now)
    if isinstance(found, Said):
        step.said = found
        return None
    return RowError(line, found[0].field, found[0].code, found[0].params)


def _followed(step: Step, known: Known, bad: set[int]) -> Said | Recognition | RowError:
    """What the line counts as: another line of the file, or a row that holds."""
    assert step.target is not None
    line, other = step.line.line, known.steps.get(step.target)
    if other is not None:
        if other.line.line in bad:
            return RowError(line, "same_as", "followed_is_bad", {"line": other.line.line})
        refused = other.said.outcome == rules.REFUSED
        return RowError(line, "same_as", "followed_is_refused") if refused else other.said
    row = known.rows.get(step.target)
    against = rules.may_follow(table.as_target(row), known.home, known.now)
    if row is None or against is not None:
        code = "no_row_to_follow" if row is None or against is None else against.code
        return RowError(line, "same_as", code, {"text": step.line.same_as_text})
    return row


# --- what is shown ----------------------------------------------------------------------------------------------


def _note(plan: Plan, step: Step, known: Known) -> None:
    """The step among what is new, changed or the same."""
    current = step.current if step.current and queries.answer(step.current).open_at(known.now) else None
    before, after = _spelled_row(current, known) if current else {}, _spelled(step, known)
    differing = tuple(
        (name, before.get(name, ""), after[name]) for name in after if before.get(name, "") != after[name]
    )
    if current is not None and not differing:
        plan.unchanged += 1
        return
    outcome = "updated" if current else "created"
    (plan.updated if current else plan.created).append(step)
    label = f"{step.course.code} {step.course.item.title_zh}"
    plan.differences.append(Difference(step.line.line, outcome, label, differing))


def _spelled(step: Step, known: Known) -> dict[str, str]:
    target = known.steps[step.target].course if step.target in known.steps else None
    row = known.rows.get(step.target or 0)
    same = _course_named(target or (row.course if row else None))
    return _texts(step.said, same, views.day_before(step.said.until))


def _spelled_row(row: Recognition, known: Known) -> dict[str, str]:
    same = row.same_as.course if row.same_as else None
    return _texts(row, _course_named(same), views.last_day(row))


def _course_named(course: Course | None) -> str:
    return f"{course.code}@{course.item.owner.name}" if course else ""


def _texts(said: Said | Recognition, same: str, last: date | None) -> dict[str, str]:
    credits = said.credits or Decimal(0)
    return {
        "outcome": str(views.OUTCOME[said.outcome]), "code": said.code, "name": said.name, "name_en": said.name_en,
        "credits": rules.plain(credits), "category": said.category, "same_as": same,
        "last_day": last.isoformat() if last else "", "note": said.note,
    }  # fmt: skip


def _followers(session: Session, plan: Plan, known: Known) -> list[RowError]:
    """Rows that the file does not name and that say the same as one which it changes: they change with it."""
    changed = {step.course.id: step for step in plan.updated}
    behind: dict[int, list[Recognition]] = {}
    for row in known.rows.values():
        if row.same_as_id and row.course_id not in known.steps and queries.answer(row).open_at(known.now):
            behind.setdefault(row.same_as.course_id if row.same_as else 0, []).append(row)
    errors: list[RowError] = []
    ahead = list(changed.items())
    while ahead:
        course_id, step = ahead.pop()
        for row in behind.get(course_id, ()):
            try:
                table.follow(session, row, _as_row(step.said), known.now)
            except Refused as error:
                errors.append(RowError(step.line.line, "credits", error.code, error.params))
            label = f"{row.course.code} {row.course.item.title_zh}"
            plan.differences.append(Difference(step.line.line, "follows", label))
            ahead.append((row.course_id, step))
    return errors


def _as_row(said: Said) -> Recognition:
    """What a follower is set against; it is in no session."""
    names = ("outcome", "code", "name", "name_en", "category", "credits", "until")
    return Recognition(**{name: getattr(said, name) for name in names})


# --- writing ----------------------------------------------------------------------------------------------------


def _apply(session: Session, actor: Actor | None, home: int, plan: Plan) -> None:
    """In the order of the chains, so that what a line follows is written before it."""
    assert actor is not None  # a registrar answers for what the school says
    written: dict[int, int] = {}
    steps: list[Step] = sorted([*plan.created, *plan.updated], key=lambda step: _depth(step, plan))
    for step in steps:
        data: dict[str, Any] = {"last_day": views.day_before(step.line.said.until), "note": step.line.said.note}
        if step.target is not None:
            row_id = written.get(step.target) or queries.current(session, home, [step.target])[step.target].id
            data |= {"outcome": rules.COUNTS, "same_as_id": row_id}
        else:
            names = ("outcome", "code", "name", "name_en", "category", "credits")
            own = step.said if step.said.outcome == rules.COUNTS else step.line.said
            data |= {name: getattr(own, name) for name in names}
        row = table.write(session, actor, home, step.course, data)
        written[step.course.id] = row.id
        services.answer_all(session, actor, row)


def _depth(step: Step, plan: Plan) -> int:
    """How many lines of the file it follows."""
    steps: Iterable[Step] = (*plan.created, *plan.updated)
    targets = {each.course.id: each.target for each in steps}
    depth, at = 0, step.target
    while at in targets:
        depth, at = depth + 1, targets[at]
    return depth


def _make(handed: Handed) -> Import:
    return recognition_import(handed.school_id)


RECOGNITIONS = ImportKind(
    "recognitions", _l("学分认定表"),
    _l("每行一门外校课程：认定为本校的什么课程、多少学分、什么类别；也可以写与认定表里的另一门同等认定，或不认定。再次导入即更新"),
    _make, allow, "recognition.import",
    labels={
        "course_code": _l("课程代码"), "school": _l("开课学校"), "outcome": _l("认定结果"), "code": _l("认定课程代码"),
        "name": _l("认定课程名称"), "name_en": _l("认定课程英文名称"), "credits": _l("认定学分"), "category": _l("课程类别"),
        "same_as": _l("认定同"), "last_day": _l("有效至"), "note": _l("备注"),
    },
    words={"outcome": views.OUTCOME},
    hints={
        "school": _l("学校全称"), "outcome": _l("认定或不认定；空着为认定"), "credits": _l("空着为开课学校的学分"),
        "same_as": _l("认定表里另一门外校课程的代码，或“代码@学校”"), "last_day": _l("2027-07-31；空着为长期有效"),
        "category": _l("本校设置里的课程类别"),
    },
)  # fmt: skip
