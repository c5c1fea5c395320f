"""Invariants that `zutuan check` looks at."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.lottery import queries, sealing
from courses.lottery.models import Draw, DrawStatement
from zutuan.feature import Problem


def wishes_stay_as_they_were_sealed(session: Session) -> list[Problem]:
    """From the close to the draw nobody's wishes change; and the statement is about the very ones."""
    sealed = sa.select(Draw).where(Draw.state == "published", Draw.wishes_digest != "").order_by(Draw.id)
    altered = [
        each.id for each in session.scalars(sealed) if sealing.digest(queries.entrants(session, each)) != each.wishes_digest
    ]  # fmt: skip
    drawn = sa.select(Draw.id, Draw.wishes_digest, DrawStatement.content).join(DrawStatement)
    altered += [id_ for id_, value, content in session.execute(drawn) if content.get("wishes_digest", "") != value]
    return [Problem("wishes_stay_as_they_were_sealed", f"draw {id_}", "wishes differ") for id_ in altered]
