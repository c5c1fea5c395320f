"""Seats that were lost with a class that does not take place."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from courses.catalogue.models import Offering
from courses.enrolment.models import Enrolment
from zutuan.db import Base, foreign


class LostSeat(Base):
    """The enrolment whose seat ended by 停开. When, why and until when its student may enrol elsewhere stands on the
    offering; of whom, on the enrolment."""

    __tablename__ = "lost_seat"
    __table_args__ = (sa.Index("ix_lost_seat_offering", "offering_id"),)

    enrolment_id: Mapped[int] = foreign("enrolment.id", primary_key=True, index=False, autoincrement=False)
    offering_id: Mapped[int] = foreign("offering.id", index=False)

    enrolment: Mapped[Enrolment] = relationship()
    offering: Mapped[Offering] = relationship()
