"""Seats that are drawn for: draws, wishes, statements"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draw",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("cluster_id", BigId, nullable=True),
        sa.Column("school_id", BigId, nullable=True),
        sa.Column("academic_year", sa.String(9), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("opens", UtcDateTime(timezone=True), nullable=False),
        sa.Column("closes", UtcDateTime(timezone=True), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(400), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("commitment", sa.String(64), nullable=False),
        sa.Column("public_source", sa.String(200), nullable=False),
        sa.Column("public_value", sa.String(200), nullable=False),
        sa.Column("published_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("drawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'drawn') = (drawn_at IS NOT NULL)", name=op.f("ck_draw_drawn")),
        sa.CheckConstraint("state IN ('draft', 'published', 'drawn', 'cancelled')", name=op.f("ck_draw_state")),
        sa.CheckConstraint("(cluster_id IS NULL) <> (school_id IS NULL)", name=op.f("ck_draw_of_one")),
        sa.CheckConstraint("most BETWEEN 1 AND 5", name=op.f("ck_draw_most")),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name=op.f("ck_draw_number")),
        sa.CheckConstraint("opens < closes", name=op.f("ck_draw_order")),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name=op.f("fk_draw_cluster_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_draw_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draw")),
        sqlite_autoincrement=True,
    )
    for of in ("cluster_id", "school_id"):
        live = sa.text(f"state IN ('draft', 'published') AND {of} IS NOT NULL")
        op.create_index(
            f"uq_draw_live_{of}", "draw", [of, "academic_year", "number"], unique=True, sqlite_where=live,
            postgresql_where=live,
        )  # fmt: skip

    op.create_table(
        "draw_statement",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("draw_id", BigId, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["draw_id"], ["draw.id"], name=op.f("fk_draw_statement_draw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draw_statement")),
        sa.UniqueConstraint("draw_id", name=op.f("uq_draw_statement_draw_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "draw_lot",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("draw_id", BigId, nullable=False),
        sa.Column("offering_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["draw_id"], ["draw.id"], name=op.f("fk_draw_lot_draw_id")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name=op.f("fk_draw_lot_offering_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draw_lot")),
        sa.UniqueConstraint("offering_id", name=op.f("uq_draw_lot_offering_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_draw_lot_draw_id", "draw_lot", ["draw_id"])
    op.create_table(
        "wish_list",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("draw_id", BigId, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("affiliation_id", BigId, nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("most BETWEEN 1 AND 5", name=op.f("ck_wish_list_most")),
        sa.ForeignKeyConstraint(["affiliation_id"], ["affiliation.id"], name=op.f("fk_wish_list_affiliation_id")),
        sa.ForeignKeyConstraint(["draw_id"], ["draw.id"], name=op.f("fk_wish_list_draw_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_wish_list_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wish_list")),
        sa.UniqueConstraint("draw_id", "person_id", name=op.f("uq_wish_list_draw_id_person_id")),
        sa.UniqueConstraint("draw_id", "ticket", name=op.f("uq_wish_list_draw_id_ticket")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_wish_list_person_id", "wish_list", ["person_id"])

    op.create_table(
        "wish",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("list_id", BigId, nullable=False),
        sa.Column("offering_id", BigId, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("rivals", sa.Integer(), nullable=True),
        sa.Column("enrolment_id", BigId, nullable=True),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_wish_rank")),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_wish_enrolment_id")),
        sa.ForeignKeyConstraint(["list_id"], ["wish_list.id"], name=op.f("fk_wish_list_id")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name=op.f("fk_wish_offering_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wish")),
        sa.UniqueConstraint("list_id", "offering_id", name=op.f("uq_wish_list_id_offering_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_wish_offering_id", "wish", ["offering_id"])
    _seats_by("'first_come', 'choice', 'lot'")


def downgrade() -> None:
    op.execute("UPDATE offering SET seats_by = 'first_come' WHERE seats_by = 'lot'")
    _seats_by("'first_come', 'choice'")
    for table in ("wish", "wish_list", "draw_lot", "draw_statement", "draw"):
        op.drop_table(table)


def _seats_by(ways: str) -> None:
    with op.batch_alter_table("offering") as batch:
        batch.drop_constraint("seats_by", type_="check")
        batch.create_check_constraint("seats_by", f"seats_by IN ({ways})")
