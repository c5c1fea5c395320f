"""A stand-in until the roster's own migration comes: the class of a student (drop this file when merging)"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("affiliation") as batch:
        batch.add_column(sa.Column("class_name", sa.String(60), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("affiliation") as batch:
        batch.drop_column("class_name")
