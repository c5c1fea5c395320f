"""What later features do when a grade comes to count or is corrected; each says so once, when it is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from zutuan.sharing.actor import Actor

# (session, actor, enrolment id → the original, now), in the transaction that confirms the sheet or approves the
# correction. An original is {"scale", "grade", "mark", "attempt", "credits" (text), "entry_id", "entry_version",
# "confirmed_at" (ISO 8601)}: of all attempts the one that stands by `rules.counts`.
confirmed: list[Callable[[Session, Actor, Mapping[int, dict[str, Any]], datetime], None]] = []
