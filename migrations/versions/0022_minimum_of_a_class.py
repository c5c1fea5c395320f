"""开课人数下限, 停开, and the seats that were lost by it"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import BigId, UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_CANCELLED = "state <> 'cancelled' OR (decided_at IS NOT NULL AND rescue_until IS NOT NULL)"


def upgrade() -> None:
    with op.batch_alter_table("offering") as batch:
        batch.add_column(sa.Column("minimum", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("decided_by", BigId, nullable=True))
        batch.add_column(sa.Column("decision_reason", sa.String(400), server_default="", nullable=False))
        batch.add_column(sa.Column("rescue_until", UtcDateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("asked_for", UtcDateTime(timezone=True), nullable=True))
        batch.create_foreign_key("fk_offering_decided_by", "person", ["decided_by"], ["id"])
        batch.drop_constraint("state", type_="check")
        batch.create_check_constraint("state", "state IN ('draft', 'published', 'cancelled', 'archived')")
        batch.create_check_constraint("minimum", "minimum > 0")
        batch.create_check_constraint("cancelled", _CANCELLED)
    op.create_table(
        "lost_seat",
        sa.Column("enrolment_id", BigId, autoincrement=False, nullable=False),
        sa.Column("offering_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"], name=op.f("fk_lost_seat_enrolment_id")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name=op.f("fk_lost_seat_offering_id")),
        sa.PrimaryKeyConstraint("enrolment_id", name=op.f("pk_lost_seat")),
    )
    with op.batch_alter_table("lost_seat") as batch:
        batch.create_index("ix_lost_seat_offering", ["offering_id"])


def downgrade() -> None:
    op.drop_table("lost_seat")
    with op.batch_alter_table("offering") as batch:
        batch.drop_constraint("cancelled", type_="check")
        batch.drop_constraint("minimum", type_="check")
    op.execute("UPDATE offering SET state = 'archived' WHERE state = 'cancelled'")
    with op.batch_alter_table("offering") as batch:
        batch.drop_constraint("state", type_="check")
        batch.create_check_constraint("state", "state IN ('draft', 'published', 'archived')")
        batch.drop_constraint("fk_offering_decided_by", type_="foreignkey")
        for name in ("asked_for", "rescue_until", "decision_reason", "decided_by", "decided_at", "minimum"):
            batch.drop_column(name)
