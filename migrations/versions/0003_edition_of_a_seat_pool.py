"""A seat is taken only under the edition of the offering that was read"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("seat_pool") as batch:
        batch.add_column(sa.Column("edition", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("seat_pool") as batch:
        batch.drop_column("edition")
