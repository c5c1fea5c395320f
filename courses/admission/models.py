"""What a school has admitted."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from zutuan.db import Base, Id, Moment, foreign


class CourseAdmission(Base):
    """A home registrar's word on whether its own students may enrol in a course of another school in that term."""

    __tablename__ = "course_admission"
    __table_args__ = (sa.UniqueConstraint("school_id", "course_id", "academic_year", "number"),)

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", index=False)
    course_id: Mapped[int] = foreign("course.id")
    academic_year: Mapped[str] = mapped_column(sa.String(9))
    number: Mapped[int]
    admitted: Mapped[bool]
    decided_by: Mapped[int] = foreign("person.id", index=False)
    decided_at: Mapped[Moment]
