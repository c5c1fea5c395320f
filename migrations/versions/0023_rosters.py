"""Formats of exports, and attendance."""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "export_format",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("school_id", BigId, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("file_type", sa.String(10), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("above", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("file_type IN ('xlsx', 'csv_gbk', 'csv_utf8')", name=op.f("ck_export_format_file_type")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_export_format_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_format")),
        sa.UniqueConstraint("school_id", "kind", "name", name=op.f("uq_export_format_school_id_kind_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "attendance_sheet",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("offering_id", BigId, nullable=False),
        sa.Column("source_type", sa.String(20), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("starts", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends", UtcDateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("saved_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("saved_by", BigId, nullable=True),
        sa.CheckConstraint("starts < ends", name=op.f("ck_attendance_sheet_order")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name=op.f("fk_attendance_sheet_offering_id")),
        sa.ForeignKeyConstraint(["saved_by"], ["person.id"], name=op.f("fk_attendance_sheet_saved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance_sheet")),
        sa.UniqueConstraint(
            "offering_id",
            "source_type",
            "source_id",
            "week",
            "weekday",
            "period",
            name="uq_attendance_sheet_meeting",
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "attendance_mark",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("sheet_id", BigId, nullable=False),
        sa.Column("enrolment_id", BigId, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("note", sa.String(100), server_default="", nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('teacher', 'scan', 'leave')", name=op.f("ck_attendance_mark_source")),
        sa.CheckConstraint("status IN ('present', 'late', 'absent', 'leave')", name=op.f("ck_attendance_mark_status")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_attendance_mark_enrolment_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_attendance_mark_person_id")),
        sa.ForeignKeyConstraint(["sheet_id"], ["attendance_sheet.id"], name=op.f("fk_attendance_mark_sheet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance_mark")),
        sa.UniqueConstraint("sheet_id", "enrolment_id", name=op.f("uq_attendance_mark_sheet_id_enrolment_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("attendance_mark") as batch:
        batch.create_index(op.f("ix_attendance_mark_enrolment_id"), ["enrolment_id"])
        batch.create_index(op.f("ix_attendance_mark_person_id"), ["person_id"])

    op.create_table(
        "leave_request",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("sheet_id", BigId, nullable=False),
        sa.Column("enrolment_id", BigId, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("answer", sa.String(400), server_default="", nullable=False),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by", BigId, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'accepted', 'refused', 'withdrawn')", name=op.f("ck_leave_request_state")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_leave_request_decided_by")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_leave_request_enrolment_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_leave_request_person_id")),
        sa.ForeignKeyConstraint(["sheet_id"], ["attendance_sheet.id"], name=op.f("fk_leave_request_sheet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave_request")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("leave_request") as batch:
        batch.create_index(op.f("ix_leave_request_enrolment_id"), ["enrolment_id"])
        batch.create_index(op.f("ix_leave_request_person_id"), ["person_id"])
        batch.create_index(
            "uq_leave_request_open",
            ["sheet_id", "enrolment_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('asked', 'accepted')"),
            postgresql_where=sa.text("state IN ('asked', 'accepted')"),
        )


def downgrade() -> None:
    with op.batch_alter_table("leave_request") as batch:
        batch.drop_index(
            "uq_leave_request_open",
            sqlite_where=sa.text("state IN ('asked', 'accepted')"),
            postgresql_where=sa.text("state IN ('asked', 'accepted')"),
        )
        batch.drop_index(op.f("ix_leave_request_person_id"))
        batch.drop_index(op.f("ix_leave_request_enrolment_id"))

    op.drop_table("leave_request")
    with op.batch_alter_table("attendance_mark") as batch:
        batch.drop_index(op.f("ix_attendance_mark_person_id"))
        batch.drop_index(op.f("ix_attendance_mark_enrolment_id"))

    op.drop_table("attendance_mark")
    op.drop_table("attendance_sheet")
    op.drop_table("export_format")
