"""What programs ask of the counters, and are told, in our own dialect. Plain values.

The comments here are the fields' documentation, which the API's reference is made of.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from angarium.analytics.asked import MAX_ROWS
from angarium.api.native.wire import Limit, PageAsked, Time, Wire

# Ours: a tag has 256 characters, of four octets each, in hex
_MAX_CURSOR: Final = 2100
_Name = Annotated[str, Meta(max_length=256)]
_When = Annotated[str, Meta(max_length=40)]
ByWord = Literal[
    "total",
    "hour",
    "day",
    "stream",
    "campaign",
    "tag",
    "provider",
    "source",
    "domain",
]


class StatsAsked(PageAsked, frozen=True, kw_only=True):
    """Of which time, and what each row is of."""

    by: ByWord = "day"
    # the first hour: 2026-07-01, or 2026-07-01T10:00:00Z; omitted: the day six days before the last one
    first: _When = msgspec.field(name="from", default="")
    # up to then: of a date to the end of that day, of a time to the end of its hour; omitted: now
    to: _When = ""
    # only what is of it: one of these six, with by=total, hour or day
    stream: _Name = ""
    campaign: _Name = ""
    tag: _Name = ""
    provider: _Name = ""
    source: _Name = ""
    domain: _Name = ""
    tenant: str = ""  # omitted: the caller's own
    cursor: Annotated[str, Meta(max_length=_MAX_CURSOR, pattern="^[0-9a-f]*$")] = ""
    limit: Limit = MAX_ROWS  # how many at most


class StatsRowShown(Wire, frozen=True, kw_only=True):
    """What happened in the time that was asked for; of recipients where nothing else is said."""

    # the hour as 2026-07-01T10:00:00Z, the day as 2026-07-01, or the name of what the row is of; null: of all names
    # beyond the first thousand of an hour
    key: str | None
    # taken into the queue; 0 by provider and by source, which come with the first attempt
    accepted: int
    sent: int  # a smart host took it
    delivered: int  # its own host took it, or Amazon SES says that it did
    deferred: int  # an attempt failed and another followed: at the first time
    bounced: int  # refused for good, at once or by a mail that came back
    bounced_late: int  # of these, what a host had taken before
    complained: int  # called it spam
    opened: int  # times that the picture was fetched, by persons and machines
    opened_human: int  # times, by a person as far as can be told
    opened_recipients: int  # opened by a person, each recipient once
    clicked: int  # times that a link was followed, by persons and machines
    clicked_human: int  # times, by a person as far as can be told
    clicked_recipients: int  # a link followed by a person, each recipient once
    unsubscribed: int
    suppressed: int  # not sent: on a suppression list
    expired: int  # given up when its time was over, or its start was missed
    cancelled: int  # taken back


class StatsAnswer(Wire, frozen=True, kw_only=True):
    """Counters, added up."""

    by: ByWord
    first: Time = msgspec.field(name="from")  # the first hour that is in it
    to: Time  # up to then
    rows: Sequence[StatsRowShown]  # in the order of their keys; none where nothing happened
    cursor: str | None  # of the next page; null: there is none
