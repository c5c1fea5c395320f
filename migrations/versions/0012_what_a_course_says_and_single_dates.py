"""Single dates and exams of offerings, room capacity; discipline, syllabus, textbooks and editions of courses"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COURSE = (
    sa.Column("discipline_scheme", sa.String(10), server_default="", nullable=False),
    sa.Column("discipline_version", sa.String(10), server_default="", nullable=False),
    sa.Column("discipline_code", sa.String(10), server_default="", nullable=False),
    sa.Column("syllabus", sa.JSON(), server_default="[]", nullable=False),
    sa.Column("textbooks", sa.String(1000), server_default="", nullable=False),
)


def upgrade() -> None:
    with op.batch_alter_table("offering") as batch:
        batch.add_column(sa.Column("room_seats", sa.Integer(), nullable=True))
        batch.create_check_constraint("room_seats", "room_seats > 0")
    with op.batch_alter_table("course") as batch:
        for column in _COURSE:
            batch.add_column(column.copy())
    op.create_table(
        "offering_date",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("offering_id", BigId, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("starts", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends", UtcDateTime(timezone=True), nullable=False),
        sa.Column("place", sa.String(60), server_default="", nullable=False),
        sa.Column("note", sa.String(100), server_default="", nullable=False),
        sa.CheckConstraint("kind IN ('class', 'exam')", name=op.f("ck_offering_date_kind")),
        sa.CheckConstraint("starts < ends", name=op.f("ck_offering_date_order")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name="fk_offering_date_offering_id"),
        sa.PrimaryKeyConstraint("id", name="pk_offering_date"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_offering_date_offering_id", "offering_date", ["offering_id"])
    op.create_table(
        "course_edition",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("course_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("person_id", BigId, nullable=True),
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name="fk_course_edition_course_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_course_edition_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_course_edition"),
        sa.UniqueConstraint("course_id", "number", name="uq_course_edition_course_id_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_course_edition_person_id", "course_edition", ["person_id"])


def downgrade() -> None:
    # what single dates took of anybody's time goes with them
    op.execute("DELETE FROM occurrence WHERE source_type IN ('exam', 'offering_date')")
    op.drop_table("course_edition")
    op.drop_table("offering_date")
    with op.batch_alter_table("course") as batch:
        for column in reversed(_COURSE):
            batch.drop_column(column.name)
    with op.batch_alter_table("offering") as batch:
        batch.drop_constraint("room_seats", type_="check")
        batch.drop_column("room_seats")
