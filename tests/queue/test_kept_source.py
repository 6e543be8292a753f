"""Mirrors angarium/queue/kept_source.py, and what the queue remembers of it, in every implementation."""

from typing import Any

import msgspec
import pytest

from angarium.queue import Commit, Deferred, DeliveryId, MessageId, MessageIdGenerator, UnixMs
from angarium.queue.kept_source import source_after
from tests.queue.samples import FakeClock, attempt, submission


def deferred(source: str, delivery: DeliveryId | None = None, **more: Any) -> Deferred:
    return Deferred(
        id=delivery or DeliveryId(MessageId(bytes(16)), 0),
        due=UnixMs(0),
        attempt=msgspec.structs.replace(attempt(451), source=source),
        **more,
    )


@pytest.mark.parametrize(
    ("more", "was_in_doubt", "expected"),
    [
        ({"greylisted": True}, False, "ip2"),
        ({"in_doubt": True}, False, "ip2"),
        ({}, False, ""),  # another failure: any source may do better
        ({"attempted": False}, False, "ip1"),  # nobody was asked
        ({}, True, "ip1"),
        ({"greylisted": True}, True, "ip2"),
    ],
)
def test_a_recipient_keeps_to(more: dict[str, bool], was_in_doubt: bool, expected: str) -> None:
    assert source_after(deferred("ip2", **more), kept="ip1", in_doubt=was_in_doubt) == expected


async def test_what_is_due_says_to_which_source_it_keeps(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    (partition,) = [await spool.own(spool.partitions()[0], "here")]
    await spool.accept([submission(new_id(), ["a@one.example"])])
    for said, source in (
        ({"greylisted": True}, "ip3"),
        ({"attempted": False}, "ip3"),
        ({}, ""),
        ({"greylisted": True}, "ip3"),
        ({"in_doubt": True}, "ip3"),
        ({}, "ip3"),
    ):
        (head,) = partition.due(clock(), 9).heads
        await partition.claim([head], "ip3")
        await partition.commit(Commit(settled=[deferred("ip3", head.id, **said)]))
        (head,) = partition.due(clock(), 9).heads
        assert head.source == source, said
    assert head.in_doubt
