"""The platform's tables, as statements name them. ``migrations`` makes them; a test holds both equal."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()

# One row: the number of changes so far. Who waits for changes reads it.
CHANGE: Final = Table(
    "change",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

TENANT: Final = Table(
    "tenant",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("active", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),  # Unix milliseconds, as all times
    # Its plan; without a value: unlimited
    Column("rate", Integer),
    Column("per_second", BigInteger),
    Column("per_hour", BigInteger),
    Column("per_day", BigInteger),
    Column("per_month", BigInteger),
    Column("over_quota", String(8), nullable=False, server_default="refuse"),
    Column("streams", Text, nullable=False, server_default=""),  # divided by commas, as the next
    Column("pools", Text, nullable=False, server_default=""),
    Column("alignment", String(8), nullable=False),
    Column("check_mode", String(8), nullable=False, server_default="off"),
    Column("check_codes", Text, nullable=False, server_default=""),  # divided by commas
    Column("removed", BigInteger),  # its name is not given again
    Column("tracking", String(16), nullable=False, server_default="full"),
    Column("postal_address", Text, nullable=False, server_default=""),
)

KEY: Final = Table(
    "key",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenant_id", String(36), ForeignKey("tenant.id"), nullable=False, index=True),
    Column("kind", String(8), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # divided by commas, as the next
    Column("networks", Text, nullable=False),
    Column("rate", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
)

KEY_SECRET: Final = Table(
    "key_secret",
    METADATA,
    Column("key_id", String(32), ForeignKey("key.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
)

# What certificates a key's programs may show in its place: one name, one key
KEY_CERTIFICATE: Final = Table(
    "key_certificate",
    METADATA,
    Column("name", Text, primary_key=True),  # dns:app.example.com
    Column("key_id", String(32), ForeignKey("key.id"), nullable=False, index=True),
)

DOMAIN: Final = Table(
    "domain",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("tenant_id", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("name", String(253), nullable=False),
    Column("token", String(64), nullable=False),
    Column("assumed", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("verified", BigInteger),
    UniqueConstraint("tenant_id", "name"),
)
# A2: whatever two writers do at once, one tenant has a name
_VERIFIED: Final = DOMAIN.c.verified.is_not(None)
DOMAIN_OWNER: Final = Index(
    "domain_owner",
    DOMAIN.c.name,
    unique=True,
    sqlite_where=_VERIFIED,
    postgresql_where=_VERIFIED,
)

DOMAIN_KEY: Final = Table(
    "domain_key",
    METADATA,
    Column("domain_id", String(36), ForeignKey("domain.id"), primary_key=True),
    Column("selector", String(63), primary_key=True),
    Column("type", String(8), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("waits", Boolean, nullable=False),
    Column("retired", BigInteger),
)

# The last one of each domain
DOMAIN_CHECK: Final = Table(
    "domain_check",
    METADATA,
    Column("domain_id", String(36), ForeignKey("domain.id"), primary_key=True),
    Column("checked", BigInteger, nullable=False),
    Column("records", Text, nullable=False),  # a JSON array
)

# Of each name, one tenant's
TRACKING_HOST: Final = Table(
    "tracking_host",
    METADATA,
    Column("host", String(253), primary_key=True),
    Column("tenant_id", String(36), ForeignKey("tenant.id"), nullable=False, index=True),
    Column("created", BigInteger, nullable=False),
    Column("state", String(8), nullable=False, server_default="pending"),
    # The last look
    Column("checked", BigInteger),
    Column("findings", Text, nullable=False, server_default="[]"),  # a JSON array
)

TOPIC: Final = Table(
    "topic",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("tenant_id", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("titles", Text, nullable=False),  # a JSON object, by language
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

WEBHOOK: Final = Table(
    "webhook",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("tenant_id", String(36), ForeignKey("tenant.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),  # a JSON array, as the next two
    Column("streams", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("format", String(16), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)

WEBHOOK_SECRET: Final = Table(
    "webhook_secret",
    METADATA,
    Column("webhook_id", String(36), ForeignKey("webhook.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
)

TEMPLATE: Final = Table(
    "template",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("tenant_id", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("alias", String(100), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("published", Integer),  # the number of the version
    Column(
        "newest", Integer, nullable=False
    ),  # of the last one that was made: no number comes twice
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    UniqueConstraint("tenant_id", "alias"),
)

TEMPLATE_VERSION: Final = Table(
    "template_version",
    METADATA,
    Column("template_id", String(36), ForeignKey("template.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),  # what was written: a JSON object
    Column("digest", String(64), nullable=False, index=True),  # of the next
    Column("bundle", LargeBinary, nullable=False),  # what it is rendered from
    Column("uses", Text, nullable=False),  # a JSON array of aliases
    Column("octets", BigInteger, nullable=False),  # of content and bundle
    Column("comment", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("published", BigInteger),  # when it last was
    # What a vendor's clients call it; "": they know it by its number
    Column("tag", String(100), nullable=False, server_default=""),
)

ACCOUNT: Final = Table(
    "account",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(254), nullable=False, unique=True),
    Column("password", Text, nullable=False),  # argon2id, PHC string format
    Column("totp", LargeBinary),  # sealed
    Column("totp_step", BigInteger, nullable=False),  # of the last code that was used
    Column("failures", Integer, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("disabled", BigInteger),
    Column("created", BigInteger, nullable=False),
)

MEMBERSHIP: Final = Table(
    "membership",
    METADATA,
    Column("account_id", String(36), ForeignKey("account.id"), primary_key=True),
    Column("tenant_id", String(36), ForeignKey("tenant.id"), primary_key=True),
    Column("role", String(16), nullable=False),
)

RECOVERY_CODE: Final = Table(
    "recovery_code",
    METADATA,
    Column("account_id", String(36), ForeignKey("account.id"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
)

PASSKEY: Final = Table(
    "passkey",
    METADATA,
    Column("id", String(64), primary_key=True),  # SHA-256 of the credential's id, in hexadecimal
    Column("account_id", String(36), ForeignKey("account.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("credential", LargeBinary, nullable=False),  # with its public key, as WebAuthn has it
    Column("uses", BigInteger, nullable=False),  # the authenticator's own count
    Column("created", BigInteger, nullable=False),
)

# Whom providers of OpenID Connect vouch for
IDENTITY: Final = Table(
    "identity",
    METADATA,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("account_id", String(36), ForeignKey("account.id"), nullable=False, index=True),
    Column("created", BigInteger, nullable=False),
)

# What authenticators and providers have answered, kept while it could be answered again
CHALLENGE: Final = Table(
    "challenge",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires", BigInteger, nullable=False),
)

SESSION: Final = Table(
    "session",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of its token
    Column("id", String(36), nullable=False, unique=True),
    Column("account_id", String(36), ForeignKey("account.id"), nullable=False, index=True),
    Column("tenant_id", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),  # a JSON object
    # Its place in the chain (audit.link)
    Column("salt", LargeBinary),
    Column("content", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

# One row: the last entry, and the last one that was let go
AUDIT_CHAIN: Final = Table(
    "audit_chain",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("anchor_number", Integer, nullable=False),
    Column("anchor_digest", LargeBinary, nullable=False),
)
