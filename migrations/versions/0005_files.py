"""Files and resumable uploads"""

import sqlalchemy as sa
from alembic import op

import zutuan.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("aspect", sa.String(length=40), nullable=False),
        sa.Column("owner_school_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("uploaded_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", zutuan.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", zutuan.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(item_id IS NULL) = (aspect = '')", name=op.f("ck_stored_file_subject")),
        sa.CheckConstraint("(state = 'deleted') = (deleted_at IS NOT NULL)", name=op.f("ck_stored_file_deleted")),
        sa.CheckConstraint("state IN ('complete', 'deleted')", name=op.f("ck_stored_file_state")),
        sa.CheckConstraint("size > 0", name=op.f("ck_stored_file_size")),
        sa.ForeignKeyConstraint(["item_id"], ["shared_item.id"], name=op.f("fk_stored_file_item_id")),
        sa.ForeignKeyConstraint(["owner_school_id"], ["school.id"], name=op.f("fk_stored_file_owner_school_id")),
        sa.ForeignKeyConstraint(["uploaded_by"], ["person.id"], name=op.f("fk_stored_file_uploaded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("key", name=op.f("uq_stored_file_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index("ix_stored_file_item", ["item_id", "aspect", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_file_owner_school_id"), ["owner_school_id"], unique=False)
        batch_op.create_index("ix_stored_file_person", ["uploaded_by", "id"], unique=False)

    op.create_table(
        "upload",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("aspect", sa.String(length=40), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("offset_", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("writer", sa.String(length=32), nullable=True),
        sa.Column("writer_until", zutuan.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", zutuan.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", zutuan.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'complete') = (offset_ = length)", name=op.f("ck_upload_complete")),
        sa.CheckConstraint("state IN ('open', 'complete', 'refused', 'ended')", name=op.f("ck_upload_state")),
        sa.CheckConstraint("offset_ >= 0 AND offset_ <= length", name=op.f("ck_upload_offset")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_upload_file_id")),
        sa.ForeignKeyConstraint(["item_id"], ["shared_item.id"], name=op.f("fk_upload_item_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_upload_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.create_index("ix_upload_expires", ["state", "expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_upload_person_id"), ["person_id"], unique=False)

    op.create_table(
        "upload_part",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("upload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_upload_part_size")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_upload_part_upload_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_part")),
        sa.UniqueConstraint("key", name=op.f("uq_upload_part_key")),
        sa.UniqueConstraint("upload_id", "start", name=op.f("uq_upload_part_upload_id_start")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("upload_part")
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upload_person_id"))
        batch_op.drop_index("ix_upload_expires")

    op.drop_table("upload")
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index("ix_stored_file_person")
        batch_op.drop_index(batch_op.f("ix_stored_file_owner_school_id"))
        batch_op.drop_index("ix_stored_file_item")

    op.drop_table("stored_file")
