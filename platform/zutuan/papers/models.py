"""Papers that were issued."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.people.models import Person


class Paper(Base):
    """One paper. `content` is exactly what it shows, frozen when it was issued, and `digest` its SHA-256; `subject` is
    what it speaks of, so that it can be taken back when that is no longer true."""

    __tablename__ = "paper"
    __table_args__ = (
        sa.Index("ix_paper_subject", "subject_type", "subject_id"),
        sa.Index("ix_paper_school", "school_id", "id"),
        sa.Index("ix_paper_person", "person_id", "id"),
        # what says the same of the same stands once
        sa.Index(
            "uq_paper_standing", "subject_type", "subject_id", "kind", "school_id", "digest", unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"), postgresql_where=sa.text("revoked_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    person_id: Mapped[int] = foreign("person.id", index=False)
    school_id: Mapped[int] = foreign("school.id", index=False)
    subject_type: Mapped[str] = mapped_column(sa.String(30))
    subject_id: Mapped[int] = mapped_column(sa.BigInteger)
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    digest: Mapped[str] = mapped_column(sa.String(64))
    issued_at: Mapped[Moment]
    issued_by: Mapped[int | None] = foreign("person.id", index=False)
    revoked_at: Mapped[Moment | None]
    revoked_by: Mapped[int | None] = foreign("person.id", index=False)
    revoke_reason: Mapped[str] = mapped_column(sa.String(200), default="")

    school: Mapped[School] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class PaperSubject(Base):
    """What else a paper shows: when it changes, the paper is taken back."""

    __tablename__ = "paper_subject"
    __table_args__ = (sa.Index("ix_paper_subject_of", "subject_type", "subject_id"),)

    paper_id: Mapped[int] = foreign("paper.id", primary_key=True, index=False, autoincrement=False)
    subject_type: Mapped[str] = mapped_column(sa.String(30), primary_key=True)
    subject_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
