"""Errands that are given up or asked once; what people choose to hear; papers; policies; codes of the plan"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("key", sa.String(160), nullable=True))
        batch.add_column(sa.Column("gave_up_at", UtcDateTime(timezone=True), nullable=True))
        batch.create_unique_constraint("uq_outbox_key", ["key"])
    with op.batch_alter_table("notice") as batch:
        batch.add_column(sa.Column("mail", sa.String(10), server_default="off", nullable=False))
        batch.add_column(sa.Column("digest_day", sa.Date(), nullable=True))
        batch.create_index(
            "ix_notice_digest", ["person_id", "created_at"], unique=False,
            sqlite_where=sa.text("mail = 'digest' AND digest_day IS NULL"),
            postgresql_where=sa.text("mail = 'digest' AND digest_day IS NULL"),
        )  # fmt: skip
    with op.batch_alter_table("shared_item") as batch:
        batch.add_column(sa.Column("plan_code", sa.String(12), server_default="", nullable=False))
    op.execute("UPDATE shared_item SET plan_code = '2.2.2' WHERE kind = 'course'")
    op.create_table(
        "notice_choice",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("bell", sa.Boolean(), nullable=False),
        sa.Column("mail", sa.String(10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("mail IN ('now', 'digest', 'off')", name=op.f("ck_notice_choice_mail")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_notice_choice_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_choice"),
        sa.UniqueConstraint("person_id", "kind", name="uq_notice_choice_person_id_kind"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "group_chat",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("school_id", BigId, nullable=False),
        sa.Column("address", sa.String(400), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_by", BigId, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name="fk_group_chat_changed_by"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="fk_group_chat_school_id"),
        sa.PrimaryKeyConstraint("id", name="pk_group_chat"),
        sa.UniqueConstraint("school_id", name="uq_group_chat_school_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "paper",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("number", sa.String(30), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("school_id", BigId, nullable=False),
        sa.Column("subject_type", sa.String(30), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("issued_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("issued_by", BigId, nullable=True),
        sa.Column("revoked_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", BigId, nullable=True),
        sa.Column("revoke_reason", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_paper_person_id"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="fk_paper_school_id"),
        sa.ForeignKeyConstraint(["issued_by"], ["person.id"], name="fk_paper_issued_by"),
        sa.ForeignKeyConstraint(["revoked_by"], ["person.id"], name="fk_paper_revoked_by"),
        sa.PrimaryKeyConstraint("id", name="pk_paper"),
        sa.UniqueConstraint("number", name="uq_paper_number"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("paper") as batch:
        batch.create_index("ix_paper_subject", ["subject_type", "subject_id"], unique=False)
        batch.create_index("ix_paper_school", ["school_id", "id"], unique=False)
        batch.create_index("ix_paper_person", ["person_id", "id"], unique=False)
    op.create_table(
        "policy_value",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("school_id", BigId, nullable=True),
        sa.Column("cluster_id", BigId, nullable=True),
        sa.Column("value", sa.JSON(), nullable=True),
        sa.Column("from_", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", BigId, nullable=True),
        sa.CheckConstraint("school_id IS NULL OR cluster_id IS NULL", name=op.f("ck_policy_value_place")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name="fk_policy_value_school_id"),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name="fk_policy_value_cluster_id"),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name="fk_policy_value_decided_by"),
        sa.PrimaryKeyConstraint("id", name="pk_policy_value"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("policy_value") as batch:
        batch.create_index("ix_policy_value_key", ["key", "school_id", "cluster_id", "from_"], unique=False)


def downgrade() -> None:
    op.drop_table("policy_value")
    op.drop_table("paper")
    op.drop_table("group_chat")
    op.drop_table("notice_choice")
    with op.batch_alter_table("shared_item") as batch:
        batch.drop_column("plan_code")
    with op.batch_alter_table("notice") as batch:
        batch.drop_index("ix_notice_digest")
        batch.drop_column("digest_day")
        batch.drop_column("mail")
    with op.batch_alter_table("outbox") as batch:
        batch.drop_constraint("uq_outbox_key", type_="unique")
        batch.drop_column("gave_up_at")
        batch.drop_column("key")
