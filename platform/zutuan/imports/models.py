"""Files that were handed in for import, and what was found in them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.people.models import Person

STATES = ("checking", "checked", "applying", "applied", "failed", "dropped", "superseded")


class ImportBatch(Base):
    """One file for one school. `content` goes once the batch is over: it holds more than we want to keep.

    `mends_id`: the batch whose bad rows this file brings mended; its good rows are taken along from there.
    `params`: what the form said that the file does not (a term). `superseded_by_id`: the mended workbook that was
    written in this file's place. `report`: counts, the mapping of columns, the digest of what was shown, the error that stopped it.
    """

    __tablename__ = "import_batch"
    __table_args__ = (sa.CheckConstraint(f"state IN ({', '.join(map(repr, STATES))})", name="state"),)

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(sa.String(20))
    school_id: Mapped[int] = foreign("school.id")
    person_id: Mapped[int] = foreign("person.id", index=False)
    mends_id: Mapped[int | None] = foreign("import_batch.id", index=False)
    superseded_by_id: Mapped[int | None] = foreign("import_batch.id", index=False)
    file_name: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content: Mapped[bytes | None] = deferred(mapped_column(sa.LargeBinary))
    chosen: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    params: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict, server_default="{}")
    state: Mapped[str] = mapped_column(sa.String(10), default="checking")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    created_at: Mapped[Moment]
    changed_at: Mapped[Moment]

    school: Mapped[School] = relationship()
    person: Mapped[Person] = relationship()


class ImportLine(Base):
    """A row of the file that changes something, or that cannot be taken. What changes nothing has no line.

    `detail`: {"values": [[column, before, after], …]} of a change; {"cells": […], "errors": [[column, code, params], …]}
    of a bad row.
    """

    __tablename__ = "import_line"
    __table_args__ = (sa.Index("ix_import_line_batch", "batch_id", "outcome", "id"),)
    unaudited = True

    id: Mapped[Id]
    batch_id: Mapped[int] = foreign("import_batch.id", index=False)
    line: Mapped[int]
    outcome: Mapped[str] = mapped_column(sa.String(10))
    label: Mapped[str] = mapped_column(sa.String(200))
    detail: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
