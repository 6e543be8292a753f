"""The projection's tables, as statements name them, and the form that they have."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

METADATA: Final = MetaData()
# So that SQLite's own row number is it
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
# Of the tables below. What an older Angarium made is brought to it when it is opened; there is no older form yet
FORM: Final = 1

# One row
STATE: Final = Table(
    "history_state",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("form", Integer, nullable=False),
    # Of the queue whose events these are; the queue keeps it too
    Column("queue", LargeBinary, nullable=False),
    # The sequence number of the last event that is in here, in the transaction that wrote what it led to
    Column("position", BigInteger, nullable=False),
)

# One for each message: what changes of it, and what lists are searched by
MESSAGE: Final = Table(
    "history_message",
    METADATA,
    # The sequence number of its accepted event: where the rest of it is
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("id", LargeBinary(16), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),  # Unix milliseconds, as all times
    Column("due", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("sent", BigInteger),
    Column("status", SmallInteger, nullable=False),
    Column("states", LargeBinary, nullable=False),  # ``course``
)
MESSAGE_ID: Final = Index("history_message_id", MESSAGE.c.id, unique=True)
MESSAGE_TIME: Final = Index(
    "history_message_time", MESSAGE.c.tenant, MESSAGE.c.created, MESSAGE.c.number
)
MESSAGE_STATUS: Final = Index(
    "history_message_status",
    MESSAGE.c.tenant,
    MESSAGE.c.status,
    MESSAGE.c.created,
    MESSAGE.c.number,
)

# One for each event of these messages, as the log has it; an accepted one's sequence is its message's number
EVENT: Final = Table(
    "history_event",
    METADATA,
    Column("sequence", _NUMBER, primary_key=True, autoincrement=False),
    Column("message", BigInteger, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
EVENT_MESSAGE: Final = Index("history_event_message", EVENT.c.message, EVENT.c.sequence)
EVENT_TENANT: Final = Index("history_event_tenant", EVENT.c.tenant, EVENT.c.sequence)

# What else lists are searched by, one for each: ``kind`` is a Label
LABEL: Final = Table(
    "history_label",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("created", BigInteger, primary_key=True, autoincrement=False),
    Column("message", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
