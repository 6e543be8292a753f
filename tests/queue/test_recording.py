"""Events that are appended by themselves (``Spool.record``), or with an acknowledgement: in both stores. EL2."""

from pathlib import Path

import pytest

from angarium.queue import Fetched, LmdbSpool, MessageId, Opened, QueueFullError, UnixMs
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.spool import RECORD_WITHIN_S
from tests.queue.conftest import open_lmdb
from tests.queue.samples import START, FakeClock

AnySpool = LmdbSpool | MemorySpool
ID = MessageId(bytes(range(16)))


def fetched(number: int) -> Fetched:
    return Fetched(
        at=UnixMs(START + number),
        message_id=ID,
        tenant="default",
        index=number,
        link_number=-1,
        link="",
        sent_s=START // 1000,
        network="192.0.2.0",
        agent="",
        method="GET",
        signs=("data_centre",),
    )


def opened(number: int) -> Opened:
    return Opened(
        at=UnixMs(START + number),
        message_id=ID,
        tenant="default",
        stream="news",
        campaign="",
        index=number,
        recipient="",
        sender_domain="",
        report=b"",
        client="",
        verdict="human",
    )


async def test_what_is_recorded_is_in_the_log_in_its_order(spool: AnySpool) -> None:
    events = [fetched(number) for number in range(5)]
    await spool.record(events)
    assert [each.event for each in spool.events.read(0, 10)] == events


async def test_what_is_recorded_is_there_after_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    spool = open_lmdb(tmp_path, clock)
    waiting = spool.record([fetched(1)])
    spool.close()  # commits what is pending
    del waiting
    again = open_lmdb(tmp_path, clock)
    assert [each.event for each in again.events.read(0, 10)] == [fetched(1)]
    again.close()


async def test_what_is_recorded_waits_for_company_and_not_for_long(lmdb_spool: LmdbSpool) -> None:
    before = lmdb_spool.transactions
    all_of_them = [lmdb_spool.record([fetched(number)]) for number in range(20)]
    for each in all_of_them:
        await each
    assert lmdb_spool.transactions == before + 1
    assert RECORD_WITHIN_S < 1


async def test_where_the_disk_is_low_nothing_is_recorded(clock: FakeClock) -> None:
    spool = MemorySpool(clock, 2)
    spool.low_disk = True
    with pytest.raises(QueueFullError):
        await spool.record([fetched(1)])
    assert not spool.events.read(0, 10)


async def test_what_a_consumer_makes_of_events_is_one_with_its_acknowledgement(
    spool: AnySpool,
) -> None:
    """EL2"""
    await spool.record([fetched(1), fetched(2)])
    await spool.events.register("judge")
    await spool.events.ack("judge", 1, b"state", [opened(1)])
    await spool.events.ack("judge", 1, b"later", [opened(1)])
    await spool.events.ack("judge", 2, None, [opened(2)])
    await spool.events.ack("judge", 1, b"old", [opened(1)])
    assert [each.event for each in spool.events.read(2, 10)] == [opened(1), opened(2)]
    cursor = await spool.events.register("judge")
    assert (cursor.position, cursor.state) == (2, b"later")


async def test_who_has_retired_appends_nothing(spool: AnySpool) -> None:
    """EL2"""
    await spool.record([fetched(1)])
    await spool.events.ack("nobody", 1, None, [opened(1)])
    assert spool.events.last() == 1
