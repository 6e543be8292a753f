"""What was found of domains, DKIM keys that wait or are retired, as whom tenants may send."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    op.add_column(
        "tenant", sa.Column("alignment", sa.String(8), nullable=False, server_default="strict")
    )
    op.add_column("tenant", sa.Column("removed", sa.BigInteger))
    op.add_column(
        "domain_key", sa.Column("waits", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("domain_key", sa.Column("retired", sa.BigInteger))
    op.create_table(
        "domain_check",
        sa.Column("domain_id", sa.String(36), sa.ForeignKey("domain.id"), primary_key=True),
        sa.Column("checked", sa.BigInteger, nullable=False),
        sa.Column("records", sa.Text, nullable=False),
    )
