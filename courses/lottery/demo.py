"""The demonstration's draws: one in which students may wish now, and one of a school's own that has been drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld


def load(session: Session, world: DemoWorld) -> None:
    pass
