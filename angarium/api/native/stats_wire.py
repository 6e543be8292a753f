"""What programs ask of the counters, and are told, in our own dialect. Plain values.

The comments here are the fields' documentation, which the API's reference is made of.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from angarium.analytics.asked import MAX_ROWS
from angarium.analytics.counters import Resolution
from angarium.api.native.wire import Limit, PageAsked, Time, Wire

# Ours: a tag has 256 characters, of four octets each, in hex; and rows may be by two, and a time
_MAX_CURSOR: Final = 4200
_Name = Annotated[str, Meta(max_length=256)]
_When = Annotated[str, Meta(max_length=40)]


class StatsAsked(PageAsked, frozen=True, kw_only=True):
    """Of which time, and what each row is of."""

    # total, minute, hour, day, stream, campaign, tag, provider, source, domain, template, class, link or cohort; or
    # two or three, with commas between them, if they are counted together: "provider,source", "day,campaign"
    by: Annotated[str, Meta(max_length=100)] = "day"
    # the first hour: 2026-07-01, or 2026-07-01T10:00:00Z; omitted: the day six days before the last one, and by the
    # minute an hour before
    first: _When = msgspec.field(name="from", default="")
    # up to then: of a date to the end of that day, of a time to the end of its hour; omitted: now
    to: _When = ""
    # which counters are added up; omitted: the coarsest ones that have the same time
    resolution: Resolution | None = None
    # only what is of it; two at once, or one with `by` another, if they are counted together
    stream: _Name = ""
    campaign: _Name = ""
    tag: _Name = ""
    provider: _Name = ""
    source: _Name = ""
    domain: _Name = ""
    template: _Name = ""
    class_: _Name = msgspec.field(name="class", default="")
    link: _Name = ""
    cohort: _Name = ""
    rates: bool = False  # also which part of the mail it is
    latency: bool = False  # also how long delivery took
    # a counter: the rows that have most of it, in that order, `limit` of them and no further page; omitted: all, in
    # the order of their keys
    sort: Annotated[str, Meta(max_length=40)] = ""
    format: Literal["json", "csv"] = "json"  # csv: all rows, from the cursor on, without pages
    tenant: str = ""  # omitted: the caller's own
    cursor: Annotated[str, Meta(max_length=_MAX_CURSOR, pattern="^[0-9a-f]*$")] = ""
    limit: Limit = MAX_ROWS  # how many at most


class RatesShown(Wire, frozen=True, kw_only=True):
    """Parts of the mail, 0 to 1; more, or less, where what happened is of earlier mail. Null: there was none."""

    # `taken`: sent and delivered, each recipient once. `tried`: these, and bounced and expired
    delivery_rate: float | None  # taken and not come back, of tried
    deferral_rate: float | None  # took more than one attempt, of tried
    bounce_rate: float | None  # of tried
    complaint_rate: float | None  # of taken
    open_rate: float | None  # recipients that opened it, persons only, of taken
    click_rate: float | None  # likewise
    unsubscribe_rate: float | None  # of taken


class LatencyShown(Wire, frozen=True, kw_only=True):
    """From acceptance, or the start if that was put off, until a host took it: within 1/16 of the exact time."""

    count: int  # recipients
    p50_ms: int  # half of them took no longer
    p95_ms: int
    p99_ms: int


class StatsRowShown(Wire, frozen=True, kw_only=True):
    """What happened in the time that was asked for; of recipients where nothing else is said."""

    # the minute or hour as 2026-07-01T10:00:00Z, the day as 2026-07-01, or the name of what the row is of; of several
    # the first; null: of all names beyond the first thousand of a day
    key: str | None
    keys: Sequence[str | None]  # one for each of `by`, in its order; of total none
    # taken into the queue; 0 by provider and by source, which come with the first attempt, by class and by link
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
    clicked_recipients: int  # a link followed by a person, each recipient once; 0 by link
    unsubscribed: int
    suppressed: int  # not sent: on a suppression list
    expired: int  # given up when its time was over, or its start was missed
    cancelled: int  # taken back
    delivered_told: int  # of delivered, what Amazon SES says, which is in sent too
    rates: RatesShown | None  # null where nobody asked, and by class and by link
    latency: LatencyShown | None  # null where nobody asked, or nothing was taken


class StatsAnswer(Wire, frozen=True, kw_only=True):
    """Counters, added up."""

    by: str
    first: Time = msgspec.field(name="from")  # the first minute, hour or day that is in it
    to: Time  # up to then
    resolution: Resolution  # which counters were added up
    # in the order of their keys, or of `sort`; none where nothing happened
    rows: Sequence[StatsRowShown]
    cursor: str | None  # of the next page; null: there is none
