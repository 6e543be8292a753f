"""Tenants say what of their mail is looked at while it is sent, and what is refused."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    op.add_column(
        "tenant", sa.Column("check_mode", sa.String(8), nullable=False, server_default="off")
    )
    op.add_column("tenant", sa.Column("check_codes", sa.Text, nullable=False, server_default=""))
