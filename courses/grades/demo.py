"""The demonstration's grades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld


def load(session: Session, world: DemoWorld) -> None:
    world.say("")
