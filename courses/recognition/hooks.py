"""What later features do when a home school has given its word on a course; each says so once, when it is registered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from courses.recognition.models import Recognition
from zutuan.sharing.actor import Actor

# A new row of a table, or an answer to one student, in the same transaction: it answers the enrolments of that school in
# that course which stand and have none yet. Says whose these are.
answered: list[Callable[[Session, Actor | None, Recognition, datetime], list[int]]] = []
