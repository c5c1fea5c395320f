"""Adjustments of meetings: 调停课"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adjustment",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("offering_id", BigId, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("week", sa.Integer(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("period", sa.Integer(), nullable=True),
        sa.Column("last_period", sa.Integer(), nullable=True),
        sa.Column("was_starts", UtcDateTime(timezone=True), nullable=True),
        sa.Column("was_ends", UtcDateTime(timezone=True), nullable=True),
        sa.Column("starts", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ends", UtcDateTime(timezone=True), nullable=True),
        sa.Column("first", sa.Integer(), nullable=True),
        sa.Column("last", sa.Integer(), nullable=True),
        sa.Column("place", sa.String(60), server_default="", nullable=False),
        sa.Column("substitute_id", BigId, nullable=True),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("asked_by", BigId, nullable=True),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", BigId, nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(400), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(kind IN ('move', 'make_up')) = (starts IS NOT NULL)", name=op.f("ck_adjustment_new_time")),
        sa.CheckConstraint("kind <> 'substitute' OR substitute_id IS NOT NULL", name=op.f("ck_adjustment_substitute")),
        sa.CheckConstraint("kind = 'make_up' OR week IS NOT NULL", name=op.f("ck_adjustment_of_a_meeting")),
        sa.CheckConstraint("kind IN ('move', 'cancel', 'make_up', 'substitute')", name=op.f("ck_adjustment_kind")),
        sa.CheckConstraint("state IN ('asked', 'approved', 'denied', 'withdrawn')", name=op.f("ck_adjustment_state")),
        sa.CheckConstraint(
            "(week IS NULL) = (weekday IS NULL) AND (week IS NULL) = (period IS NULL)",
            name=op.f("ck_adjustment_meeting"),
        ),
        sa.CheckConstraint("starts < ends", name=op.f("ck_adjustment_order")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_adjustment_asked_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_adjustment_decided_by")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name=op.f("fk_adjustment_offering_id")),
        sa.ForeignKeyConstraint(["substitute_id"], ["person.id"], name=op.f("fk_adjustment_substitute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("adjustment") as batch:
        batch.create_index(op.f("ix_adjustment_offering_id"), ["offering_id"])
        batch.create_index("ix_adjustment_state", ["state", "asked_at", "id"])
        batch.create_index(op.f("ix_adjustment_substitute_id"), ["substitute_id"])
        batch.create_index(
            "uq_adjustment_make_up",
            ["offering_id", "week", "weekday", "period"],
            unique=True,
            sqlite_where=sa.text("state IN ('asked', 'approved') AND week IS NOT NULL AND kind = 'make_up'"),
            postgresql_where=sa.text("state IN ('asked', 'approved') AND week IS NOT NULL AND kind = 'make_up'"),
        )
        batch.create_index(
            "uq_adjustment_meeting",
            ["offering_id", "week", "weekday", "period"],
            unique=True,
            sqlite_where=sa.text("state IN ('asked', 'approved') AND week IS NOT NULL AND kind <> 'make_up'"),
            postgresql_where=sa.text("state IN ('asked', 'approved') AND week IS NOT NULL AND kind <> 'make_up'"),
        )


def downgrade() -> None:
    op.drop_table("adjustment")
