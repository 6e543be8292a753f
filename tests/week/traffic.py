"""What a node's users send in a week: by day more than by night, receipts at any time, campaigns at nine and three."""

import random
from collections.abc import Iterator
from typing import Final

import msgspec

from tests.week.node import DOMAINS

TICK_MIN: Final = 5
# Parts of a usual hour, by hour of the day
DAY: Final = (3, 2, 2, 2, 2, 3, 5, 8, 10, 12, 12, 11, 10, 11, 12, 12, 11, 10, 9, 8, 8, 7, 5, 4)
CAMPAIGN_HOURS: Final = (9, 15)
SMALL_SITES: Final = 20


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    recipients: tuple[str, ...]
    tenant: str
    stream: str
    sender: str
    campaign: str = ""


class Users:
    """``volume``: receipts an hour to one provider in a usual hour."""

    def __init__(self, volume: int, seed: int) -> None:
        self._volume = volume
        self._random = random.Random(seed)
        self._number = 0

    def send(self, tick: int) -> Iterator[Mail]:
        """Yield what is sent in the five minutes of that number since midnight of the first day."""
        hour = tick * TICK_MIN // 60
        for domain in DOMAINS:
            expected = self._volume * DAY[hour % 24] / 8 * TICK_MIN / 60
            count = int(expected) + (self._random.random() < expected % 1)
            for _ in range(count):
                yield self._receipt(domain)
        if self._random.random() < DAY[hour % 24] / 12:
            yield self._receipt(f"small{self._random.randrange(SMALL_SITES)}.example")
        if hour % 24 in CAMPAIGN_HOURS and tick * TICK_MIN % 60 == 0:
            yield from self._campaign(f"day-{hour // 24}-{hour % 24}")

    def _receipt(self, domain: str) -> Mail:
        tenant = self._random.choice(("bank", "bank", "shop", "careless"))
        return Mail(
            recipients=(self._person(domain),),
            tenant=tenant,
            stream="transactional",
            sender=f"receipts@{tenant}.example",
        )

    def _campaign(self, name: str) -> Iterator[Mail]:
        """To ten times as many as an hour's receipts, at each provider; one in ten messages has three recipients."""
        for number in range(self._volume * 10):
            tenant = "shop" if number % 3 else "careless"
            for domain in DOMAINS:
                many = 3 if number % 10 == 0 else 1
                yield Mail(
                    recipients=tuple(self._person(domain) for _ in range(many)),
                    tenant=tenant,
                    stream="bulk",
                    sender=f"news@{tenant}.example",
                    campaign=name,
                )

    def _person(self, domain: str) -> str:
        self._number += 1
        kind = self._random.random()
        who = "gone" if kind < 0.008 else "full" if kind < 0.012 else "person"
        return f"{who}{self._number}@{domain}"
