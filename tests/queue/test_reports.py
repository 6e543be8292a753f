"""Mails that came back, in both stores."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from angarium.config.schema import Queue
from angarium.queue import (
    Actor,
    DuplicateMessageError,
    LmdbSpool,
    MessageId,
    PartitionNumber,
    QueueFullError,
    ReportKept,
    Scope,
    Suppress,
    Suppression,
    UnixMs,
    verify,
)
from angarium.queue.lmdb.report_table import report_key
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.reports import (
    DAMAGED,
    NotWaitingError,
    ReportBounds,
    ReportCount,
    ReportedMail,
    SettledReport,
    Shelf,
)
from tests.queue.samples import START, FakeClock, submission

AnySpool = LmdbSpool | MemorySpool
Reopen = Callable[[], AnySpool]
CONFIG = Queue(partitions=2, map_octets=1 << 17, min_free_octets=0, sync=False)
MANY = 1 << 30


@pytest.fixture(params=["lmdb", "memory"])
async def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reopen]:
    """Each call is a new process's look at one queue."""
    spools: list[AnySpool] = []

    def opened() -> AnySpool:
        last = spools[-1] if spools else None
        if isinstance(last, LmdbSpool):
            last.close()
        if isinstance(last, MemorySpool):
            spools.append(last.crash())
        elif request.param == "lmdb":
            spools.append(LmdbSpool.open(tmp_path, CONFIG, FakeClock()))
        else:
            spools.append(MemorySpool(FakeClock(), 2))
        return spools[-1]

    yield opened
    spools[-1].close()


def report_id(number: int) -> MessageId:
    return MessageId((START + number).to_bytes(6, "big") + bytes(10))


def report(number: int, content: bytes = b"A: b\r\n\r\nbounced\r\n") -> ReportedMail:
    return ReportedMail(
        id=report_id(number),
        received=UnixMs(START + number),
        via="smtp",
        client="192.0.2.9",
        reverse_path="",
        recipients=("token@b.example.com",),
        content=content,
    )


KEPT_EVENT = ReportKept(
    at=UnixMs(5),
    message_id=MessageId(b""),
    report=report_id(1),
    kind="dmarc",
    sender="",
    client="",
    size_octets=3,
)
SUPPRESS = Suppress(
    suppression=Suppression(
        email="bob@example.net", scope=Scope(tenant="acme"), reason="complaint", added_at=START
    ),
    by=Actor(who="angarium", reason="a report"),
)


async def test_rpt1_what_was_accepted_waits_for_the_next_process(reopen: Reopen) -> None:
    given = [report(2), report(1, b"x" * 5000)]
    await reopen().reports.accept(given)
    reports = reopen().reports
    assert reports.pending(10, MANY) == [given[1], given[0]]
    assert reports.count(Shelf.WAITING) == ReportCount(
        reports=2, octets=5000 + len(given[0].content)
    )


async def test_so_many_are_read_and_so_many_octets_but_one_at_least(reopen: Reopen) -> None:
    reports = reopen().reports
    await reports.accept([report(number, b"x" * 100) for number in range(5)])
    assert [each.id for each in reports.pending(2, MANY)] == [report_id(0), report_id(1)]
    assert len(reports.pending(10, 250)) == 2
    assert len(reports.pending(10, 1)) == 1


async def test_rpt2_a_report_is_settled_with_all_that_it_changed(reopen: Reopen) -> None:
    spool = reopen()
    await spool.reports.accept([report(1), report(2)])
    settled = [SettledReport(id=report_id(1))]
    await spool.reports.settle(settled, [SUPPRESS], [KEPT_EVENT])
    spool = reopen()
    assert [each.id for each in spool.reports.pending(10, MANY)] == [report_id(2)]
    assert spool.reports.count(Shelf.WAITING).reports == 1
    assert spool.suppressions.find("BOB@example.net", "acme", "any") is not None
    events = [each.event.name for each in spool.events.read(0, 10)]
    assert sorted(events) == ["report_kept", "suppression_added"]


async def test_rpt2_what_is_sent_because_of_a_report_is_queued_with_its_end(reopen: Reopen) -> None:
    spool = reopen()
    rung: list[int] = []
    spool.wakeups(rung.append)
    await spool.reports.accept([report(1)])
    notice = submission(b"n" * 16, ("alice@example.com",), sender="", partition=1)
    await spool.reports.settle(
        [SettledReport(id=report_id(1))], [], [KEPT_EVENT], submissions=[notice]
    )
    await asyncio.sleep(0)
    assert rung == [1]
    spool = reopen()
    assert spool.reports.pending(10, MANY) == []
    assert [each.event.name for each in spool.events.read(0, 10)] == ["report_kept", "accepted"]
    owned = await spool.own(PartitionNumber(1), "n")
    assert [each.id.message_id for each in owned.due(UnixMs(START), 10).heads] == [b"n" * 16]
    assert spool.content(MessageId(b"n" * 16)) == notice.content


@pytest.mark.parametrize("what", ["queued", "settled"])
async def test_rpt2_what_cannot_be_queued_settles_nothing(reopen: Reopen, what: str) -> None:
    spool = reopen()
    await spool.reports.accept([report(1)])
    notice = submission(b"n" * 16, ("alice@example.com",), sender="")
    settled = [SettledReport(id=report_id(1))]
    if what == "queued":
        await spool.accept([notice])
        with pytest.raises(DuplicateMessageError):
            await spool.reports.settle(settled, [SUPPRESS], [KEPT_EVENT], submissions=[notice])
        assert len(spool.reports.pending(10, MANY)) == 1
    else:
        await spool.reports.settle(settled, submissions=[notice])
        again = submission(b"o" * 16, ("alice@example.com",), sender="")
        with pytest.raises(NotWaitingError):
            await spool.reports.settle(settled, [SUPPRESS], [KEPT_EVENT], submissions=[again])
    assert [each.event.name for each in spool.events.read(0, 10)] == ["accepted"]
    assert spool.suppressions.find("bob@example.net", "acme", "any") is None


async def test_a_submission_that_nobody_may_hand_over_settles_nothing(reopen: Reopen) -> None:
    spool = reopen()
    await spool.reports.accept([report(1)])
    notice = submission(b"n" * 16, ("alice@example.com",), sender="", partition=7)
    with pytest.raises(ValueError, match="partitions"):
        await spool.reports.settle(
            [SettledReport(id=report_id(1))], [SUPPRESS], submissions=[notice]
        )
    assert len(spool.reports.pending(10, MANY)) == 1
    assert spool.events.read(0, 10) == []


async def test_rpt2_who_settles_twice_changes_nothing(reopen: Reopen) -> None:
    spool = reopen()
    await spool.reports.accept([report(1), report(2)])
    await spool.reports.settle([SettledReport(id=report_id(1))])
    both = [SettledReport(id=report_id(2)), SettledReport(id=report_id(1))]
    with pytest.raises(NotWaitingError):
        await spool.reports.settle(both, [SUPPRESS], [KEPT_EVENT])
    assert [each.id for each in spool.reports.pending(10, MANY)] == [report_id(2)]
    assert spool.suppressions.find("bob@example.net", "acme", "any") is None
    assert spool.events.read(0, 10) == []


async def test_rpt3_no_more_wait_than_may(reopen: Reopen) -> None:
    reports = reopen().reports
    size = len(report(1).content)
    bounds = ReportBounds(reports=2, octets=2 * size)
    await reports.accept([report(1)], bounds)
    with pytest.raises(QueueFullError, match="wait"):
        await reports.accept([report(2), report(3)], bounds)
    with pytest.raises(QueueFullError, match="wait"):
        await reports.accept([report(2, b"x" * (size + 1))], bounds)
    assert reports.count(Shelf.WAITING).reports == 1
    await reports.accept([report(2)], bounds)
    await reports.settle([SettledReport(id=report_id(1))])
    await reports.accept([report(3)], bounds)
    assert [each.id for each in reports.pending(10, MANY)] == [report_id(2), report_id(3)]


async def test_what_is_kept_is_on_its_shelf_until_it_is_forgotten(reopen: Reopen) -> None:
    reports = reopen().reports
    given = [report(number) for number in range(4)]
    await reports.accept(given)
    places = (Shelf.REVIEW, Shelf.DMARC, Shelf.REVIEW, Shelf.REVIEW)
    await reports.settle(
        [SettledReport(id=each.id, keep=shelf) for each, shelf in zip(given, places, strict=True)]
    )
    reports = reopen().reports
    assert reports.kept(Shelf.REVIEW, b"", 10) == [given[0], given[2], given[3]]
    assert reports.kept(Shelf.REVIEW, given[0].id, 1) == [given[2]]
    assert reports.kept(Shelf.DMARC, b"", 10) == [given[1]]
    assert reports.find(Shelf.DMARC, given[1].id) == given[1]
    assert reports.find(Shelf.REVIEW, given[1].id) is None
    assert await reports.forget(Shelf.REVIEW, [given[0].id, given[1].id]) == 1
    assert await reports.forget_before(Shelf.REVIEW, UnixMs(START + 3), 10) == 1
    assert reports.kept(Shelf.REVIEW, b"", 10) == [given[3]]
    assert reports.count(Shelf.REVIEW) == ReportCount(reports=1, octets=len(given[3].content))
    assert reports.count(Shelf.DMARC).reports == 1
    # When the first one was taken in, of each shelf by itself
    shelves = (Shelf.REVIEW, Shelf.DMARC, Shelf.WAITING)
    assert [reports.oldest(each) for each in shelves] == [START + 3, START + 1, None]


async def test_rpt3_the_oldest_make_room_on_a_shelf(reopen: Reopen) -> None:
    reports = reopen().reports
    given = [report(number, b"x" * 100) for number in range(4)]
    given.append(report(4, b"x" * 250))
    given.append(report(5, b"x" * 999))
    bounds = ReportBounds(reports=3, octets=350)
    for each in given:
        await reports.accept([each])
        settled = [SettledReport(id=each.id, keep=Shelf.REVIEW)]
        await reports.settle(settled, bounds=bounds)
        count = reports.count(Shelf.REVIEW)
        assert count.reports <= 3
        assert count.octets <= 350
        if each is given[3]:
            assert [kept.id for kept in reports.kept(Shelf.REVIEW, b"", 9)] == [
                report_id(number) for number in (1, 2, 3)
            ]
    # One that is larger than the shelf moves nobody
    assert [each.id for each in reports.kept(Shelf.REVIEW, b"", 9)] == [report_id(3), report_id(4)]


async def test_the_log_says_how_a_message_was_accepted(reopen: Reopen) -> None:
    spool = reopen()
    first, second = report_id(7), report_id(9)
    await spool.accept([submission(first, ("al@example.net", "bob@example.net"), tenant="acme")])
    await spool.accept([submission(second, accepted=START + 9)])
    found = await spool.reports.find_accepted(first)
    assert found is not None
    assert (found.recipients, found.tenant) == (("al@example.net", "bob@example.net"), "acme")
    assert await spool.reports.find_accepted(report_id(8)) is None
    long_ago = MessageId(bytes(16))
    assert await spool.reports.find_accepted(long_ago) is None


@pytest.mark.parametrize("late_ms", [-30_000, -1001, 0, 1001, 30_000])
async def test_a_message_is_found_though_clocks_differ(reopen: Reopen, late_ms: int) -> None:
    """Its id and its acceptance may be of two clocks."""
    spool = reopen()
    accepted = START + 100_000 + late_ms
    before = [submission(report_id(at), accepted=at + START) for at in range(0, 60_000, 5000)]
    wanted = submission(report_id(100_000), accepted=accepted)
    after = [submission(report_id(at), accepted=at + START) for at in range(140_000, 200_000, 5000)]
    await spool.accept([*before, wanted, *after])
    found = await spool.reports.find_accepted(report_id(100_000))
    assert found is not None
    assert found.at == accepted


async def test_a_full_disk_takes_no_report(tmp_path: Path) -> None:
    config = Queue(partitions=2, map_octets=1 << 17, min_free_octets=1 << 48, sync=False)
    spool = LmdbSpool.open(tmp_path, config, FakeClock())
    try:
        with pytest.raises(QueueFullError):
            await spool.reports.accept([report(1)])
    finally:
        spool.close()


async def test_a_damaged_report_stops_nobody_and_verify_names_it(tmp_path: Path) -> None:
    spool = LmdbSpool.open(tmp_path, CONFIG, FakeClock())
    try:
        await spool.reports.accept([report(1), report(2)])
        env = spool._env
        txn = env.begin_write()
        key = report_key(Shelf.WAITING, report_id(1))
        raw = txn.get(key, db=env.report) or b""
        txn.put(key, raw[:-2] + b"!!", db=env.report)
        txn.commit()
        env.end_write()
        damaged, sound = spool.reports.pending(10, MANY)
        assert (damaged.id, damaged.via, damaged.content) == (report_id(1), DAMAGED, b"")
        assert sound == report(2)
        await spool.reports.settle([SettledReport(id=each.id) for each in (damaged, sound)])
        assert spool.reports.pending(10, MANY) == []
        await spool.reports.accept([report(3)])
        txn = env.begin_write()
        txn.put(report_key(Shelf.WAITING, report_id(3)), b"\x01?", db=env.report)
        txn.commit()
        env.end_write()
    finally:
        spool.close()
    found = await asyncio.to_thread(verify, tmp_path, CONFIG, lambda *_: None)
    assert found.faults == 1
