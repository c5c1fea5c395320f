"""Errands that are given up or asked once; what people choose to hear; papers; policies; codes of the plan"""

import sqlalchemy as sa
from alembic import op

from zutuan.db import UtcDateTime

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("key", sa.String(160), nullable=True))
        batch.add_column(sa.Column("gave_up_at", UtcDateTime(timezone=True), nullable=True))
        batch.create_unique_constraint("uq_outbox_key", ["key"])


def downgrade() -> None:
    with op.batch_alter_table("outbox") as batch:
        batch.drop_constraint("uq_outbox_key", type_="unique")
        batch.drop_column("gave_up_at")
        batch.drop_column("key")
