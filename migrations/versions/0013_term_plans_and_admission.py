"""Term plans of clusters, which offerings follow; courses that a school admits for its own students"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STAGES = ("submission", "review", "preselection", "main", "add_drop")


def upgrade() -> None:
    moment = UtcDateTime(timezone=True)
    op.create_table(
        "term_plan",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("cluster_id", BigId, nullable=False),
        sa.Column("academic_year", sa.String(9), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        *(
            sa.Column(f"{stage}_{end}", moment, nullable=stage != "main")
            for stage in _STAGES
            for end in ("from", "until")
        ),
        sa.Column("teaching_starts", sa.Date(), nullable=False),
        sa.Column("grades_due", sa.Date(), nullable=False),
        sa.Column("note", sa.String(400), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("published_at", moment, nullable=True),
        sa.CheckConstraint("state IN ('draft', 'published')", name=op.f("ck_term_plan_state")),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name=op.f("ck_term_plan_number")),
        *(sa.CheckConstraint(f"{stage}_from < {stage}_until", name=op.f(f"ck_term_plan_{stage}")) for stage in _STAGES),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name="fk_term_plan_cluster_id"),
        sa.PrimaryKeyConstraint("id", name="pk_term_plan"),
        sa.UniqueConstraint(
            "cluster_id", "academic_year", "number", name="uq_term_plan_cluster_id_academic_year_number"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "course_admission",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("school_id", BigId, nullable=False),
        sa.Column("course_id", BigId, nullable=False),
        sa.Column("academic_year", sa.String(9), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("admitted", sa.Boolean(), nullable=False),
        sa.Column("decided_by", BigId, nullable=False),
        sa.Column("decided_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="fk_course_admission_school_id"),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name="fk_course_admission_course_id"),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name="fk_course_admission_decided_by"),
        sa.PrimaryKeyConstraint("id", name="pk_course_admission"),
        sa.UniqueConstraint(
            "school_id", "course_id", "academic_year", "number",
            name="uq_course_admission_school_id_course_id_academic_year_number",
        ),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_course_admission_course_id", "course_admission", ["course_id"])
    with op.batch_alter_table("offering") as batch:
        batch.add_column(sa.Column("follows_plan", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("offering") as batch:
        batch.drop_column("follows_plan")
    op.drop_index("ix_course_admission_course_id", table_name="course_admission")
    op.drop_table("course_admission")
    op.drop_table("term_plan")
