"""What is counted, and by what: one row for each hour, tenant, dimension and key. Pure."""

import enum
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_HOURS: Final = 24
# Ours, of what a row is under: the longest tag that the API takes
_CHARACTERS: Final = 256


class Dimension(enum.IntEnum):
    """The numbers are on disk."""

    TOTAL = 0
    STREAM = 1
    CAMPAIGN = 2
    TAG = 3
    PROVIDER = 4
    SOURCE = 5
    DOMAIN = 6  # of the sender


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


COUNTERS: Final = tuple(each.name.lower() for each in Counter)
# The key of what is counted by nothing
ALL: Final = "all"
# The key under which further ones of an hour are counted together; no label is empty
REST: Final = ""


def key_text(value: str) -> str:
    """Return what a row can be under: no encoding has half a character."""
    return value[:_CHARACTERS].encode(errors="replace").decode()
