"""Finding the enrolment that is to take another's place"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    some = sa.text("replaces_id IS NOT NULL")
    op.create_index("ix_enrolment_replaces", "enrolment", ["replaces_id"], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    op.drop_index("ix_enrolment_replaces", table_name="enrolment")
