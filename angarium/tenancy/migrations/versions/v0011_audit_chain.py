"""Audit entries as a chain of hashes. Those that are there become its beginning."""

import os
from typing import Final

import msgspec
import sqlalchemy as sa
from alembic import op

from angarium.queue.model import UnixMs
from angarium.tenancy.audit.link import FIRST, SALT_OCTETS, Place, content_digest, link_digest
from angarium.tenancy.model import AuditEntry

revision: Final = "0011"
down_revision: Final = "0010"

_PART: Final = 500


def upgrade() -> None:
    op.rename_table("audit", "audit_unchained")
    chained = op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )
    head = _chain(chained)
    op.drop_table("audit_unchained")
    place = op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("anchor_number", sa.Integer, nullable=False),
        sa.Column("anchor_digest", sa.LargeBinary, nullable=False),
    )
    row = {"id": 1, "number": head.number, "digest": head.digest}
    op.bulk_insert(place, [row | {"anchor_number": 0, "anchor_digest": FIRST}])


def _chain(chained: sa.Table) -> Place:
    """Numbers stay; where some are missing, a transaction was undone."""
    connection = op.get_bind()
    head = Place()
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT number, at, actor, action, tenant, subject, details FROM audit_unchained"
                " WHERE number > :after ORDER BY number LIMIT :part"
            ),
            {"after": head.number, "part": _PART},
        ).mappings()
        written = []
        for row in rows:
            entry = AuditEntry(
                at=UnixMs(row["at"]),
                actor=row["actor"],
                action=row["action"],
                tenant=row["tenant"],
                subject=row["subject"],
                details=msgspec.json.decode(row["details"], type=dict[str, str]),
            )
            salt = os.urandom(SALT_OCTETS)
            content = content_digest(salt, entry)
            digest = link_digest(head.digest, row["number"], entry, content)
            written.append({**row, "salt": salt, "content": content, "digest": digest})
            head = Place(number=row["number"], digest=digest)
        if not written:
            return head
        op.bulk_insert(chained, written)
