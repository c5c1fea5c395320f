"""What later features say about enrolling; each says so once, when it is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from courses.enrolment.models import Enrolment
from courses.enrolment.wanted import Wanted
from zutuan.decision import Refusal
from zutuan.sharing.actor import Actor


@dataclass(frozen=True)
class Line:
    """A few words behind a row of 我的选课, as a chip of that tone."""

    tone: str
    text: str


# (session, actor, enrolments) → enrolment id → its words; asked once for a whole list.
lines: list[Callable[[Session, Actor, Sequence[Enrolment]], Mapping[int, Line]]] = []


def lines_of(session: Session, actor: Actor, enrolments: Sequence[Enrolment]) -> dict[int, list[Line]]:
    found: dict[int, list[Line]] = {}
    for each in lines if enrolments else ():
        for id_, line in each(session, actor, enrolments).items():
            found.setdefault(id_, []).append(line)
    return found


# Why a seat that is drawn for is not to be had directly now; None: what is left goes first come.
draws: list[Callable[[Session, Wanted, datetime], Refusal | None]] = []


def against_enrolling(session: Session, wanted: Wanted, now: datetime) -> Refusal | None:
    found = (each(session, wanted, now) for each in draws)
    return next((refusal for refusal in found if refusal is not None), None)


# (session, person, academic year, number of the term, now) → until when the person may enrol in classes of that term
# although enrolling in them is over; None: they may not. Asked only when it is over.
rescues: list[Callable[[Session, int, str, int, datetime], datetime | None]] = []


def rescue_until(session: Session, person_id: int, year: str, number: int, now: datetime) -> datetime | None:
    found = (each(session, person_id, year, number, now) for each in rescues)
    return max((until for until in found if until is not None), default=None)
