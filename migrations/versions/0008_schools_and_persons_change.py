"""Persons merge and are forgotten in time; schools rename and succeed each other; why an affiliation ended"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WAITS = "closed_at IS NOT NULL AND stripped_at IS NULL"


def upgrade() -> None:
    # A tombstone without its survivor cannot be: none was ever made, and if one was by hand it is a closed account.
    op.execute("UPDATE person SET state = 'closed' WHERE state = 'merged'")
    with op.batch_alter_table("person") as batch:
        batch.add_column(sa.Column("merged_into", BigId, nullable=True))
        batch.add_column(sa.Column("closed_at", UtcDateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("stripped_at", UtcDateTime(timezone=True), nullable=True))
        batch.create_foreign_key("fk_person_merged_into", "person", ["merged_into"], ["id"])
        batch.create_check_constraint(op.f("ck_person_merged"), "(state = 'merged') = (merged_into IS NOT NULL)")
        batch.create_index("ix_person_merged_into", ["merged_into"], unique=False)
        batch.create_index("ix_person_name", ["name"], unique=False)
        batch.create_index(
            "ix_person_closed", ["closed_at"], unique=False, sqlite_where=sa.text(WAITS),
            postgresql_where=sa.text(WAITS),
        )  # fmt: skip
    op.execute(
        "UPDATE person SET closed_at = (SELECT max(at) FROM audit_event WHERE action = 'person.close'"
        " AND subject_type = 'person' AND subject_id = person.id) WHERE state = 'closed'"
    )
    with op.batch_alter_table("affiliation") as batch:
        batch.add_column(sa.Column("end_reason", sa.String(200), server_default="", nullable=False))
    with op.batch_alter_table("school") as batch:
        batch.add_column(sa.Column("successor_id", BigId, nullable=True))
        batch.add_column(sa.Column("succeeded_on", sa.Date(), nullable=True))
        batch.create_foreign_key("fk_school_successor_id", "school", ["successor_id"], ["id"])
        batch.create_index("ix_school_successor_id", ["successor_id"], unique=False)
    op.create_table(
        "former_name",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("school_id", BigId, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="fk_former_name_school_id"),
        sa.PrimaryKeyConstraint("id", name="pk_former_name"),
        sa.UniqueConstraint("school_id", "name", name="uq_former_name_school_id_name"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("former_name") as batch:
        batch.create_index("ix_former_name_school_id", ["school_id"], unique=False)
        batch.create_index("ix_former_name_name", ["name"], unique=False)


def downgrade() -> None:
    op.drop_table("former_name")
    with op.batch_alter_table("school") as batch:
        batch.drop_index("ix_school_successor_id")
        batch.drop_constraint("fk_school_successor_id", type_="foreignkey")
        batch.drop_column("succeeded_on")
        batch.drop_column("successor_id")
    with op.batch_alter_table("affiliation") as batch:
        batch.drop_column("end_reason")
    # What has been merged stays signed out.
    op.execute("UPDATE person SET merged_into = NULL, state = 'closed' WHERE state = 'merged'")
    with op.batch_alter_table("person") as batch:
        batch.drop_index("ix_person_closed")
        batch.drop_index("ix_person_name")
        batch.drop_index("ix_person_merged_into")
        batch.drop_constraint(op.f("ck_person_merged"), type_="check")
        batch.drop_constraint("fk_person_merged_into", type_="foreignkey")
        batch.drop_column("stripped_at")
        batch.drop_column("closed_at")
        batch.drop_column("merged_into")
