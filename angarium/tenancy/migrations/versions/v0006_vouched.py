"""Client certificates that stand for keys, and whom providers of OpenID Connect vouch for."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"


def upgrade() -> None:
    op.create_table(
        "key_certificate",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("key_id", sa.String(32), sa.ForeignKey("key.id"), nullable=False),
    )
    op.create_index("ix_key_certificate_key_id", "key_certificate", ["key_id"])
    op.create_table(
        "identity",
        sa.Column("issuer", sa.String(255), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("account_id", sa.String(36), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_identity_account_id", "identity", ["account_id"])
