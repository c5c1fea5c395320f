"""What a file does not say itself, and what took an import's place; timetables by student; people's own busy periods"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATES = ("checking", "checked", "applying", "applied", "failed", "dropped")


def _states(*more: str) -> str:
    return f"state IN ({', '.join(map(repr, (*STATES, *more)))})"


def upgrade() -> None:
    with op.batch_alter_table("import_batch") as batch:
        batch.add_column(sa.Column("params", sa.JSON(), server_default="{}", nullable=False))
        batch.add_column(sa.Column("superseded_by_id", BigId, nullable=True))
        batch.create_foreign_key(op.f("fk_import_batch_superseded_by_id"), "import_batch", ["superseded_by_id"], ["id"])
        batch.drop_constraint("state", type_="check")
        batch.create_check_constraint("state", _states("superseded"))
    op.create_table(
        "timetable_student",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["timetable_entry.id"], name=op.f("fk_timetable_student_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timetable_student")),
        sa.UniqueConstraint("number", "entry_id", name=op.f("uq_timetable_student_number_entry_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_timetable_student_entry_id"), "timetable_student", ["entry_id"])
    op.create_table(
        "busy_period",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("title", sa.String(60), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_busy_period_weekday")),
        sa.CheckConstraint("from_day <= until_day", name=op.f("ck_busy_period_days")),
        sa.CheckConstraint("starts >= 0 AND starts < ends AND ends <= 1440", name=op.f("ck_busy_period_order")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_busy_period_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_busy_period")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_busy_period_person_id"), "busy_period", ["person_id"])


def downgrade() -> None:
    op.execute("DELETE FROM occurrence WHERE source_type = 'busy'")
    op.drop_table("busy_period")
    op.drop_table("timetable_student")
    op.execute("UPDATE import_batch SET state = 'dropped', superseded_by_id = NULL WHERE state = 'superseded'")
    with op.batch_alter_table("import_batch") as batch:
        batch.drop_constraint("state", type_="check")
        batch.create_check_constraint("state", _states())
        batch.drop_constraint(op.f("fk_import_batch_superseded_by_id"), type_="foreignkey")
        batch.drop_column("superseded_by_id")
        batch.drop_column("params")
