"""Term plans."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalogue.rules import ROUNDS
from courses.plans.rules import STAGES
from zutuan.clusters.models import Cluster
from zutuan.db import Base, Id, Moment, foreign


def _order(stage: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{stage}_from < {stage}_until", name=stage)


class TermPlan(Base):
    """学期选课安排 of a cluster: one for each academic year and term number, by which its schools' terms match."""

    __tablename__ = "term_plan"
    __table_args__ = (
        sa.UniqueConstraint("cluster_id", "academic_year", "number"),
        sa.CheckConstraint("state IN ('draft', 'published')", name="state"),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name="number"),
        *(_order(stage) for stage in STAGES),
    )

    id: Mapped[Id]
    cluster_id: Mapped[int] = foreign("cluster.id", index=False)
    academic_year: Mapped[str] = mapped_column(sa.String(9))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(10), default="draft")
    # Each stage is [from, until); one that the cluster does without has neither.
    submission_from: Mapped[Moment | None]
    submission_until: Mapped[Moment | None]
    review_from: Mapped[Moment | None]
    review_until: Mapped[Moment | None]
    preselection_from: Mapped[Moment | None]
    preselection_until: Mapped[Moment | None]
    main_from: Mapped[Moment]
    main_until: Mapped[Moment]
    add_drop_from: Mapped[Moment | None]
    add_drop_until: Mapped[Moment | None]
    teaching_starts: Mapped[date]
    grades_due: Mapped[date]
    note: Mapped[str] = mapped_column(sa.String(400), default="")
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    published_at: Mapped[Moment | None]

    cluster: Mapped[Cluster] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    def span(self, stage: str) -> tuple[datetime | None, datetime | None]:
        return getattr(self, f"{stage}_from"), getattr(self, f"{stage}_until")

    @property
    def spans(self) -> dict[str, tuple[datetime | None, datetime | None]]:
        return {stage: self.span(stage) for stage in STAGES}

    @property
    def rounds(self) -> list[tuple[str, datetime, datetime]]:
        """The rounds of enrolling that it has."""
        spans = [(kind, *self.span(kind)) for kind in ROUNDS]
        return [(kind, opens, closes) for kind, opens, closes in spans if opens is not None and closes is not None]
