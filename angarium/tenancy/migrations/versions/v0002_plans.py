"""Tenants have plans: rates, quotas, streams and pools."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    op.add_column("tenant", sa.Column("rate", sa.Integer))
    for name in ("per_second", "per_hour", "per_day", "per_month"):
        op.add_column("tenant", sa.Column(name, sa.BigInteger))
    op.add_column(
        "tenant", sa.Column("over_quota", sa.String(8), nullable=False, server_default="refuse")
    )
    for name in ("streams", "pools"):
        op.add_column("tenant", sa.Column(name, sa.Text, nullable=False, server_default=""))
