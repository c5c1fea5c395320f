"""Grades at the host school: schemes, sheets, entries, corrections"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("enrolment") as batch:
        batch.add_column(sa.Column("passed", sa.Boolean(), nullable=True))

    op.create_table(
        "grade_scheme",
        sa.Column("offering_id", BigId, autoincrement=False, nullable=False),
        sa.Column("scale", sa.String(10), nullable=False),
        sa.Column("places", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parts", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("scale IN ('percent', 'five', 'two')", name=op.f("ck_grade_scheme_scale")),
        sa.CheckConstraint("places BETWEEN 0 AND 2", name=op.f("ck_grade_scheme_places")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name=op.f("fk_grade_scheme_offering_id")),
        sa.PrimaryKeyConstraint("offering_id", name=op.f("pk_grade_scheme")),
    )
    op.create_table(
        "grade_sheet",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("offering_id", BigId, nullable=False),
        sa.Column("attempt", sa.String(10), nullable=False),
        sa.Column("sitting", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("submitted_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("submitted_by", BigId, nullable=True),
        sa.Column("confirmed_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", BigId, nullable=True),
        sa.Column("returned_because", sa.String(400), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("attempt IN ('first', 'resit')", name=op.f("ck_grade_sheet_attempt")),
        sa.CheckConstraint("state IN ('open', 'submitted', 'confirmed')", name=op.f("ck_grade_sheet_state")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["person.id"], name=op.f("fk_grade_sheet_confirmed_by")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name=op.f("fk_grade_sheet_offering_id")),
        sa.ForeignKeyConstraint(["submitted_by"], ["person.id"], name=op.f("fk_grade_sheet_submitted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_sheet")),
        sa.UniqueConstraint(
            "offering_id", "attempt", "sitting", name=op.f("uq_grade_sheet_offering_id_attempt_sitting")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "grade_entry",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("sheet_id", BigId, nullable=False),
        sa.Column("enrolment_id", BigId, nullable=False),
        sa.Column("parts", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("scale", sa.String(10), nullable=False),
        sa.Column("grade", sa.String(10), server_default="", nullable=False),
        sa.Column("mark", sa.String(12), server_default="", nullable=False),
        sa.Column("remark", sa.String(200), server_default="", nullable=False),
        sa.Column("entered_by", BigId, nullable=True),
        sa.Column("entered_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_grade_entry_enrolment_id")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("fk_grade_entry_entered_by")),
        sa.ForeignKeyConstraint(["sheet_id"], ["grade_sheet.id"], name=op.f("fk_grade_entry_sheet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_entry")),
        sa.UniqueConstraint("sheet_id", "enrolment_id", name=op.f("uq_grade_entry_sheet_id_enrolment_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("grade_entry") as batch:
        batch.create_index(op.f("ix_grade_entry_enrolment_id"), ["enrolment_id"])

    op.create_table(
        "grade_correction",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_by", BigId, nullable=True),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", BigId, nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(400), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'approved', 'denied', 'withdrawn')", name=op.f("ck_grade_correction_state")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_grade_correction_asked_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_grade_correction_decided_by")),
        sa.ForeignKeyConstraint(["entry_id"], ["grade_entry.id"], name=op.f("fk_grade_correction_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_correction")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("grade_correction") as batch:
        batch.create_index(op.f("ix_grade_correction_entry_id"), ["entry_id"])
        batch.create_index(
            "uq_grade_correction_open",
            ["entry_id"],
            unique=True,
            sqlite_where=sa.text("state = 'asked'"),
            postgresql_where=sa.text("state = 'asked'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("grade_correction") as batch:
        batch.drop_index(
            "uq_grade_correction_open",
            sqlite_where=sa.text("state = 'asked'"),
            postgresql_where=sa.text("state = 'asked'"),
        )
        batch.drop_index(op.f("ix_grade_correction_entry_id"))

    op.drop_table("grade_correction")
    with op.batch_alter_table("grade_entry") as batch:
        batch.drop_index(op.f("ix_grade_entry_enrolment_id"))

    op.drop_table("grade_entry")
    op.drop_table("grade_sheet")
    op.drop_table("grade_scheme")
    with op.batch_alter_table("enrolment") as batch:
        batch.drop_column("passed")
