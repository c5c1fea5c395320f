"""Of papers that say the same of the same, one stands."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

SAME = ["subject_type", "subject_id", "kind", "school_id", "digest"]
# Several clicks at once issued them: the first stays, and whoever checks a later one reads why it does not stand.
_LATER = """
UPDATE paper SET revoked_at = issued_at, revoke_reason = '重复开具'
WHERE revoked_at IS NULL AND EXISTS (
    SELECT 1 FROM paper AS first
    WHERE first.id < paper.id AND first.revoked_at IS NULL AND first.digest = paper.digest
    AND first.subject_type = paper.subject_type AND first.subject_id = paper.subject_id
    AND first.kind = paper.kind AND first.school_id = paper.school_id
)
"""


def upgrade() -> None:
    op.execute(_LATER)
    stands = sa.text("revoked_at IS NULL")
    op.create_index("uq_paper_standing", "paper", SAME, unique=True, sqlite_where=stands, postgresql_where=stands)


def downgrade() -> None:
    op.drop_index("uq_paper_standing", table_name="paper")
