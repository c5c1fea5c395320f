"""The tasks of the 师范教育协同提质计划 (教师厅函〔2022〕2号) that shared items and events may carry, so that a cluster can
count what it did for each. A code is the place in the notice: 2.2.2 is 二（二）2. Only tasks whose wording is known stand here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Task:
    """`place` is how the notice numbers it."""

    place: Any
    title: Any

    @property
    def text(self) -> str:
        return f"{self.place} {self.title}"


TASKS: Mapping[str, Task] = {"2.2.2": Task(_l("二（二）2"), _l("学生协同培养"))}
NONE = ""
_defaults: dict[str, str] = {}


def learn(defaults: Mapping[str, str]) -> None:
    """The composition root says which kind of item serves which task unless its owner says otherwise."""
    assert set(defaults.values()) <= {NONE, *TASKS}
    _defaults.update(defaults)


def default_for(kind: str) -> str:
    return _defaults.get(kind, NONE)


def options() -> list[tuple[str, str]]:
    return [(code, task.text) for code, task in TASKS.items()]
