"""Changing a calendar: what moves, what is lost, what then clashes, whom to tell; and doing it, in one transaction.

Preview and change are the same walk: the new calendar is written, meetings are placed by it anew, and compared with the
book. A preview's transaction is then rolled back by its caller; a change goes on to write the book, the audit and the
notices. Meetings that have begun stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar import book, calendars
from zutuan.calendar.models import Occurrence, Term
from zutuan.calendar.permissions import allow, edit_action, place_subject
from zutuan.calendar.plan import Expansion, Meeting, expand
from zutuan.calendar.sources import Described, Hooks, Ref, Resource, Source, busy_of, concerned, described
from zutuan.clock import local
from zutuan.clusters.models import School
from zutuan.db import chunks
from zutuan.errors import Refused
from zutuan.notices.services import tell
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

RECENT = timedelta(days=400)
KIND = "calendar.changed"
TITLES = 3


@dataclass(frozen=True)
class Move:
    """One meeting of a source that is now held at another time (`before`, `after`), no longer (`after` None, `reason`
    why), or only now (`before` None)."""

    source: Ref
    before: Meeting | None
    after: Meeting | None
    reason: str = ""

    @property
    def at(self) -> datetime:
        shown = self.before or self.after
        assert shown is not None
        return shown.starts


@dataclass(frozen=True)
class Clash:
    """A meeting that would newly be at the same time as another, for so many people; none for a room taken twice."""

    source: Ref
    after: Meeting
    other: Ref
    people: int


@dataclass
class Effects:
    """What a change of a calendar does to the meetings that lie ahead."""

    edition: str = ""
    moves: list[Move] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    people: dict[Ref, set[int]] = field(default_factory=dict)
    names: dict[Ref, Described] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    inserts: list[dict[str, Any]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)  # of the calendar's own rows that were written

    @property
    def moved(self) -> list[Move]:
        return [each for each in self.moves if each.before and each.after]

    @property
    def lost(self) -> list[Move]:
        return [each for each in self.moves if each.after is None]

    @property
    def added(self) -> list[Move]:
        return [each for each in self.moves if each.before is None]

    @property
    def told(self) -> set[int]:
        return set().union(*self.people.values()) if self.people else set()


@dataclass(frozen=True)
class Change:
    """A change of one calendar: its place, what it is called in the audit, and what writes its rows."""

    place: int
    action: str
    write: Callable[[], Iterable[int]]  # answers the ids of what it wrote, for the audit


def preview(
    session: Session, actor: Actor | None, change: Change, hooks: Hooks, now: datetime, *, seen: str | None = None
) -> Effects:
    """Write the new calendar's own rows, and say what that would do to meetings. The caller either rolls back, or goes on
    to `finish`. `seen` is the edition that was shown before: another one is refused, since that is no longer true."""
    if actor is not None:
        allow.require(actor, edit_action(change.place), place_subject(change.place))
    edition = calendars.take(session, change.place)
    if seen is not None and seen != edition:
        raise Refused("calendar_changed")
    effects = Effects(edition)
    effects.ids = sorted(change.write())
    session.flush()
    session.expire_all()
    _compare(session, effects, _terms(session, change.place, now), hooks, now)
    refs = {each.source for each in effects.moves}
    effects.people = concerned(session, hooks, refs, now)
    effects.clashes = _clashes(session, effects, hooks, now)
    effects.names = described(session, hooks, refs | {each.other for each in effects.clashes})
    effects.moves.sort(key=lambda each: (each.at, each.source))
    return effects


def finish(session: Session, actor: Actor | None, change: Change, effects: Effects, now: datetime) -> None:
    """Bring the book to it, tell everyone concerned, and write it down."""
    book.update(session, effects.updates)
    book.add(session, effects.inserts)
    calendars.next_edition(session, change.place)
    _tell(session, change, effects, now)
    counts = {"moved": len(effects.moved), "lost": len(effects.lost), "added": len(effects.added)}
    audit(
        session, actor, change.action, Subject("calendar", change.place or None), now=now,
        school_id=change.place or None, ids=effects.ids[:50], told=len(effects.told), **counts,
    )  # fmt: skip
    session.flush()


def astray(session: Session, hooks: Hooks, now: datetime) -> list[Move]:
    """Meetings ahead that do not stand where the calendar has them: none, as long as every change goes this way."""
    effects = Effects()
    _compare(session, effects, _terms(session, calendars.EVERYWHERE, now), hooks, now)
    return effects.moves


def apply(
    session: Session, actor: Actor | None, change: Change, hooks: Hooks, now: datetime, *, seen: str | None = None
) -> Effects:
    """Both in one."""
    effects = preview(session, actor, change, hooks, now, seen=seen)
    finish(session, actor, change, effects, now)
    return effects


def _terms(session: Session, place: int, now: datetime) -> list[Term]:
    recent = Term.first_day > local(now).date() - RECENT
    query = sa.select(Term).where(recent, Term.school_id == place if place else sa.true())
    return list(session.scalars(query.order_by(Term.id)))


# --- what moves -------------------------------------------------------------------------------------------------


def _compare(session: Session, effects: Effects, terms: Sequence[Term], hooks: Hooks, now: datetime) -> None:
    """Place every source of these terms anew, and note where that differs from the book."""
    by_id = {term.id: term for term in terms}
    schools = calendars.load(session, sorted({term.school_id for term in terms}))
    placed: dict[tuple[tuple[Any, ...], int, str], Expansion] = {}
    for hook in hooks:
        if hook.sources is None or not by_id:
            continue
        found = hook.sources(session, sorted(by_id))
        current = _current(session, hook.type, [each.id for each in found])
        for source in found:
            key = (source.patterns, source.term_id, source.grade)
            if key not in placed:
                term = by_id[source.term_id]
                placed[key] = expand(source.patterns, schools[term.school_id].of(term, source.grade))
            _diff(effects, hook.type, source, placed[key], current, now)


@dataclass(frozen=True)
class _Booked:
    """A row of the book."""

    id: int
    meeting: Meeting
    state: str
    exclusive: bool


_Current = dict[tuple[int, Resource], dict[tuple[int, int, int], _Booked]]


def _current(session: Session, type_: str, ids: Sequence[int]) -> _Current:
    """(source, resource) → its rows by which meeting of the pattern they are."""
    o = Occurrence
    columns = (
        o.id, o.source_id, o.resource_type, o.resource_id, o.starts, o.ends, o.week, o.weekday, o.period, o.state,
        o.exclusive,
    )  # fmt: skip
    found: _Current = {}
    for some in chunks(sorted(ids)):
        query = sa.select(*columns).where(o.source_type == type_, o.source_id.in_(some))
        for id_, source_id, r_type, r_id, starts, ends, week, weekday, period, state, alone in session.execute(query):
            meeting = Meeting(starts, ends, week, weekday, period)
            rows = found.setdefault((source_id, (r_type, r_id)), {})
            rows[meeting.key] = _Booked(id_, meeting, state, alone)
    return found


def _diff(effects: Effects, type_: str, source: Source, placed: Expansion, current: _Current, now: datetime) -> None:
    """One source. What is told is told by its first resource: a meeting is one, however many resources it takes."""
    ref = (type_, source.id)
    wanted = {each.key: each for each in placed.meetings}
    reasons = {(each.week, each.weekday, each.period): each.reason for each in placed.lost}
    resources = [(each, False) for each in source.resources] + [(each, True) for each in source.exclusive]
    for index, (resource, alone) in enumerate(resources):
        rows = current.get((source.id, resource), {})
        moves = _moves(ref, rows, wanted, reasons, now)
        if index == 0:
            effects.moves += moves
        for each in moves:
            _write_down(effects, each, resource, alone, rows, now)


def _moves(
    ref: Ref, rows: dict[tuple[int, int, int], _Booked], wanted: dict[tuple[int, int, int], Meeting],
    reasons: dict[tuple[int, int, int], str], now: datetime,
) -> list[Move]:  # fmt: skip
    found = []
    for key in rows.keys() | wanted.keys():
        row, after = rows.get(key), wanted.get(key)
        before = row.meeting if row is not None and row.state == "active" else None
        if row is not None and row.meeting.starts <= now and before is not None:
            continue  # it has begun
        if after is not None and after.starts <= now:
            after = None
        if before is None and after is None or before == after:
            continue
        found.append(
            Move(ref, before, after, "" if after else reasons.get(key, "past" if key in wanted else "outside"))
        )
    return found


def _write_down(
    effects: Effects, move: Move, resource: Resource, alone: bool, rows: dict[tuple[int, int, int], _Booked],
    now: datetime,
) -> None:  # fmt: skip
    key = (move.after or move.before).key  # type: ignore[union-attr]
    row = rows.get(key)
    if row is None:
        assert move.after is not None
        effects.inserts += book.rows_of(move.source, [(resource, alone)], [move.after], now)
        return
    time = move.after or row.meeting
    effects.updates.append(
        {
            "id": row.id, "starts": time.starts, "ends": time.ends, "exclusive": row.exclusive, "changed_at": now,
            "state": "active" if move.after else "cancelled",
        }
    )  # fmt: skip


# --- what clashes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Taken:
    """Some time that is taken, after the change; `was` where it was before."""

    source: Ref
    meeting: Meeting
    was: Meeting | None


def _clashes(session: Session, effects: Effects, hooks: Hooks, now: datetime) -> list[Clash]:
    """Meetings that move onto something else that the same people have at that time, and did not before."""
    arriving = [each for each in effects.moves if each.after is not None]
    if not arriving:
        return []
    having = _resources_of(session, hooks, sorted(effects.told), now)
    taken = _taken(session, effects, {r for resources in having.values() for r in resources}, arriving)
    found: dict[tuple[Ref, Meeting, Ref], int] = {}
    beside: dict[Ref, dict[Resource, int]] = {}
    for move in arriving:
        assert move.after is not None
        if move.source not in beside:
            beside[move.source] = _shared(effects.people.get(move.source, set()), having)
        for resource, people in beside[move.source].items():
            for other in taken.get((resource, local(move.after.starts).date()), ()):
                if other.source != move.source and _newly(move, other):
                    key = (move.source, move.after, other.source)
                    found[key] = max(found.get(key, 0), people)
    once = {key: people for key, people in found.items() if not _said(key, found)}
    return sorted((Clash(*key, people) for key, people in once.items()), key=lambda each: each.after)


def _said(key: tuple[Ref, Meeting, Ref], found: dict[tuple[Ref, Meeting, Ref], int]) -> bool:
    """Whether the same clash is said from its other side: two meetings that both move."""
    source, after, other = key
    return source > other and any(s == other and o == source and _meet(m, after) for s, m, o in found)


def _shared(people: Iterable[int], having: dict[int, list[Resource]]) -> dict[Resource, int]:
    """Resource → how many of these people it takes the time of."""
    found: dict[Resource, int] = {}
    for person in people:
        for resource in having.get(person, ()):
            found[resource] = found.get(resource, 0) + 1
    return found


def _meet(one: Meeting, other: Meeting) -> bool:
    return one.starts < other.ends and other.starts < one.ends


def _newly(move: Move, other: _Taken) -> bool:
    assert move.after is not None
    if not _meet(move.after, other.meeting):
        return False
    return move.before is None or other.was is None or not _meet(move.before, other.was)


def _resources_of(session: Session, hooks: Hooks, people: Sequence[int], now: datetime) -> dict[int, list[Resource]]:
    found: dict[int, list[Resource]] = {}
    for some in chunks(people):
        query = busy_of(hooks, some, now)
        for person, type_, id_ in session.execute(query) if query is not None else ():
            found.setdefault(person, []).append((type_, id_))
    return found


def _taken(
    session: Session, effects: Effects, resources: set[Resource], arriving: Sequence[Move]
) -> dict[tuple[Resource, date], list[_Taken]]:
    """(resource, day) → what takes it then, as it will be after the change."""
    o = Occurrence
    first = min(each.after.starts for each in arriving if each.after) - timedelta(days=1)
    last = max(each.after.ends for each in arriving if each.after) + timedelta(days=1)
    changed = {each["id"] for each in effects.updates}
    found: dict[tuple[Resource, date], list[_Taken]] = {}

    def note(resource: Resource, taken: _Taken) -> None:
        found.setdefault((resource, local(taken.meeting.starts).date()), []).append(taken)

    by_type: dict[str, list[int]] = {}
    for type_, id_ in sorted(resources):
        by_type.setdefault(type_, []).append(id_)
    columns: tuple[Any, ...] = (
        o.id,
        o.resource_id,
        o.source_type,
        o.source_id,
        o.starts,
        o.ends,
        o.week,
        o.weekday,
        o.period,
    )
    for type_, ids in by_type.items():
        for some in chunks(ids):
            query = sa.select(*columns).where(o.resource_type == type_, o.resource_id.in_(some), o.state == "active")
            for id_, r_id, s_type, s_id, *times in session.execute(query.where(o.starts < last, o.ends > first)):
                if id_ not in changed:
                    meeting = Meeting(*times)
                    note((type_, r_id), _Taken((s_type, s_id), meeting, meeting))
    for move in arriving:
        assert move.after is not None
        for resource in _of_source(effects, move.source, resources):
            note(resource, _Taken(move.source, move.after, move.before))
    return found


def _of_source(effects: Effects, source: Ref, resources: set[Resource]) -> list[Resource]:
    """The resource that stands for a moved source itself, as an offering does."""
    return [source] if source in resources else []


# --- whom to tell -----------------------------------------------------------------------------------------------


def _tell(session: Session, change: Change, effects: Effects, now: datetime) -> None:
    """Everyone once, of all that moves for them: people with the same meetings hear it in one message."""
    place = session.get(School, change.place) if change.place else None
    key = f"calendar:{change.place}:{calendars.edition(session, change.place)}"
    of_person: dict[int, list[Ref]] = {}
    for ref, people in effects.people.items():
        for person in people:
            of_person.setdefault(person, []).append(ref)
    groups: dict[tuple[Ref, ...], list[int]] = {}
    for person, refs in of_person.items():
        groups.setdefault(tuple(sorted(refs)), []).append(person)
    by_source: dict[Ref, list[Move]] = {}
    for move in effects.moves:
        by_source.setdefault(move.source, []).append(move)
    for shared, group in groups.items():
        params, link = _message(effects, shared, [move for ref in shared for move in by_source[ref]])
        tell(session, group, KIND, key, {"school": place.name if place else "", **params}, link, now)


def _message(effects: Effects, refs: Sequence[Ref], moves: Sequence[Move]) -> tuple[dict[str, Any], str]:
    names = [effects.names[ref] for ref in refs if ref in effects.names]
    params: dict[str, Any] = {
        "n": len(moves), "titles": [[each.title_zh, each.title_en] for each in names[:TITLES]], "of": len(refs)
    }  # fmt: skip
    if len(moves) == 1:
        only = moves[0]
        params["before"] = only.before.starts.isoformat() if only.before else ""
        params["after"] = only.after.starts.isoformat() if only.after else ""
    link = names[0].url if len(refs) == 1 and names and names[0].url else "/calendar"
    return params, link
