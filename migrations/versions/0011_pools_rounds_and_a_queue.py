"""Seats in pools, rounds, whom an offering is for, prerequisites; approvals in steps, the queue, transfers"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

_FREEING = "('denied', 'withdrawn', 'expired')"
_ACTIVE = f"home_state NOT IN {_FREEING} AND host_state NOT IN {_FREEING}"
_QUEUED = f"host_state = 'queued' AND {_ACTIVE}"
_NEW = (
    ("home_step", "0"), ("home_steps", "1"), ("host_step", "0"), ("host_steps", "0"),
)  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("offering") as batch:
        batch.add_column(sa.Column("seats_by", sa.String(12), server_default="first_come", nullable=False))
        batch.add_column(sa.Column("waitlist", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch.add_column(sa.Column("for_grades", sa.JSON(), server_default="[]", nullable=False))
        batch.add_column(sa.Column("for_majors", sa.JSON(), server_default="[]", nullable=False))
        batch.create_check_constraint("seats_by", "seats_by IN ('first_come', 'choice')")
    op.create_table(
        "enrolment_round",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("offering_id", BigId, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("opens", UtcDateTime(timezone=True), nullable=False),
        sa.Column("closes", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('preselection', 'main', 'add_drop')", name=op.f("ck_enrolment_round_kind")),
        sa.CheckConstraint("opens < closes", name=op.f("ck_enrolment_round_order")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name="fk_enrolment_round_offering_id"),
        sa.PrimaryKeyConstraint("id", name="pk_enrolment_round"),
        sa.UniqueConstraint("offering_id", "kind", name="uq_enrolment_round_offering_id_kind"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "course_prerequisite",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("course_id", BigId, nullable=False),
        sa.Column("required_id", BigId, nullable=False),
        sa.CheckConstraint("course_id <> required_id", name=op.f("ck_course_prerequisite_another")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name="fk_course_prerequisite_course_id"),
        sa.ForeignKeyConstraint(["required_id"], ["course.id"], name="fk_course_prerequisite_required_id"),
        sa.PrimaryKeyConstraint("id", name="pk_course_prerequisite"),
        sa.UniqueConstraint("course_id", "required_id", name="uq_course_prerequisite_course_id_required_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_course_prerequisite_required_id", "course_prerequisite", ["required_id"])
    op.create_table(
        "study_year",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("academic_year", sa.String(9), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_study_year_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_study_year"),
        sa.UniqueConstraint("person_id", "academic_year", name="uq_study_year_person_id_academic_year"),
        sqlite_autoincrement=True,
    )
    op.drop_index("uq_enrolment_active", table_name="enrolment")
    with op.batch_alter_table("enrolment") as batch:
        batch.alter_column("pool_id", existing_type=BigId, nullable=True)
        for name, default in _NEW:
            batch.add_column(sa.Column(name, sa.Integer(), server_default=default, nullable=False))
        batch.add_column(sa.Column("returned", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch.add_column(sa.Column("statement", sa.String(400), server_default="", nullable=False))
        batch.add_column(sa.Column("waits_because", sa.String(30), server_default="", nullable=False))
        batch.add_column(sa.Column("reminded_at", UtcDateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("replaces_id", BigId, nullable=True))
        batch.create_foreign_key("fk_enrolment_replaces_id", "enrolment", ["replaces_id"], ["id"])
        batch.create_check_constraint("home_step", "home_step BETWEEN 0 AND home_steps")
        batch.create_check_constraint("host_step", "host_step BETWEEN 0 AND host_steps")
        batch.create_check_constraint("queued_without_seat", "host_state <> 'queued' OR pool_id IS NULL")
        batch.create_check_constraint(
            "seat", "host_state NOT IN ('offered', 'accepted', 'completed') OR pool_id IS NOT NULL"
        )
    _partial("uq_enrolment_active", ["offering_id", "person_id"], _ACTIVE, unique=True)
    _partial("ix_enrolment_queue", ["offering_id", "id"], _QUEUED)
    # what was approved before there were steps has been approved in its one step
    op.execute("UPDATE enrolment SET home_step = 1 WHERE home_state IN ('accepted', 'completed')")


def _partial(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, "enrolment", columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def downgrade() -> None:
    op.drop_index("ix_enrolment_queue", table_name="enrolment")
    op.drop_index("uq_enrolment_active", table_name="enrolment")
    op.execute("DELETE FROM enrolment_event WHERE enrolment_id IN (SELECT id FROM enrolment WHERE pool_id IS NULL)")
    op.execute("DELETE FROM enrolment WHERE pool_id IS NULL")
    with op.batch_alter_table("enrolment") as batch:
        batch.drop_constraint("seat", type_="check")
        batch.drop_constraint("queued_without_seat", type_="check")
        batch.drop_constraint("host_step", type_="check")
        batch.drop_constraint("home_step", type_="check")
        batch.drop_constraint("fk_enrolment_replaces_id", type_="foreignkey")
        for name in ("replaces_id", "reminded_at", "waits_because", "statement", "returned"):
            batch.drop_column(name)
        for name, _default in _NEW:
            batch.drop_column(name)
        batch.alter_column("pool_id", existing_type=BigId, nullable=False)
    _partial("uq_enrolment_active", ["offering_id", "person_id"], _ACTIVE, unique=True)
    op.drop_table("study_year")
    op.drop_table("course_prerequisite")
    op.drop_table("enrolment_round")
    with op.batch_alter_table("offering") as batch:
        batch.drop_constraint("seats_by", type_="check")
        for name in ("for_majors", "for_grades", "waitlist", "seats_by"):
            batch.drop_column(name)
