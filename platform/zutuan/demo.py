"""The demonstration: what it is made of, and loading it. Real schools and clusters, typical courses, invented people."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clock import clock
from zutuan.db import Database
from zutuan.sharing.models import AuditEvent

if TYPE_CHECKING:
    from zutuan.feature import Feature

OLD_DAYS = 6
PASSWORD = "zutuan-demo-2026"  # noqa: S105  (printed by `make demo`, good on the loopback demo only)


@dataclass
class DemoWorld:
    """What the features' loaders share; each fills in what it makes for those after it."""

    now: datetime
    say: Callable[[str], None]
    content: Path
    schools: dict[str, int] = field(default_factory=dict)
    clusters: dict[str, int] = field(default_factory=dict)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    # (school, role) → person of the account; school → person ids; (school, name) → person id
    cast: dict[tuple[str, str], int] = field(default_factory=dict)
    students: dict[str, list[int]] = field(default_factory=dict)
    teachers: dict[tuple[str, str], int] = field(default_factory=dict)
    # (school, course code) → offering id
    offerings: dict[tuple[str, str], int] = field(default_factory=dict)

    @cached_property
    def material(self) -> dict[str, Any]:
        """Courses and names, from the TOML file beside the catalogue."""
        return tomllib.loads(self.content.read_text(encoding="utf-8"))


def load(database: Database, features: Sequence[Feature], world: DemoWorld, accounts_file: Path) -> None:
    """Run every feature's loader, each in its own transaction, and write the sign-ins at the very end: that file says
    that the demonstration is complete."""
    for feature in sorted((f for f in features if f.demo), key=lambda f: f.demo_order):
        assert feature.demo is not None
        with database.write() as session:
            feature.demo(session, world)
    accounts_file.write_text(json.dumps(world.accounts, ensure_ascii=False, indent=1), encoding="utf-8")


def age_days(session: Session) -> int:
    """Days since the demonstration was loaded. (Its people are dated before that.)"""
    loaded = session.scalar(sa.select(sa.func.min(AuditEvent.at)).where(AuditEvent.action == "calendar.demo"))
    return (clock.now() - loaded).days if loaded else 0


def accounts_table(accounts: Sequence[dict[str, Any]]) -> str:
    """The sign-ins as lines of a table, wide characters counted as two."""
    heads = {"role": "role", "school": "school 学校", "number": "学工号", "email": "e-mail", "password": "password"}
    rows = [heads, *accounts]
    width = {key: max(_width(str(row[key] or "—")) for row in rows) for key in heads}
    lines = ["  ".join(_pad(str(row[key] or "—"), width[key]) for key in heads).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * _width(lines[0]), *lines[1:]])


def _width(text: str) -> int:
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
