"""Which part of what went out was refused or complained of, per source and provider, over a window. Pure."""

from collections import OrderedDict, deque
from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs

# Ours: how finely windows slide
BUCKET_MS: Final = 300_000
BUCKETS: Final = 289  # of a day, and the one that has just begun
# Ours, of pairs of source and provider; the one that was quiet longest is forgotten
PAIRS: Final = 10_000
Counted = Literal["sent", "delivered", "bounces", "complaints"]


class Bucket(msgspec.Struct, kw_only=True):
    number: int  # of BUCKET_MS since the epoch
    sent: int = 0  # recipients that got an answer for good
    delivered: int = 0
    bounces: int = 0
    complaints: int = 0


class Shares:
    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, str], deque[Bucket]] = OrderedDict()

    def count(
        self, source: str, provider: str, now: UnixMs, what: Counted, number: int = 1
    ) -> None:
        key = (source, provider)
        buckets = self._buckets.get(key)
        if buckets is None:
            buckets = self._buckets[key] = deque(maxlen=BUCKETS)
            if len(self._buckets) > PAIRS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        if not buckets or buckets[-1].number != now // BUCKET_MS:
            buckets.append(Bucket(number=now // BUCKET_MS))
        latest = buckets[-1]
        setattr(latest, what, getattr(latest, what) + number)

    def share(
        self,
        source: str,
        provider: str,
        *,
        of: Literal["bounces", "complaints"],
        period_ms: int,
        now: UnixMs,
    ) -> tuple[int, int]:
        """Return how many there were within the period, and among how many."""
        first = (now - period_ms) // BUCKET_MS
        buckets = [
            each
            for each in self._buckets.get((source, provider), ())
            if first < each.number <= now // BUCKET_MS
        ]
        among = "sent" if of == "bounces" else "delivered"
        return sum(getattr(each, of) for each in buckets), sum(
            getattr(each, among) for each in buckets
        )

    def forget(self, source: str, provider: str) -> None:
        """Begin anew: what was acted upon is not evidence a second time."""
        self._buckets.pop((source, provider), None)
