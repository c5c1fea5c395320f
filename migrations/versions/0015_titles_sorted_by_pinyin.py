"""What lists sort titles by: by pinyin, and not by code point"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ITEM = sa.table("shared_item", sa.column("id"), sa.column("title_zh"), sa.column("title_key"))


def upgrade() -> None:
    with op.batch_alter_table("shared_item") as batch:
        batch.add_column(sa.Column("title_key", sa.String(480), server_default="", nullable=False))
    connection = op.get_bind()
    for id_, title in connection.execute(sa.select(_ITEM.c.id, _ITEM.c.title_zh)).all():
        key = title[:60].casefold()[:60].encode("gb18030", "replace").hex()
        connection.execute(sa.update(_ITEM).where(_ITEM.c.id == id_).values(title_key=key))


def downgrade() -> None:
    with op.batch_alter_table("shared_item") as batch:
        batch.drop_column("title_key")
