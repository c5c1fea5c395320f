"""What later features say about enrolling; each says so once, when it is registered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from courses.enrolment.wanted import Wanted
from zutuan.decision import Refusal

# Why a seat that is drawn for is not to be had directly now; None: what is left goes first come.
draws: list[Callable[[Session, Wanted, datetime], Refusal | None]] = []


def against_enrolling(session: Session, wanted: Wanted, now: datetime) -> Refusal | None:
    found = (each(session, wanted, now) for each in draws)
    return next((refusal for refusal in found if refusal is not None), None)
