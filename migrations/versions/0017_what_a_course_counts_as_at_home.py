"""What courses of other schools count as at home: tables, requests, and the answer on the enrolment"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, Hundredths, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE, OWN = "person_id IS NULL AND ended_at IS NULL", "person_id IS NOT NULL AND ended_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "recognition",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("home_school_id", BigId, nullable=False),
        sa.Column("course_id", BigId, nullable=False),
        sa.Column("person_id", BigId, nullable=True),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("code", sa.String(20), server_default="", nullable=False),
        sa.Column("name", sa.String(120), server_default="", nullable=False),
        sa.Column("name_en", sa.String(200), server_default="", nullable=False),
        sa.Column("category", sa.String(40), server_default="", nullable=False),
        sa.Column("credits", Hundredths(), nullable=False),
        sa.Column("same_as_id", BigId, nullable=True),
        sa.Column("note", sa.String(400), server_default="", nullable=False),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by", BigId, nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("outcome IN ('counts', 'refused')", name=op.f("ck_recognition_outcome")),
        sa.CheckConstraint("same_as_id IS NULL OR same_as_id <> id", name=op.f("ck_recognition_another")),
        sa.CheckConstraint(
            "(outcome = 'counts' AND credits > 0) OR (outcome = 'refused' AND credits = 0)",
            name=op.f("ck_recognition_credits"),
        ),
        sa.CheckConstraint(
            "ended_at IS NULL OR (until IS NOT NULL AND until <= ended_at)", name=op.f("ck_recognition_ended")
        ),
        sa.CheckConstraint("until IS NULL OR since <= until", name=op.f("ck_recognition_order")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_recognition_course_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_recognition_decided_by")),
        sa.ForeignKeyConstraint(["home_school_id"], ["school.id"], name=op.f("fk_recognition_home_school_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_recognition_person_id")),
        sa.ForeignKeyConstraint(["same_as_id"], ["recognition.id"], name=op.f("fk_recognition_same_as_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recognition")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("recognition") as batch:
        batch.create_index(op.f("ix_recognition_course_id"), ["course_id"])
        batch.create_index("ix_recognition_home", ["home_school_id", "course_id", "person_id"])
        batch.create_index(op.f("ix_recognition_person_id"), ["person_id"])
        batch.create_index(op.f("ix_recognition_same_as_id"), ["same_as_id"])
        batch.create_index(
            "uq_recognition_own",
            ["home_school_id", "course_id", "person_id"],
            unique=True,
            sqlite_where=sa.text(OWN),
            postgresql_where=sa.text(OWN),
        )
        batch.create_index(
            "uq_recognition_table",
            ["home_school_id", "course_id"],
            unique=True,
            sqlite_where=sa.text(TABLE),
            postgresql_where=sa.text(TABLE),
        )

    op.create_table(
        "recognition_request",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("home_school_id", BigId, nullable=False),
        sa.Column("course_id", BigId, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("affiliation_id", BigId, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("message", sa.String(400), server_default="", nullable=False),
        sa.Column("answer_id", BigId, nullable=True),
        sa.Column("answered_by", BigId, nullable=True),
        sa.Column("answered_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open', 'answered', 'withdrawn')", name=op.f("ck_recognition_request_state")),
        sa.ForeignKeyConstraint(
            ["affiliation_id"], ["affiliation.id"], name=op.f("fk_recognition_request_affiliation_id")
        ),
        sa.ForeignKeyConstraint(["answer_id"], ["recognition.id"], name=op.f("fk_recognition_request_answer_id")),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_recognition_request_answered_by")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_recognition_request_course_id")),
        sa.ForeignKeyConstraint(["home_school_id"], ["school.id"], name=op.f("fk_recognition_request_home_school_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_recognition_request_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recognition_request")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("recognition_request") as batch:
        batch.create_index(op.f("ix_recognition_request_course_id"), ["course_id"])
        batch.create_index("ix_recognition_request_home", ["home_school_id", "state", "id"])
        batch.create_index(op.f("ix_recognition_request_person_id"), ["person_id"])
        batch.create_index(
            "uq_recognition_request_open",
            ["home_school_id", "course_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    with op.batch_alter_table("enrolment") as batch:
        batch.add_column(sa.Column("recognition_id", BigId, nullable=True))
        batch.create_index(
            "ix_enrolment_recognition",
            ["recognition_id"],
            sqlite_where=sa.text("recognition_id IS NOT NULL"),
            postgresql_where=sa.text("recognition_id IS NOT NULL"),
        )
        batch.create_foreign_key(op.f("fk_enrolment_recognition_id"), "recognition", ["recognition_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("enrolment") as batch:
        batch.drop_constraint(op.f("fk_enrolment_recognition_id"), type_="foreignkey")
        batch.drop_index(
            "ix_enrolment_recognition",
            sqlite_where=sa.text("recognition_id IS NOT NULL"),
            postgresql_where=sa.text("recognition_id IS NOT NULL"),
        )
        batch.drop_column("recognition_id")

    with op.batch_alter_table("recognition_request") as batch:
        batch.drop_index(
            "uq_recognition_request_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch.drop_index(op.f("ix_recognition_request_person_id"))
        batch.drop_index("ix_recognition_request_home")
        batch.drop_index(op.f("ix_recognition_request_course_id"))

    op.drop_table("recognition_request")
    with op.batch_alter_table("recognition") as batch:
        batch.drop_index("uq_recognition_table", sqlite_where=sa.text(TABLE), postgresql_where=sa.text(TABLE))
        batch.drop_index("uq_recognition_own", sqlite_where=sa.text(OWN), postgresql_where=sa.text(OWN))
        batch.drop_index(op.f("ix_recognition_same_as_id"))
        batch.drop_index(op.f("ix_recognition_person_id"))
        batch.drop_index("ix_recognition_home")
        batch.drop_index(op.f("ix_recognition_course_id"))

    op.drop_table("recognition")
