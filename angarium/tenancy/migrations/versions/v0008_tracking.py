"""Tenants say how far their mail is tracked and where they live, and have hosts of their own for its links."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"


def upgrade() -> None:
    op.add_column(
        "tenant", sa.Column("tracking", sa.String(16), nullable=False, server_default="full")
    )
    op.add_column("tenant", sa.Column("postal_address", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "tracking_host",
        sa.Column("host", sa.String(253), primary_key=True),
        sa.Column("tenant_id", sa.String(36), sa.ForeignKey("tenant.id"), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False, server_default="pending"),
        sa.Column("checked", sa.BigInteger),
        sa.Column("findings", sa.Text, nullable=False, server_default="[]"),
    )
    op.create_index("ix_tracking_host_tenant_id", "tracking_host", ["tenant_id"])
