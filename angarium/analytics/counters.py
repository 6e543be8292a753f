"""What is counted, and by what: one row for each minute, hour or day, tenant, dimension and key. Pure."""

import enum
import functools
from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
DAY_HOURS: Final = 24
_BEGINNING: Final = date(1970, 1, 1).toordinal()
# Ours, of what a row is under: the longest tag that the API takes
_CHARACTERS: Final = 256
# Between the two of a pair
BETWEEN: Final = "\x1f"

Resolution = Literal["minute", "hour", "day"]
# How many minutes a row of each is of. A coarser one is the exact sum of the finer ones, as long as these are kept
MINUTES: Final[Mapping[Resolution, int]] = {"minute": 1, "hour": 60, "day": 1440}


class Dimension(enum.IntEnum):
    """The numbers are on disk."""

    TOTAL = 0
    STREAM = 1
    CAMPAIGN = 2
    TAG = 3
    PROVIDER = 4
    SOURCE = 5
    DOMAIN = 6  # of the sender
    TEMPLATE = 7  # its alias, or its id where it has none
    CLASS = 8  # of what was deferred, bounced or expired: of ``feedback.classes``
    LINK = 9  # of what was clicked
    COHORT = 10  # the day (UTC) on which it was accepted: 2026-07-01
    PROVIDER_SOURCE = 16
    STREAM_PROVIDER = 17
    CAMPAIGN_PROVIDER = 18
    DOMAIN_PROVIDER = 19
    PROVIDER_CLASS = 20
    SOURCE_CLASS = 21
    CAMPAIGN_CLASS = 22
    CAMPAIGN_LINK = 23


# What is counted together
PAIRS: Final[Mapping[Dimension, tuple[Dimension, Dimension]]] = {
    Dimension.PROVIDER_SOURCE: (Dimension.PROVIDER, Dimension.SOURCE),
    Dimension.STREAM_PROVIDER: (Dimension.STREAM, Dimension.PROVIDER),
    Dimension.CAMPAIGN_PROVIDER: (Dimension.CAMPAIGN, Dimension.PROVIDER),
    Dimension.DOMAIN_PROVIDER: (Dimension.DOMAIN, Dimension.PROVIDER),
    Dimension.PROVIDER_CLASS: (Dimension.PROVIDER, Dimension.CLASS),
    Dimension.SOURCE_CLASS: (Dimension.SOURCE, Dimension.CLASS),
    Dimension.CAMPAIGN_CLASS: (Dimension.CAMPAIGN, Dimension.CLASS),
    Dimension.CAMPAIGN_LINK: (Dimension.CAMPAIGN, Dimension.LINK),
}
# By name; what one row is of at a time
SINGLES: Final[Mapping[str, Dimension]] = {
    each.name.lower(): each
    for each in Dimension
    if each is not Dimension.TOTAL and each not in PAIRS
}
# Nobody asks which link was followed in which minute, and it would be the most of the file; nor of a day's mail
WITHOUT_MINUTES: Final = frozenset({Dimension.LINK, Dimension.CAMPAIGN_LINK, Dimension.COHORT})


class Counter(enum.IntEnum):
    """A number is the counter's place in a row. On disk they go by their names: any place will do for a new one."""

    ACCEPTED = 0
    SENT = 1  # a smart host took it
    DELIVERED = 2  # its own host took it, or Amazon SES says so
    DEFERRED = 3
    BOUNCED = 4
    BOUNCED_LATE = 5  # of BOUNCED: told after a host had taken it
    COMPLAINED = 6
    OPENED = 7  # times
    OPENED_HUMAN = 8  # times
    OPENED_RECIPIENTS = 9  # by a person
    CLICKED = 10  # times
    CLICKED_HUMAN = 11  # times
    CLICKED_RECIPIENTS = 12  # by a person
    UNSUBSCRIBED = 13
    SUPPRESSED = 14
    EXPIRED = 15
    CANCELLED = 16
    DELIVERED_TOLD = 17  # of DELIVERED: Amazon SES says so, of what is in SENT too


COUNTERS: Final = tuple(each.name.lower() for each in Counter)
# The key of what is counted by nothing
ALL: Final = "all"
# The key under which further ones of a day are counted together; no label is empty
REST: Final = ""


@functools.lru_cache(64)
def day_text(day: int) -> str:
    """Return a day (of UTC, since 1970) as 2026-07-01."""
    return date.fromordinal(_BEGINNING + day).isoformat()


def day_number(day: date) -> int:
    """Return the days since 1970."""
    return day.toordinal() - _BEGINNING


def key_text(value: str) -> str:
    """Return what a row can be under: no encoding has half a character, and a pair is parted in one place."""
    return value[:_CHARACTERS].encode(errors="replace").decode().replace(BETWEEN, "?")
