"""The columns of a row, which is one event. Pure.

On disk for years: a column is only ever appended, and none changes what it means. A file that is older than a column
has null there. What does not apply is null. docs/lake.md has the same table, held by a test.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

ColumnType = Literal[
    "BIGINT", "INTEGER", "SMALLINT", "VARCHAR", "VARCHAR[]", "TIMESTAMP_MS", "UUID"
]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: ColumnType  # of DuckDB
    meaning: str
    personal: bool = False  # one's address may be in it


def _column(name: str, type_: ColumnType, meaning: str, *, personal: bool = False) -> Column:
    return Column(name=name, type=type_, meaning=meaning, personal=personal)


COLUMNS: Final = (
    _column(
        "sequence",
        "BIGINT",
        "number of the event in the event log of its queue; with `era` it never repeats",
    ),
    _column(
        "era",
        "INTEGER",
        "counts queues: 1 higher after the queue was lost or an older one put in its place",
    ),
    _column("ts", "TIMESTAMP_MS", "when it happened, UTC (`at` would need quotes in SQL)"),
    _column(
        "event",
        "VARCHAR",
        "its name: `accepted`, `delivered`, `deferred`, `bounced`, `opened`, ... as in the mail log",
    ),
    _column("message_id", "UUID", "of the message that it is about"),
    _column("recipient_index", "INTEGER", "which of the message's recipients, from 0"),
    _column(
        "recipient",
        "VARCHAR",
        "address that it is about, of an `accepted` message where it is the only one; `erased-...@` its domain: erased",
        personal=True,
    ),
    _column(
        "recipient_domain", "VARCHAR", "what is behind its @, in lower case; an erasure leaves it"
    ),
    _column(
        "recipients",
        "INTEGER",
        "how many recipients it is about: of `accepted` all of the message's, else 1 or 0",
    ),
    _column("tenant", "VARCHAR", "whose it is; null: the server's own, which no tenant sees"),
    _column("stream", "VARCHAR", "of the message", personal=True),
    _column("campaign", "VARCHAR", "of the message", personal=True),
    _column(
        "tags",
        "VARCHAR[]",
        "of the message; null where it has none, or is not known any more",
        personal=True,
    ),
    _column("template", "VARCHAR", "id of the template that the message was made of"),
    _column("template_version", "INTEGER", "of that"),
    _column(
        "sender_domain",
        "VARCHAR",
        "of the message's author, where that is known, else of its reverse path",
    ),
    _column("provider", "VARCHAR", "mailbox provider of the last attempt's site"),
    _column("source", "VARCHAR", "egress source of the attempt"),
    _column(
        "host",
        "VARCHAR",
        "MX or smart host of the attempt; of what came back, who said so",
        personal=True,
    ),
    _column("ip", "VARCHAR", "address of that host"),
    _column(
        "stage", "VARCHAR", "where the attempt was decided: `connect`, `rcpt`, `final_dot`, ..."
    ),
    _column("tls", "VARCHAR", "`TLSv1.3`; null: in the clear"),
    _column("code", "SMALLINT", "the host's reply code"),
    _column("enhanced", "VARCHAR", "its enhanced status code"),
    _column(
        "class",
        "VARCHAR",
        "what the failure means: a bounce class; of a complaint its type, of a suppression its cause",
    ),
    _column("reply", "VARCHAR", "the host's words, or our reason", personal=True),
    _column("attempt", "INTEGER", "attempts made, this one included"),
    _column("queue_ms", "BIGINT", "from acceptance to the end of the attempt"),
    _column("delay_ms", "BIGINT", "from acceptance to the event"),
    _column("verdict", "VARCHAR", "who opened or clicked: `human` or `machine`"),
    _column("reasons", "VARCHAR[]", "of that verdict"),
    _column("url", "VARCHAR", "link that was followed", personal=True),
    _column("link", "INTEGER", "its number in the message, from 0"),
    _column(
        "client",
        "VARCHAR",
        "who opened or clicked, as far as that is kept; of `accepted` who brought the message",
        personal=True,
    ),
    _column("size_octets", "BIGINT", "of an accepted message"),
    _column(
        "addresses",
        "VARCHAR[]",
        "recipients of an `accepted` message, where they are several",
        personal=True,
    ),
    _column("fields", "VARCHAR", "what else the event has, as a JSON object", personal=True),
)
BY_NAME: Final[Mapping[str, Column]] = {each.name: each for each in COLUMNS}
# What rows in files are in the order of. Reports ask for some events of a tenant or all, and read few row groups then;
# what has one event, and times that only grow, is also smaller and quicker to read
ORDER: Final = ("tenant", "event", "sequence")
