"""Rosters: class, level, programme, standing; proposed affiliations; one-use keys; delegation; imports; privacy notice"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STANDINGS = (
    "active", "suspended", "reserved", "withdrawn", "graduated", "completed", "incomplete", "transferred", "expelled",
    "left", "deceased",
)  # fmt: skip
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _moment(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, UtcDateTime(timezone=True), nullable=nullable)


def _ref(table: str, name: str, target: str, nullable: bool = False) -> sa.Column[object]:
    key = sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{name}")
    return sa.Column(name, BIG, key, nullable=nullable)


def upgrade() -> None:
    with op.batch_alter_table("affiliation") as batch:
        for name, length in (("class_name", 60), ("level", 20), ("programme", 20)):
            batch.add_column(sa.Column(name, sa.String(length), nullable=False, server_default=""))
        batch.add_column(sa.Column("standing", sa.String(12), nullable=False, server_default="active"))
        batch.create_check_constraint("standing", f"standing IN ({', '.join(map(repr, STANDINGS))})")
    with op.batch_alter_table("affiliation") as batch:
        for name in ("class_name", "level", "programme", "standing"):
            batch.alter_column(name, server_default=None)
    with op.batch_alter_table("person") as batch:
        batch.add_column(sa.Column("privacy_version", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(_moment("privacy_at", nullable=True))
        batch.drop_constraint("state", type_="check")
        batch.create_check_constraint("state", "state IN ('active', 'disabled', 'closed', 'merged')")
    with op.batch_alter_table("person") as batch:
        batch.alter_column("privacy_version", server_default=None)
    with op.batch_alter_table("web_session") as batch:
        batch.add_column(sa.Column("viewing_id", BIG, nullable=True))
        batch.add_column(_moment("viewing_until", nullable=True))
        batch.create_foreign_key("fk_web_session_viewing_id", "person", ["viewing_id"], ["id"])
    with op.batch_alter_table("role_assignment") as batch:
        batch.add_column(sa.Column("delegates", BIG, nullable=True))
        batch.create_foreign_key("fk_role_assignment_delegates", "role_assignment", ["delegates"], ["id"])
        batch.create_index("ix_role_assignment_delegates", ["delegates"])
    _tables()


def _tables() -> None:
    op.create_table(
        "affiliation_proposal",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        _ref("affiliation_proposal", "person_id", "person"),
        _ref("affiliation_proposal", "school_id", "school"),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        _moment("proposed_at"),
        _ref("affiliation_proposal", "proposed_by", "person", nullable=True),
        _moment("decided_at", nullable=True),
        sa.CheckConstraint("state IN ('open', 'accepted', 'declined')", name=op.f("ck_affiliation_proposal_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliation_proposal")),
        sa.UniqueConstraint("school_id", "number", name=op.f("uq_affiliation_proposal_school_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_affiliation_proposal_person_id", "affiliation_proposal", ["person_id"])
    op.create_table(
        "access_key",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        _ref("access_key", "person_id", "person"),
        _ref("access_key", "school_id", "school", nullable=True),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("channel", sa.String(4), nullable=False),
        sa.Column("batch", sa.String(32), nullable=False),
        sa.Column("nonce", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        _ref("access_key", "issued_by", "person", nullable=True),
        _moment("created_at"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _moment("revoked_at", nullable=True),
        sa.CheckConstraint("purpose IN ('activate', 'reset')", name=op.f("ck_access_key_purpose")),
        sa.CheckConstraint("channel IN ('slip', 'mail')", name=op.f("ck_access_key_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_key")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_access_key_secret_hash")),
        sqlite_autoincrement=True,
    )
    for column in ("person_id", "school_id", "batch"):
        op.create_index(f"ix_access_key_{column}", "access_key", [column])
    op.create_table(
        "import_batch",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        _ref("import_batch", "school_id", "school"),
        _ref("import_batch", "person_id", "person"),
        _ref("import_batch", "mends_id", "import_batch", nullable=True),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        _moment("created_at"),
        _moment("changed_at"),
        sa.CheckConstraint(
            "state IN ('checking', 'checked', 'applying', 'applied', 'failed', 'dropped')",
            name=op.f("ck_import_batch_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_import_batch_school_id", "import_batch", ["school_id"])
    op.create_table(
        "import_line",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        _ref("import_line", "batch_id", "import_batch"),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_line")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_import_line_batch", "import_line", ["batch_id", "outcome", "id"])


def downgrade() -> None:
    for table in ("import_line", "import_batch", "access_key", "affiliation_proposal"):
        op.drop_table(table)
    with op.batch_alter_table("role_assignment") as batch:
        batch.drop_index("ix_role_assignment_delegates")
        batch.drop_constraint("fk_role_assignment_delegates", type_="foreignkey")
        batch.drop_column("delegates")
    with op.batch_alter_table("web_session") as batch:
        batch.drop_constraint("fk_web_session_viewing_id", type_="foreignkey")
        batch.drop_column("viewing_until")
        batch.drop_column("viewing_id")
    op.execute("UPDATE person SET state = 'disabled' WHERE state IN ('closed', 'merged')")
    with op.batch_alter_table("person") as batch:
        batch.drop_column("privacy_at")
        batch.drop_column("privacy_version")
        batch.drop_constraint("state", type_="check")
        batch.create_check_constraint("state", "state IN ('active', 'disabled')")
    with op.batch_alter_table("affiliation") as batch:
        batch.drop_constraint("standing", type_="check")
        for name in ("standing", "programme", "level", "class_name"):
            batch.drop_column(name)
