"""Mirrors angarium/service/platform/delivery_finder.py."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from angarium.config.schema import Queue
from angarium.queue import Complained, Delivered, LmdbSpool, MessageId, UnixMs
from angarium.queue.event_log import Departures
from angarium.queue.events.catalogue import CataloguedKind, Departure
from angarium.service.platform import delivery_finder
from angarium.service.platform.delivery_finder import DeliveryFinder
from tests.queue.samples import START, FakeClock, attempt

READER = "reader"
DAY_MS = 86_400_000


def message_id(number: int, at: int = START) -> MessageId:
    return MessageId(at.to_bytes(6, "big") + number.to_bytes(10, "big"))


def departure(number: int, index: int = 0, at: int = START) -> Departure:
    return Delivered(
        at=UnixMs(at),
        message_id=message_id(number, at),
        index=index,
        tenant="acme",
        stream="news",
        reverse_path="a@acme.example",
        recipient=f"r{index}@site.example",
        attempts=1,
        attempt=attempt(),
    )


def complaint(number: int, index: int = 0, at: int = START) -> Complained:
    return Complained(
        at=UnixMs(at + 3_600_000),
        message_id=message_id(number, at),
        index=index,
        recipient=f"r{max(index, 0)}@site.example",
        tenant="acme",
        stream="news",
        campaign="",
        sender_domain="acme.example",
        report=b"",
        feedback_type="abuse",
        host="192.0.2.9",
    )


class Counted:
    """The queue's log, and how many events were looked at."""

    def __init__(self, spool: LmdbSpool) -> None:
        self._events = spool.events
        self.looked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._events, name)

    def departures(self, messages: Any, after: int, limit: int) -> Departures:
        self.looked += limit
        return self._events.departures(messages, after, limit)


class Kept:
    def __init__(self, path: Path) -> None:
        self.spool = LmdbSpool.open(path, Queue(partitions=1, min_free_octets=0), FakeClock())
        self.events: Any = Counted(self.spool)
        self.finder = DeliveryFinder(self.events)
        self._position = 0

    async def append(self, events: Sequence[CataloguedKind]) -> None:
        await self.spool.events.register(READER)
        self._position += 1
        await self.spool.events.ack(READER, self._position, events=events)


@pytest.fixture
async def kept(tmp_path: Path) -> Any:
    kept = Kept(tmp_path)
    yield kept
    kept.spool.close()


async def test_many_are_found_by_looking_once(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_finder, "READ", 50)
    numbers = list(range(1_000))
    random.Random(3).shuffle(numbers)
    await kept.append([departure(number) for number in numbers])
    asked = [complaint(number) for number in range(0, 1_000, 7)]
    found = await kept.finder.find(asked)
    assert [each and each.message_id for each in found] == [each.message_id for each in asked]
    assert kept.events.looked <= 1_000 + 50


async def test_no_more_is_looked_at_than_up_to_the_last(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_finder, "READ", 50)
    await kept.append([departure(number) for number in range(1_000)])
    assert await kept.finder.find([complaint(120)]) == [departure(120)]
    assert kept.events.looked <= 150


async def test_who_asks_again_or_meanwhile_costs_nothing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_finder, "READ", 5)  # others come between two of them
    await kept.append([departure(number) for number in range(10)])
    asked = [complaint(3), complaint(404)]  # DF1: of the second there is none
    found = await asyncio.gather(*[kept.finder.find(asked) for _ in range(3)])
    assert found == [[departure(3), None]] * 3
    assert kept.events.looked == 10


async def test_a_recipient_is_told_by_index_or_else_by_address(kept: Kept) -> None:
    await kept.append([departure(1, index) for index in range(3)])
    by_index, nobody, by_address = await kept.finder.find(
        [complaint(1, 2), complaint(1, 5), complaint(1, -1)]
    )
    assert by_index == departure(1, 2)
    assert nobody is None
    assert by_address == departure(1, 0)


async def test_mail_of_days_apart_is_found_without_what_is_between(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_finder, "READ", 10)
    await kept.append([departure(number, at=START + number * DAY_MS) for number in range(200)])
    asked = [complaint(each, at=START + each * DAY_MS) for each in (190, 3)]
    found = await kept.finder.find(asked)
    assert [each and each.message_id for each in found] == [each.message_id for each in asked]
    assert kept.events.looked <= 4 * 10


async def test_what_left_too_far_behind_is_given_up(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_finder, "READ", 10)
    monkeypatch.setattr(delivery_finder, "FAR", 100)
    await kept.append([departure(number) for number in range(1_000)])
    assert await kept.finder.find([complaint(90), complaint(900)]) == [departure(90), None]
    assert kept.events.looked <= 130


async def test_of_mail_older_than_the_log_nothing_is_looked_at(kept: Kept) -> None:
    await kept.append([departure(1)])
    assert await kept.finder.find([complaint(1, at=START - DAY_MS)]) == [None]
    assert kept.events.looked == 0


async def test_an_empty_log_has_none(kept: Kept) -> None:
    assert await kept.finder.find([complaint(1)]) == [None]
