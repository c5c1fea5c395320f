"""Decisions about clusters on plain values: who may join and leave when, and what the notice's 1+M+N asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from zutuan.clock import local
from zutuan.decision import FieldError, Refusal

MIN_PARTNERS = 3
# How far ahead a membership may begin or end: further away it is a slip of the year.
AHEAD = timedelta(days=366)


@dataclass(frozen=True)
class Stay:
    """A membership over time, with the names that messages and pages need."""

    id: int
    cluster_id: int
    cluster_name: str
    school_id: int
    school_name: str
    role: str
    from_: datetime
    until: datetime | None = None
    school_code: str | None = None
    place: str = ""

    @property
    def called_off(self) -> bool:
        """It was ended before it began, so it never was."""
        return self.until is not None and self.until <= self.from_

    def state(self, now: datetime) -> str:
        """`coming`, `open` or `ended`."""
        if self.called_off:
            return "ended"
        if self.from_ > now:
            return "coming"
        return "open" if self.until is None or self.until > now else "ended"


# --- 1+M+N ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """Open memberships by role: the notice's 1, M and N."""

    lead: int = 0
    partner: int = 0
    supported: int = 0

    @property
    def schools(self) -> int:
        return self.lead + self.partner + self.supported

    @classmethod
    def of(cls, roles: Iterable[str]) -> Counts:
        listed = list(roles)
        return cls(*(listed.count(role) for role in ("lead", "partner", "supported")))


@dataclass(frozen=True)
class Caution:
    """Something to look at, never a refusal: real clusters depart from the notice's principle."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


def cautions(counts: Counts) -> list[Caution]:
    """Where a cluster departs from 1+M+N: exactly one lead, M at least 3, M at least N."""
    found = []
    if counts.lead == 0:
        found.append(Caution("cluster_without_lead"))
    if counts.lead > 1:
        found.append(Caution("cluster_with_leads", {"count": counts.lead}))
    if counts.partner < MIN_PARTNERS:
        found.append(Caution("cluster_few_partners", {"count": counts.partner, "least": MIN_PARTNERS}))
    if counts.partner < counts.supported:
        found.append(Caution("cluster_more_supported", {"m": counts.partner, "n": counts.supported}))
    return found


# --- joining and leaving ----------------------------------------------------------------------------------------


def may_join(stays: Sequence[Stay], school_id: int, role: str, from_: datetime) -> Refusal | None:
    """Whether the school can become a member from that instant on, given the cluster's memberships of all time.

    One membership per school and one lead at any instant; the database guards the open ones again.
    """
    later = [stay for stay in stays if stay.until is None or (stay.until > from_ and not stay.called_off)]
    for stay in later:
        if stay.school_id == school_id:
            return _still_here(stay)
    for stay in later:
        if role == "lead" and stay.role == "lead":
            return Refusal("lead_taken", {"school": stay.school_name})
    return None


def _still_here(stay: Stay) -> Refusal:
    if stay.until is None:
        return Refusal("already_member", {"school": stay.school_name})
    return Refusal("membership_overlaps", {"school": stay.school_name, "day": day_text(stay.until)})


def check_start(from_: datetime, now: datetime) -> FieldError | None:
    return FieldError("from", "more_than_a_year") if from_ > now + AHEAD else None


def may_end(stay: Stay, now: datetime) -> Refusal | None:
    """What has ended stays as it was. A planned end may still be brought forward."""
    if stay.state(now) == "ended":
        assert stay.until is not None
        return Refusal("membership_ended", {"school": stay.school_name, "day": day_text(stay.until)})
    return None


def check_end(stay: Stay, at: datetime, now: datetime) -> FieldError | None:
    """The instant at which a membership may end: not before its start, at most a year ahead."""
    if at < stay.from_:
        return FieldError("at", "ends_before_joined", {"day": day_text(stay.from_)})
    if at > now + AHEAD:
        return FieldError("at", "more_than_a_year")
    if stay.until is not None and at > stay.until:
        return FieldError("at", "ends_after_planned", {"day": day_text(stay.until)})
    return None


def day_text(moment: datetime) -> str:
    """The Shanghai date of an instant, for messages."""
    return local(moment).date().isoformat()


# --- renaming and taking over -----------------------------------------------------------------------------------


def may_rename(name: str, wanted: str, *, taken: bool, succeeded: bool) -> Refusal | None:
    """Whether a school can be called so from now on."""
    if succeeded:
        return Refusal("school_succeeded", {"school": name})
    if wanted == name:
        return Refusal("same_name")
    return Refusal("school_name_taken", {"school": wanted}) if taken else None


def may_succeed(old_id: int, new_id: int, old_successor: int | None, new_successor: int | None) -> Refusal | None:
    """Whether `new` can take `old` over: two schools, and both still stand by themselves."""
    if old_id == new_id:
        return Refusal("succeeds_itself")
    if old_successor is not None:
        return Refusal("already_succeeded")
    return Refusal("successor_succeeded") if new_successor is not None else None


# --- the timeline -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """A school joined or left."""

    kind: str
    at: datetime
    stay: Stay


@dataclass(frozen=True)
class Day:
    """What happened in a cluster on one Shanghai day; `ahead` when it is still to come."""

    day: date
    ahead: bool
    joined: tuple[Stay, ...]
    left: tuple[Stay, ...]


def timeline(stays: Iterable[Stay], now: datetime) -> list[Day]:
    """Joinings and leavings by day, the latest first."""
    events: list[Event] = []
    for stay in (each for each in stays if not each.called_off):
        events.append(Event("joined", stay.from_, stay))
        if stay.until is not None:
            events.append(Event("left", stay.until, stay))
    days = sorted({local(event.at).date() for event in events}, reverse=True)
    return [_day(day, [event for event in events if local(event.at).date() == day], now) for day in days]


def _day(day: date, events: Sequence[Event], now: datetime) -> Day:
    joined = tuple(event.stay for event in events if event.kind == "joined")
    left = tuple(event.stay for event in events if event.kind == "left")
    return Day(day, all(event.at > now for event in events), joined, left)
