"""Which delays a sender hears of: not of each message that waits for the same dead domain. Pure."""

import enum
from typing import Final

from angarium.mta.record.dsn_limit import DsnLimit
from angarium.queue.model import Claimed, UnixMs
from angarium.smtp.envelope import Notify

# Ours: as long as a message waits, by default, before its sender hears of it.
WINDOW_MS: Final = 4 * 3_600_000
# Ours: whom twenty dead domains do not alarm, the next eighty do not help.
PER_HOUR: Final = 20
# Pairs of sender and domain; the one that was told longest ago is forgotten first.
KEPT: Final = 10_000


class Telling(enum.Enum):
    NOW = "now"
    KNOWN = "known"  # it is not told, now or later: the sender knows of the domain, or wants no such notice
    LATER = "later"  # not now, perhaps after the next attempt


class DelayNotices:
    """In memory, per delivery process: after a restart a sender may hear of a domain once more.

    Invariant DN1: who asked for notices of delay gets each (RFC 3461 section 4.1); who asked for nothing gets one per
    domain in WINDOW_MS, and PER_HOUR in all.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], UnixMs] = {}
        self._unasked = DsnLimit(PER_HOUR)

    def telling(self, sender: str, recipient: Claimed, now: UnixMs) -> Telling:
        """Whether ``sender`` hears of this recipient's delay; NOW is counted as told."""
        notify = recipient.notify
        if notify is not None and not notify & Notify.DELAY:
            return Telling.KNOWN
        key = (sender, recipient.domain)
        if notify is None:
            told = self._told.get(key)
            if told is not None and told <= now < told + WINDOW_MS:
                return Telling.KNOWN
            if not self._unasked.allows(sender, now):
                return Telling.LATER  # DN1
        self._told.pop(key, None)
        self._told[key] = now
        if len(self._told) > KEPT:
            del self._told[next(iter(self._told))]
        return Telling.NOW
