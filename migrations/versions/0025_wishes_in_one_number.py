"""What everybody wished when wishing closed, in one number"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("draw") as batch:
        batch.add_column(sa.Column("wishes_digest", sa.String(64), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("draw") as batch:
        batch.drop_column("wishes_digest")
