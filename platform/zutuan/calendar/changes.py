"""Changing a calendar: what moves, what is lost, what then clashes, whom to tell; and doing it, in one transaction.

Preview and change are the same walk: the new calendar is written, meetings are placed by it anew, and compared with the
book. A preview's transaction is then rolled back by its caller; a change goes on to write the book, the audit and the
notices. Meetings that have begun stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar import book, calendars
from zutuan.calendar.clashes import clashes
from zutuan.calendar.effects import Effects, Move
from zutuan.calendar.models import Occurrence, Term
from zutuan.calendar.permissions import allow, edit_action, place_subject
from zutuan.calendar.plan import Expansion, Meeting, expand, with_fixed
from zutuan.calendar.sources import Hooks, Ref, Resource, Source, concerned, described
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
    effects.clashes = clashes(session, effects, hooks, now)
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
    wanted = {each.key: each for each in with_fixed(placed.meetings, source.fixed)}
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
