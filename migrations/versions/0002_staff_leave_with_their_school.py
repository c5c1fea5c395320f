"""Named staff read a course only while they belong to its school: person:7 becomes person:7:school:3 for records"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE share SET scope = scope || ':school:' || "
        "(SELECT owner_school_id FROM shared_item WHERE shared_item.id = share.item_id) "
        "WHERE aspect = 'record' AND scope LIKE 'person:%' AND scope NOT LIKE 'person:%:%'"
    )


def downgrade() -> None:
    op.execute(
        "UPDATE share SET scope = replace(scope, ':school:' || "
        "(SELECT owner_school_id FROM shared_item WHERE shared_item.id = share.item_id), '') "
        "WHERE aspect = 'record' AND scope LIKE 'person:%:school:%'"
    )
