"""Writing courses and offerings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.catalogue import dates, disciplines, editions, hooks, queries, rules, timing, windows
from courses.catalogue.models import (
    ENDED,
    Course,
    CoursePrerequisite,
    CourseTeacher,
    MeetingPattern,
    Offering,
    SeatPool,
)
from courses.catalogue.permissions import allow
from courses.catalogue.windows import teaching_ends as teaching_ends
from zutuan.calendar import book, calendars
from zutuan.calendar import services as calendar
from zutuan.calendar.models import Term
from zutuan.calendar.plan import Calendar, expand, with_fixed
from zutuan.calendar.rules import Pattern
from zutuan.clock import clock, local
from zutuan.clusters.models import Cluster, Department, School
from zutuan.decision import FieldError, Refusal
from zutuan.errors import Invalid, Refused, insist
from zutuan.people.models import Affiliation
from zutuan.sharing import plan, scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import add_share, audience, audit, end_share, move, set_audience

ITEM_FIELDS = ("title_zh", "title_en", "summary_zh", "summary_en", "keywords", "plan_code")
DISCIPLINE = ("discipline_scheme", "discipline_version", "discipline_code")
COURSE_FIELDS = (
    "code", "credits", "hours", "category", "level", "language", "delivery", "department_id",
    "description_zh", "description_en", "prerequisites", "assessment", "textbooks", "syllabus", *DISCIPLINE,
)  # fmt: skip
OFFERING_FIELDS = (
    "code", "grade", "room", "room_seats", "minimum", "online_url", "note", "seats_by", "waitlist", "for_grades", "for_majors",
)  # fmt: skip


# --- courses ----------------------------------------------------------------------------------------------------


def create_course(session: Session, actor: Actor, data: dict[str, Any]) -> Course:
    """A draft, seen by its school's managers, its teachers and whoever made it only."""
    school_id = _school_for(session, actor, data.get("school_id"))
    allow.require(actor, "course.create", Subject("course", places={"owner": Place(school_id, data["department_id"])}))
    now = actor.now
    item = SharedItem(
        kind="course", owner_school_id=school_id, created_at=now, updated_at=now, demonstration=actor.demonstration,
        **{name: data[name] for name in ITEM_FIELDS if data.get(name) is not None},
    )  # fmt: skip
    if data.get("plan_code") is None:
        item.plan_code = plan.default_for("course")
    session.add(item)
    session.flush()
    add_share(session, item.id, scopes.manage(school_id), now)
    _check_department(session, school_id, data["department_id"])
    said = {**data, **_discipline(data)}
    course = Course(item=item, school_id=school_id, **{name: said[name] for name in COURSE_FIELDS if name in said})
    session.add(course)
    _flush(session, "course_code_taken")
    _set_requires(session, actor, course, data.get("requires_ids"))
    default = [actor.person_id] if actor.at(school_id) and _teaches_at(actor, school_id) else []
    _set_teachers(session, course, default if data["teacher_ids"] is None else data["teacher_ids"], now)
    if scopes.manage(school_id) not in actor.scopes and actor.person_id not in {
        each.person_id for each in course.staff
    }:
        add_share(
            session, item.id, scopes.member(actor.person_id, school_id), now
        )  # a secretary sees the draft she made
    set_audience(session, actor, item, data["audience"])
    _audit(session, actor, "course.create", course, audience=audience(session, item, now))
    return course


def _school_for(session: Session, actor: Actor, wanted: int | None) -> int:
    """The school a new course belongs to: the one named, or the only one the actor may publish for."""
    if wanted is not None:
        if session.get(School, wanted) is None:
            raise Invalid.field("school_id", "no_such")
        return wanted
    possible = allow.schools(actor, "course.create")
    if len(possible) > 1:
        raise Invalid.field("school_id", "choose_owner_school")
    # Nobody's school: the permission table then refuses it, and the audit hears of it.
    return next(iter(possible), next(iter(actor.school_ids), 0))


def require_some_school(actor: Actor) -> None:
    """403 for whoever may publish for no school at all."""
    if not allow.schools(actor, "course.create"):
        allow.require(actor, "course.create")


def _teaches_at(actor: Actor, school_id: int) -> bool:
    return any(held.role == "teacher" and held.school_id == school_id for held in actor.roles)


def _check_department(session: Session, school_id: int, department_id: int | None) -> None:
    if department_id is not None:
        department = session.get(Department, department_id)
        if department is None or department.school_id != school_id:
            raise Invalid.field("department_id", "no_such")


def _flush(session: Session, code: str) -> None:
    """Flush, and give the database's word on uniqueness its name."""
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused(code) from error


def staff_of(session: Session, school_id: int, people: Sequence[int], now: datetime) -> set[int]:
    """Those of these people who are of the school's staff now."""
    here = sa.select(Affiliation.person_id).where(Affiliation.school_id == school_id, Affiliation.kind != "student")
    return set(session.scalars(here.where(Affiliation.person_id.in_(people), Affiliation.open_at(now))))


def _discipline(data: dict[str, Any], course: Course | None = None) -> dict[str, str]:
    """The three parts as they are to be kept. Raises Invalid naming the one that does not fit."""
    if course is not None and not any(name in data for name in DISCIPLINE):
        return {}
    said = {name: data.get(name, getattr(course, name, "")) for name in DISCIPLINE}
    if not data.get("discipline_version"):  # what is not said: the one it has, or the new table's own
        same = course is not None and said["discipline_scheme"] == course.discipline_scheme
        said["discipline_version"] = course.discipline_version if same and course else ""
    found = disciplines.check(*(said[name] or "" for name in DISCIPLINE))
    if isinstance(found[1], Refusal):
        raise Invalid.field(found[0], found[1].code, **found[1].params)
    return dict(zip(DISCIPLINE, (str(each) for each in found), strict=True))


def _set_requires(session: Session, actor: Actor, course: Course, wanted: Sequence[int] | None) -> bool:
    """What is to be completed before: courses that the actor sees (or that are required already), and no circle."""
    current = {each.required_id: each for each in course.requires}
    if wanted is None or set(wanted) == current.keys():
        return False
    added = [id_ for id_ in wanted if id_ not in current]
    if set(added) - queries.visible_ids(session, actor, added):
        raise Invalid.field("requires_ids", "no_such")
    if course.id in queries.required_by(session, wanted):
        raise Invalid.field("requires_ids", "requires_itself")
    for id_ in current.keys() - set(wanted):
        course.requires.remove(current[id_])
    course.requires += [CoursePrerequisite(required_id=id_) for id_ in added]
    return True


def copy_course(session: Session, actor: Actor, course: Course, code: str) -> Course:
    """A new draft of the same school that says the same, under another code; classes and audience are not copied."""
    allow.require(actor, "course.edit", queries.subject(course))
    said = {name: getattr(course.item, name) for name in ITEM_FIELDS} | {n: getattr(course, n) for n in COURSE_FIELDS}
    still = staff_of(session, course.school_id, [each.person_id for each in course.staff], actor.now)
    own: dict[str, Any] = {"teacher_ids": sorted(still), "audience": [], "school_id": course.school_id}
    own["requires_ids"] = [each.required_id for each in course.requires]
    return create_course(session, actor, {**said, **own, "code": code})


def _set_teachers(session: Session, course: Course, wanted: Sequence[int], now: datetime) -> bool:
    """Who teaches the course: people of its school. Each sees it in every state."""
    current = {staff.person_id: staff for staff in course.staff}
    added = [person_id for person_id in wanted if person_id not in current]
    if added and set(added) - staff_of(session, course.school_id, added, now):
        raise Invalid.field("teacher_ids", "not_a_teacher_here")
    for person_id in added:
        course.staff.append(CourseTeacher(person_id=person_id))
        add_share(session, course.id, scopes.member(person_id, course.school_id), now)
    removed = current.keys() - set(wanted)
    for person_id in removed:
        course.staff.remove(current[person_id])
        end_share(session, course.id, "record", scopes.member(person_id, course.school_id), now)
    return bool(added or removed)


def update_course(session: Session, actor: Actor, course: Course, data: dict[str, Any]) -> Course:
    """Change fields of a course; whoever may see it but not change it gets 403."""
    allow.require(actor, "course.edit", queries.subject(course))
    if course.item.state == "archived":
        raise Refused("course_archived")
    _check_department(session, course.school_id, data.get("department_id"))
    if "department_id" in data:  # it may be moved only to where the actor could edit it as well
        there = {"owner": Place(course.school_id, data["department_id"])}
        allow.require(actor, "course.edit", replace(queries.subject(course), places=there))
    editions.begin(session, course)
    data = {**data, **_discipline(data, course)}
    changed = _assign(course.item, data, ITEM_FIELDS) + _assign(course, data, COURSE_FIELDS)
    if _set_requires(session, actor, course, data.get("requires_ids")):
        changed.append("requires_ids")
    if data.get("teacher_ids") is not None and _set_teachers(session, course, data["teacher_ids"], actor.now):
        changed.append("teacher_ids")
    if data.get("audience") is not None and set_audience(session, actor, course.item, data["audience"]):
        new_edition(session, course.offerings)
        changed.append("audience")
    if changed:
        course.item.updated_at = actor.now
        _flush(session, "course_code_taken")
        session.expire(course, ["department"])
        if course.item.state == "published":
            editions.record(session, actor, course, editions.content(course), actor.now)
        reached = {"audience": audience(session, course.item, actor.now)} if "audience" in changed else {}
        _audit(session, actor, "course.edit", course, fields=changed, **reached)
    return course


def _assign(target: Any, data: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Set what differs; answers the names of what changed."""
    changed = [name for name in names if name in data and getattr(target, name) != data[name]]
    for name in changed:
        setattr(target, name, data[name])
    return changed


def publish_course(session: Session, actor: Actor, course: Course, wanted: Sequence[str] | None) -> Course:
    """Show the course to its audience (made `wanted` first, unless None) from now on."""
    allow.require(actor, "course.publish", queries.subject(course))
    if wanted is not None and set_audience(session, actor, course.item, wanted):
        new_edition(session, course.offerings)
    if course.item.published_at is None:  # classes that were published unseen are handed in now
        for offering in course.offerings:
            if offering.state == "published":
                insist(hooks.against_submitting(session, course, offering.term))
    if course.item.state != "published" or wanted is None:
        move(course.item, "publish", actor.now)
    course.item.updated_at = actor.now
    session.flush()
    editions.record(session, actor, course, editions.content(course), actor.now)
    _audit(session, actor, "course.publish", course, audience=audience(session, course.item, actor.now))
    return course


def move_course(session: Session, actor: Actor, course: Course, event: str) -> Course:
    """`suspend` or `archive`. A course with seats held is not archived."""
    allow.require(actor, f"course.{event}", queries.subject(course))
    taken = new_edition(session, course.offerings)
    over = all(teaching_ends(offering.term) <= actor.now for offering in course.offerings)
    if event == "archive" and taken and not over:
        raise Refused("has_active_enrolments", n=taken)
    move(course.item, event, actor.now)
    session.flush()
    _audit(session, actor, f"course.{event}", course)
    return course


def _audit(session: Session, actor: Actor, action: str, course: Course, **detail: Any) -> None:
    subject = Subject("course", course.id)
    audit(session, actor, action, subject, now=actor.now, school_id=course.school_id, **detail)


# --- offerings --------------------------------------------------------------------------------------------------


def create_offering(session: Session, actor: Actor, course: Course, data: dict[str, Any]) -> Offering:
    """A draft offering of the course in one of its school's terms."""
    allow.require(actor, "offering.create", queries.subject(course))
    if course.item.state == "archived":
        raise Refused("course_archived")
    term = _term_for(session, course, data.get("term_id"))
    pools = _pools(session, data)
    if pools is None:
        raise Invalid.field("seats", "required")
    offering = Offering(
        course=course, term=term, created_at=actor.now, updated_at=actor.now,
        **{name: data[name] for name in OFFERING_FIELDS if name in data},
    )  # fmt: skip
    with session.no_autoflush:
        windows.set_rounds(session, offering, data)
        offering.pools = [SeatPool(scope=scope, capacity=seats, wanted=seats, taken=0) for scope, seats in pools]
        here = _calendar_of(session, offering)
        _check_offering(session, offering, _patterns(data["meetings"]), here)
        _check_room(offering, pools)
        dates.check(offering, data.get("dates") or (), _patterns(data["meetings"]), here)
    session.add(offering)
    _flush(session, "offering_code_taken")
    _set_meetings(session, offering, data["meetings"], here)
    dates.put(session, offering, data.get("dates") or ())
    _audit_offering(session, actor, "offering.create", offering)
    return offering


def _term_for(session: Session, course: Course, term_id: int | None) -> Term:
    if term_id is None:
        term = calendar.term_on(session, course.school_id, local(clock.now()).date())
        if term is None:
            raise Refused("no_term")
        return term
    term = session.get(Term, term_id)
    if term is None or term.school_id != course.school_id:
        raise Invalid.field("term_id", "no_such")
    return term


def _patterns(meetings: Iterable[dict[str, Any]]) -> list[Pattern]:
    return [Pattern(m["weekday"], m["first_period"], m["last_period"], m["weeks"]) for m in meetings]


def _calendar_of(session: Session, offering: Offering) -> Calendar:
    """The calendar by which the offering's meetings are placed; until the commit it stays as it is read."""
    calendars.hold(session, offering.term.school_id)
    return calendars.of_term(session, offering.term, offering.grade)


def _check_offering(session: Session, offering: Offering, patterns: Sequence[Pattern], here: Calendar) -> None:
    if offering.grade and offering.grade not in {start.grade for start in offering.term.starts}:
        raise Invalid.field("grade", "no_such_grade")
    errors = rules.check_meetings(patterns, here.term, here.periods)
    if not errors:
        errors = rules.check_places(patterns, here)
    ends = teaching_ends(offering.term)
    errors += rules.check_rounds(windows.rounds_of(offering), ends) or rules.check_window(
        offering.enrol_from, offering.enrol_until, ends
    )
    if errors:
        raise Invalid(errors=errors)


def _check_room(offering: Offering, pools: Sequence[tuple[str, int]] | None) -> None:
    """Seats as they are to be fit the room, and the minimum can be reached with them."""
    seats = sum(seats for _scope, seats in pools) if pools is not None else sum(p.wanted for p in offering.pools)
    errors = rules.check_room(seats, offering.room_seats) + rules.check_minimum(offering.minimum, seats)
    if errors:
        raise Invalid(errors=errors)


def _pools(session: Session, data: dict[str, Any], now: Iterable[SeatPool] = ()) -> list[tuple[str, int]] | None:
    """(scope, seats) as given; None when nothing is said of seats. `seats` alone leaves the other pools as they are."""
    if data.get("pools") is not None:
        pools = [(each["scope"], each["seats"]) for each in data["pools"]]
    elif data.get("seats") is not None:
        pools = [*((each.scope, each.wanted) for each in now if each.scope != "all"), ("all", data["seats"])]
    else:
        return None
    errors = rules.check_pools(pools) + _unknown_scopes(session, pools)
    if errors:
        raise Invalid(errors=errors)
    return pools


def _unknown_scopes(session: Session, pools: Sequence[tuple[str, int]]) -> list[FieldError]:
    """Pools of schools and clusters that do not exist."""
    errors = []
    for index, (scope, _seats) in enumerate(pools):
        kind, _, rest = scope.partition(":")
        table: Any = {"school": School, "cluster": Cluster}.get(kind)
        if table is not None and session.get(table, int(rest.split(":")[0])) is None:
            errors.append(FieldError(f"pools.{index}.scope", "no_such"))
    return errors


def _set_pools(session: Session, offering: Offering, wanted: Sequence[tuple[str, int]]) -> bool:
    """Bring the pools to these seats; what is no longer named keeps only the seats that are taken. Locked in id order."""
    now = dict(wanted)
    changed = False
    for pool in sorted(offering.pools, key=lambda pool: pool.id):
        seats = now.pop(pool.scope, 0)
        if pool.wanted != seats:
            set_seats(session, pool, seats)
            changed = True
    for scope, seats in now.items():
        offering.pools.append(SeatPool(scope=scope, capacity=seats, wanted=seats, taken=0))
        changed = True
    return changed


def _set_meetings(session: Session, offering: Offering, meetings: Sequence[dict[str, Any]], here: Calendar) -> None:
    """The patterns as written, and their absolute intervals in the book of time."""
    offering.meetings = [MeetingPattern(**meeting) for meeting in meetings]
    session.flush()
    place(session, offering, here)


def place(session: Session, offering: Offering, here: Calendar) -> None:
    """Book the offering's meetings as that calendar has them, but for those of which something was decided (调停课)."""
    placed = expand(_patterns_of(offering), here)
    decided = hooks.adjusted(session, [offering.id]).get(offering.id, {})
    known = {each.key for each in placed.meetings} | {(each.week, each.weekday, each.period) for each in placed.lost}
    for week, _weekday, _period in sorted(decided.keys() - known):
        raise Refused("meeting_adjusted", week=week)
    fixed = timing.fixed(decided)
    off = {key for key, meeting in fixed.items() if meeting is None}
    itself = ("offering", offering.id)
    book.settle(session, itself, itself, with_fixed(placed.meetings, fixed), off)


def _patterns_of(offering: Offering) -> list[Pattern]:
    return [Pattern(m.weekday, m.first_period, m.last_period, m.weeks) for m in offering.meetings]


def update_offering(session: Session, actor: Actor, offering: Offering, data: dict[str, Any]) -> Offering:
    """Change an offering. Lowering its seats takes nobody's: the capacity follows as they are freed."""
    allow.require(actor, "offering.edit", queries.subject(offering.course))
    if offering.state in ENDED:
        raise Refused("wrong_state", state=offering.state, event="edit")
    insist(rules.may_change_minimum(offering.minimum, data, offering.state, offering.enrol_until, actor.now))
    with session.no_autoflush:  # whether the code is taken is asked at the end, with its name
        changed = _assign(offering, data, OFFERING_FIELDS) + windows.set_rounds(session, offering, data)
    meetings = data.get("meetings")
    current = _patterns_of(offering)
    moved = (meetings is not None and _patterns(meetings) != current) or "grade" in changed
    with session.no_autoflush:
        if moved and new_edition(session, [offering]):
            raise Refused("meetings_fixed")
        here = _calendar_of(session, offering)
        _check_offering(session, offering, _patterns(meetings) if meetings is not None else current, here)
    if moved:
        kept = [asdict(each) for each in current]
        _set_meetings(session, offering, meetings if meetings is not None else kept, here)
        changed.append("meetings")
        if data.get("dates") is None:
            dates.check(offering, dates.rows_of(offering), _patterns_of(offering), here)
    changed += _set_dates(session, actor, offering, data.get("dates"), here)
    with session.no_autoflush:
        wanted = _pools(session, data, offering.pools)
    _check_room(offering, wanted)
    if wanted is not None and _set_pools(session, offering, wanted):
        changed.append("seats")
    if changed:
        offering.updated_at = actor.now
        _flush(session, "offering_code_taken")
        _audit_offering(session, actor, "offering.edit", offering, fields=changed)
        for told in hooks.more_seats:
            told(session, actor, offering)
    return offering


def _set_dates(
    session: Session, actor: Actor, offering: Offering, wanted: Sequence[dict[str, Any]] | None, here: Calendar
) -> list[str]:
    """Single dates as given. Exams may still be fixed when seats are held; classes then stay as they are. Who holds or
    waits for a seat is told."""
    before = {dates.key(each) for each in offering.dates}
    if wanted is None or before == {dates.key(each) for each in wanted}:
        return []
    dates.check(offering, wanted, _patterns_of(offering), here)
    differing = before ^ {dates.key(each) for each in wanted}
    if new_edition(session, [offering]) and any(each[0] == "class" for each in differing):
        raise Refused("meetings_fixed")
    said = dates.said(offering)
    dates.put(session, offering, wanted)
    changes = rules.date_changes(said, dates.said(offering), actor.now)
    for told in hooks.dates_changed if changes else ():
        told(session, actor, offering, changes)
    return ["dates"]


def new_edition(session: Session, offerings: Iterable[Offering]) -> int:
    """Hold these offerings' seats until the commit: whoever is about to take one waits, and is then told to look again.
    Answers how many seats are held; that number is final."""
    ids = [offering.id for offering in offerings]
    held = sa.select(SeatPool).where(SeatPool.offering_id.in_(ids)).order_by(SeatPool.id)
    pools = session.scalars(held.with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    change = sa.update(SeatPool).where(SeatPool.offering_id.in_(ids)).values(edition=SeatPool.edition + 1)
    session.execute(change.execution_options(synchronize_session=False))
    return sum(pool.taken for pool in pools)


def set_seats(session: Session, pool: SeatPool, wanted: int) -> None:
    """In one statement, so that seats taken meanwhile are kept: capacity = max(taken, wanted)."""
    capacity = sa.case((SeatPool.taken > wanted, SeatPool.taken), else_=wanted)
    change = sa.update(SeatPool).where(SeatPool.id == pool.id).values(wanted=wanted, capacity=capacity)
    session.execute(change.execution_options(synchronize_session=False))
    session.refresh(pool)


def move_offering(session: Session, actor: Actor, offering: Offering, event: str) -> Offering:
    """`publish` or `archive`."""
    allow.require(actor, f"offering.{event}", queries.subject(offering.course))
    state = rules.next_offering_state(offering.state, event)
    if isinstance(state, Refusal):
        raise Refused.because(state)
    taken = new_edition(session, [offering]) if event == "archive" else 0
    if event == "archive" and any(graded(session, offering.id) for graded in hooks.graded):
        raise Refused("offering_graded")
    if event == "publish":
        insist(
            rules.may_publish_offering(
                len(offering.meetings) + sum(each.kind == "class" for each in offering.dates),
                sum(pool.wanted for pool in offering.pools),
                offering.course.item.state,
            )
        )
        windows.insist_on_plan(session, offering)
    elif taken and teaching_ends(offering.term) > actor.now:
        raise Refused("has_active_enrolments", n=taken)
    offering.state, offering.updated_at = state, actor.now
    session.flush()
    _audit_offering(session, actor, f"offering.{event}", offering)
    return offering


def _audit_offering(session: Session, actor: Actor, action: str, offering: Offering, **detail: Any) -> None:
    subject = Subject("offering", offering.id)
    audit(session, actor, action, subject, now=actor.now, school_id=offering.course.school_id, **detail)
