"""A student is held by the row of their person: two academic years may overlap in time, and so may what they ask for.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId

revision, down_revision = "0014", "0013"
branch_labels = depends_on = None


def upgrade() -> None:
    op.drop_table("study_year")


def downgrade() -> None:
    op.create_table(
        "study_year",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("academic_year", sa.String(9), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_study_year_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_study_year"),
        sa.UniqueConstraint("person_id", "academic_year", name="uq_study_year_person_id_academic_year"),
    )
