"""Versions of templates have a tag, by which vendors' clients know them."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    op.add_column(
        "template_version", sa.Column("tag", sa.String(100), nullable=False, server_default="")
    )
