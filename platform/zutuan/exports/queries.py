"""Reading saved formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.orm import Session, joinedload

from zutuan.errors import Denial, Hidden, NotFound
from zutuan.exports import kinds, rules
from zutuan.exports.kinds import ExportKind, Preset
from zutuan.exports.models import ExportFormat
from zutuan.exports.permissions import allow
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject


@dataclass(frozen=True)
class Layout:
    """How one table is written: (column or "", head, fixed value) in order, the lines above, and as what; `name`: of the
    format (empty: of none)."""

    file_type: str
    columns: tuple[tuple[str, str, str], ...]
    above: tuple[str, ...] = ()
    name: str = ""


def subject(school_id: int, format_id: int | None = None) -> Subject:
    return Subject("export_format", format_id, places={"school": Place(school_id)})


def of_schools(session: Session, actor: Actor, kind: str = "", school_id: int | None = None) -> list[ExportFormat]:
    """Saved formats that the actor may use, by kind and name."""
    f = ExportFormat
    query = sa.select(f).where(allow.clause(actor, "export_format.list", {"school": f.school_id}))
    query = query.where(f.kind == kind) if kind else query
    query = query.where(f.school_id == school_id) if school_id else query
    return list(session.scalars(query.order_by(f.school_id, f.kind, f.name, f.id).options(joinedload(f.school))))


def view(session: Session, actor: Actor, format_id: int, action: str = "export_format.list") -> ExportFormat:
    """The format, or 404 for whoever works at another school."""
    found = session.get(ExportFormat, format_id)
    if found is None:
        raise NotFound
    about = subject(found.school_id, found.id)
    if not allow.may(actor, "export_format.list", about):
        raise Hidden(Denial("export_format.list", "export_format", format_id))
    allow.require(actor, action, about)
    return found


def choices(session: Session, kind: ExportKind, schools: Sequence[int]) -> list[tuple[str, str]]:
    """(what an address calls it, name) of the formats in which such a table of these schools may be had: who may read
    the table may have it in any of them."""
    f = ExportFormat
    query = sa.select(f.id, f.name).where(f.kind == kind.name, f.school_id.in_(schools)).order_by(f.name, f.id)
    saved = [(str(id_), name) for id_, name in session.execute(query)]
    return [*saved, *((rules.PRESET + each.name, str(each.label)) for each in kind.presets)]


def asked(session: Session, kind: ExportKind, ref: str, schools: Sequence[int]) -> Layout:
    """The format of that name in an address, all columns where it names none, or 404."""
    return layout(session, kind, ref, schools) if ref else usual(kind)


def layout(session: Session, kind: ExportKind, ref: str, schools: Sequence[int]) -> Layout:
    """The format of that name in an address, or 404."""
    if ref.startswith(rules.PRESET):
        preset = next((each for each in kind.presets if rules.PRESET + each.name == ref), None)
        if preset is None:
            raise NotFound
        return of_preset(kind, preset)
    found = session.get(ExportFormat, int(ref)) if ref.isascii() and ref.isdecimal() and len(ref) < 19 else None
    if found is None or found.kind != kind.name or found.school_id not in schools:
        raise NotFound
    return Layout(found.file_type, _rows(found), tuple(found.above), found.name)


def _rows(saved: ExportFormat) -> tuple[tuple[str, str, str], ...]:
    return tuple((each["column"], each["head"], each["value"]) for each in saved.columns)


def of_preset(kind: ExportKind, preset: Preset) -> Layout:
    with force_locale("zh"):
        heads = [(name, str(head or _label(kind, name)), "") for name, head in preset.columns]
    return Layout(preset.file_type, tuple(heads), name=str(preset.label))


def usual(kind: ExportKind) -> Layout:
    """All columns under their own names, in the reader's language."""
    return Layout("xlsx", tuple((each.name, str(each.label), "") for each in kind.columns))


def _label(kind: ExportKind, name: str) -> object:
    column = kind.column(name)
    assert column is not None, f"{kind.name} has no column {name}"
    return column.label


def kind_or_404(name: str) -> ExportKind:
    found = kinds.named(name)
    if found is None:
        raise NotFound
    return found
