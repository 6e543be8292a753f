"""What was found of domains, DKIM keys that wait or are retired, as whom tenants may send; people who log in."""

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
    _make_accounts()
    _make_ways_in()


def _make_accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(254), nullable=False, unique=True),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("totp", sa.LargeBinary),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.BigInteger),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "membership",
        _account(primary_key=True),
        sa.Column("tenant_id", sa.String(36), sa.ForeignKey("tenant.id"), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
    )
    op.create_table(
        "recovery_code",
        _account(primary_key=True),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
    )


def _make_ways_in() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(64), primary_key=True),
        _account(nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("credential", sa.LargeBinary, nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "challenge",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        _account(nullable=False),
        sa.Column("tenant_id", sa.String(36), sa.ForeignKey("tenant.id"), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    for table in ("passkey", "session"):
        op.create_index(f"ix_{table}_account_id", table, ["account_id"])


def _account(*, primary_key: bool = False, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(
        "account_id",
        sa.String(36),
        sa.ForeignKey("account.id"),
        primary_key=primary_key,
        nullable=nullable,
    )
