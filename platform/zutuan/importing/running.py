"""A plan of what a table changes, and the promise of all or nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from zutuan.importing.mapping import Column, Progress, Record, map_columns, parse
from zutuan.importing.reading import read
from zutuan.importing.sheets import RowError, Sheet
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit


@dataclass(frozen=True)
class Difference:
    """What one row changes: who or what it is about, and (column, before, after) of what differs.

    `outcome` is `created`, `updated`, `removed` (there, and no longer in the file), `follows`
    (moved by what the file changes), `proposed` (somebody must accept it)
    or `kept` (the file says otherwise, but it is not the file's to decide).
    """

    line: int
    outcome: str
    label: str
    values: tuple[tuple[str, str, str], ...] = ()


@dataclass
class Plan:
    """What an import would do, in its own values and in the order of the file."""

    created: list[Any] = field(default_factory=list)
    updated: list[Any] = field(default_factory=list)
    removed: list[Any] = field(default_factory=list)
    proposed: list[Any] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    told: int = 0  # people who hear of it

    @property
    def changes(self) -> bool:
        return bool(self.created or self.updated or self.removed or self.proposed)

    @property
    def counts(self) -> dict[str, int]:
        found = {"created": len(self.created), "updated": len(self.updated), "unchanged": self.unchanged}
        rarer = {"removed": len(self.removed), "proposed": len(self.proposed)}
        return found | {name: count for name, count in rarer.items() if count}

    @property
    def digest(self) -> str:
        """What was shown, as one value: the same differences mean that nothing has changed since."""
        return hashlib.sha256(repr([self.counts, self.differences]).encode()).hexdigest()


@dataclass(frozen=True)
class Import:
    """A kind of import. `plan` only reads; `apply` writes a plan without errors, through the feature's services.

    With `extra`, columns that the import does not know are passed over: schools export more than we want to hold.
    `lock` makes stand still, before the plan that will be written, whatever else it depends on. `foresee` adds to a plan
    without errors what follows from it elsewhere; to know that it may write, and everything is taken back.
    """

    name: str
    columns: tuple[Column, ...]
    plan: Callable[[Session, Sequence[Record], datetime], Plan]
    apply: Callable[[Session, Actor | None, Plan, datetime], None]
    extra: bool = False
    lock: Callable[[Session], None] | None = None
    foresee: Callable[[Session, Plan, datetime], None] | None = None

    def whole_plan(self, session: Session, records: Sequence[Record], now: datetime, *, sound: bool) -> Plan:
        """The plan with what follows from it, where it and the rows before it (`sound`) are without errors. Needs a
        session that may write, and leaves nothing in it."""
        plan = self.plan(session, records, now)
        if self.foresee is not None and sound and plan.changes and not plan.errors:
            with session.begin_nested() as tried:
                self.foresee(session, plan, now)
                tried.rollback()
        return plan

    def hold(self, session: Session) -> None:
        if self.lock is not None:
            self.lock(session)


@dataclass(frozen=True)
class Checked:
    """A sheet against an import: what its columns are, the rows that fit, and everything that stands against it."""

    sheet: Sheet
    mapping: tuple[tuple[str, str], ...]
    records: tuple[Record, ...]
    errors: tuple[RowError, ...]


@dataclass(frozen=True)
class Report:
    """What an import did, or in a dry run would do. With errors it did nothing."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: tuple[RowError, ...] = ()
    encoding: str = ""
    sha256: str = ""
    written: bool = False
    proposed: int = 0
    sheet: Sheet | None = None
    differences: tuple[Difference, ...] = ()
    removed: int = 0

    @property
    def bad_lines(self) -> int:
        """How many lines of the file have an error."""
        return len({error.line for error in self.errors})

    @property
    def kinds(self) -> Counter[str]:
        """How many errors of each code."""
        return Counter(error.code for error in self.errors)


def check_sheet(
    kind: Import, sheet: Sheet, progress: Progress | None = None, chosen: Mapping[str, str] | None = None
) -> Checked:
    """Parse every row: all that can be said of a sheet without the database."""
    found, _ = map_columns(sheet, kind.columns, extra=kind.extra, chosen=chosen)
    mapping = tuple((title, column.name if column else "") for title, column in zip(sheet.columns, found, strict=True))
    records, errors = parse(sheet, kind.columns, progress, extra=kind.extra, chosen=chosen)
    return Checked(sheet, mapping, tuple(records), (*sheet.errors, *errors))


def apply_plan(session: Session, kind: Import, actor: Actor | None, plan: Plan, now: datetime, sha256: str) -> None:
    """Write a plan without errors, and who did it with which file."""
    assert not plan.errors
    kind.apply(session, actor, plan, now)
    audit(session, actor, f"import.{kind.name}", Subject("import"), now=now, sha256=sha256, **plan.counts)


def run(
    session: Session,
    kind: Import,
    data: bytes,
    *,
    now: datetime,
    actor: Actor | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    sheet: Sheet | None = None,
) -> Report:
    """Import a file, or the `sheet` that was made of it. For a dry run a reading session is enough. Without an actor it
    is the machine's operator."""
    checked = check_sheet(kind, sheet or read(data, kind.columns), progress)
    if not dry_run:
        kind.hold(session)
    plan = kind.plan(session, checked.records, now)
    errors = in_order((*checked.errors, *plan.errors))
    digest = hashlib.sha256(data).hexdigest()
    writes = plan.changes and not errors and not dry_run
    if writes:
        apply_plan(session, kind, actor, plan, now, digest)
    return Report(
        len(plan.created), len(plan.updated), plan.unchanged, errors, checked.sheet.encoding, digest, writes,
        len(plan.proposed), checked.sheet, tuple(plan.differences), len(plan.removed),
    )  # fmt: skip


def in_order(errors: Sequence[RowError]) -> tuple[RowError, ...]:
    return tuple(sorted(errors, key=lambda error: error.line))
