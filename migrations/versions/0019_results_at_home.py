"""Results at home: the recognised grade beside the original"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, Hundredths, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "result",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("enrolment_id", BigId, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("home_school_id", BigId, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("original", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("scale", sa.String(10), server_default="", nullable=False),
        sa.Column("grade", sa.String(10), server_default="", nullable=False),
        sa.Column("mark", sa.String(12), server_default="", nullable=False),
        sa.Column("points", Hundredths(), nullable=True),
        sa.Column("credits", Hundredths(), nullable=True),
        sa.Column("code", sa.String(20), server_default="", nullable=False),
        sa.Column("name", sa.String(120), server_default="", nullable=False),
        sa.Column("name_en", sa.String(200), server_default="", nullable=False),
        sa.Column("category", sa.String(40), server_default="", nullable=False),
        sa.Column("recorded", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("reason", sa.String(400), server_default="", nullable=False),
        sa.Column("decided_by", BigId, nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'recognised', 'refused')", name=op.f("ck_result_state")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_result_decided_by")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_result_enrolment_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_result_person_id")),
        sa.ForeignKeyConstraint(["home_school_id"], ["school.id"], name=op.f("fk_result_home_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
        sa.UniqueConstraint("enrolment_id", name=op.f("uq_result_enrolment_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("result") as batch:
        batch.create_index("ix_result_home", ["home_school_id", "state", "id"])
        batch.create_index("ix_result_person_id", ["person_id"])

    op.create_table(
        "paper_subject",
        sa.Column("paper_id", BigId, autoincrement=False, nullable=False),
        sa.Column("subject_type", sa.String(30), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_paper_subject_paper_id")),
        sa.PrimaryKeyConstraint("paper_id", "subject_type", "subject_id", name=op.f("pk_paper_subject")),
    )
    with op.batch_alter_table("paper_subject") as batch:
        batch.create_index("ix_paper_subject_of", ["subject_type", "subject_id"])


def downgrade() -> None:
    with op.batch_alter_table("paper_subject") as batch:
        batch.drop_index("ix_paper_subject_of")

    op.drop_table("paper_subject")
    with op.batch_alter_table("result") as batch:
        batch.drop_index("ix_result_person_id")
        batch.drop_index("ix_result_home")

    op.drop_table("result")
