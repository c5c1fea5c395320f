"""Frozen figures of a cluster's term."""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, Hundredths, UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure_freeze",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("cluster_id", BigId, nullable=False),
        sa.Column("cluster_name", sa.String(60), nullable=False),
        sa.Column("academic_year", sa.String(9), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("note", sa.String(400), server_default="", nullable=False),
        sa.Column("plan_code", sa.String(12), server_default="", nullable=False),
        sa.Column("platform", sa.String(40), server_default="", nullable=False),
        sa.Column("made_by", BigId, nullable=False),
        sa.Column("frozen_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name=op.f("ck_figure_freeze_number")),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name=op.f("fk_figure_freeze_cluster_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_freeze")),
        sa.UniqueConstraint(
            "cluster_id",
            "academic_year",
            "number",
            "name",
            name=op.f("uq_figure_freeze_cluster_id_academic_year_number_name"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "frozen_figure",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("freeze_id", BigId, nullable=False),
        sa.Column("figure", sa.String(40), nullable=False),
        sa.Column("title_zh", sa.String(60), nullable=False),
        sa.Column("title_en", sa.String(100), nullable=False),
        sa.Column("unit_zh", sa.String(20), nullable=False),
        sa.Column("unit_en", sa.String(40), nullable=False),
        sa.Column("definition_zh", sa.String(600), nullable=False),
        sa.Column("definition_en", sa.String(1200), nullable=False),
        sa.Column("plan_code", sa.String(12), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["freeze_id"], ["figure_freeze.id"], name=op.f("fk_frozen_figure_freeze_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frozen_figure")),
        sa.UniqueConstraint("freeze_id", "figure", name=op.f("uq_frozen_figure_freeze_id_figure")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "frozen_value",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("freeze_id", BigId, nullable=False),
        sa.Column("figure", sa.String(40), nullable=False),
        sa.Column("home_id", BigId, nullable=True),
        sa.Column("home_name", sa.String(60), server_default="", nullable=False),
        sa.Column("host_id", BigId, nullable=True),
        sa.Column("host_name", sa.String(60), server_default="", nullable=False),
        sa.Column("value", Hundredths(), nullable=True),
        sa.Column("rows", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["freeze_id"], ["figure_freeze.id"], name=op.f("fk_frozen_value_freeze_id")),
        sa.ForeignKeyConstraint(["home_id"], ["school.id"], name=op.f("fk_frozen_value_home_id")),
        sa.ForeignKeyConstraint(["host_id"], ["school.id"], name=op.f("fk_frozen_value_host_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frozen_value")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("frozen_value") as batch:
        batch.create_index("ix_frozen_value_freeze", ["freeze_id", "figure"])


def downgrade() -> None:
    with op.batch_alter_table("frozen_value") as batch:
        batch.drop_index("ix_frozen_value_freeze")

    op.drop_table("frozen_value")
    op.drop_table("frozen_figure")
    op.drop_table("figure_freeze")
