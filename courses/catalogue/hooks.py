"""What later features do when an offering changes; each says so once, when it is registered."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from zutuan.sharing.actor import Actor

# More seats than before, in the same transaction: they go to those who wait.
more_seats: list[Callable[[Session, Actor, Offering], None]] = []
