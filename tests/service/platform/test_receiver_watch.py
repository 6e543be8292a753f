"""Mirrors angarium/service/platform/receiver_watch.py, receiver_poll.py and came_back_follower.py."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from angarium.config.schema import Config, ReceiverReports, Server
from angarium.queue import (
    Complained,
    EventCursor,
    MessageId,
    ReportBounced,
    UnixMs,
)
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.reports import ReportedMail, SettledReport, Shelf
from angarium.receiver_reports.asked import TableQuery
from angarium.receiver_reports.report_file import ReportFile, ReportsAwayError
from angarium.receiver_reports.writing import ReportWriter
from angarium.service.platform.came_back_follower import CameBackFollower
from angarium.service.platform.receiver_poll import ReceiverPoll
from angarium.service.platform.receiver_watch import ReceiverWatch
from angarium.simulator.snds import SndsStub
from angarium.telemetry.metrics import Metrics
from tests.queue.samples import FakeClock
from tests.receiver_reports.conftest import Store
from tests.receiver_reports.conftest import store as store
from tests.receiver_reports.samples import NOW, packed_mail


def config(folder: Path, **table: object) -> Config:
    return Config(
        server=Server(hostname="mx.example.com", data_dir=str(folder)),
        receiver_reports=msgspec.convert(table, ReceiverReports),
    )


class House:
    """A queue whose shelves have reports, and who reads them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.spool = MemorySpool(FakeClock(), 2)
        self.metrics = Metrics(CollectorRegistry())
        self.watch = ReceiverWatch(
            config(store.folder),
            self.spool.reports,
            lambda: ReportWriter(ReportFile(store.folder)),
            lambda: NOW,
            self.metrics,
        )
        self._number = 0

    async def keep(self, content: bytes, shelf: Shelf = Shelf.DMARC) -> MessageId:
        self._number += 1
        number = MessageId(self._number.to_bytes(16, "big"))
        mail = ReportedMail(id=number, received=NOW, via="smtp", content=content)
        await self.spool.reports.accept([mail])
        await self.spool.reports.settle([SettledReport(id=number, keep=shelf)])
        return number

    def on(self, shelf: Shelf) -> int:
        return self.spool.reports.count(shelf).reports


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


async def test_a_report_that_came_by_mail_is_read_and_leaves_its_shelf(house: House) -> None:
    """RVM1"""
    await house.keep(packed_mail())
    assert await house.watch.work() == 1
    assert house.store.dmarc("organization") == {"google.com": 1230}
    assert house.on(Shelf.DMARC) == 0
    assert house.metrics.receivers.reports["dmarc", "new"].pending == 1


async def test_a_crash_before_it_left_its_shelf_counts_it_once(house: House) -> None:
    """RVM1"""
    for _ in range(2):
        await house.keep(packed_mail())
        await house.watch.work()
    assert house.store.dmarc("organization") == {"google.com": 1230}
    assert house.metrics.receivers.reports["dmarc", "again"].pending == 1


async def test_a_mail_that_cannot_be_read_goes_to_people_and_keeps_no_other(house: House) -> None:
    """RVM2"""
    await house.keep(b"Subject: Report Domain: x\r\n\r\nhello\r\n")
    await house.keep(packed_mail("yahoo"))
    await house.watch.work()
    assert (house.on(Shelf.DMARC), house.on(Shelf.REVIEW)) == (0, 1)
    assert house.store.dmarc("organization") == {"Yahoo": 400}
    (refused,) = house.store.reader.refusals(10)
    assert "no file of a report" in refused.why
    assert house.metrics.receivers.reports["unreadable", "refused"].pending == 1


async def test_where_nothing_can_be_written_the_mail_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RVM1"""

    def full(*_: object) -> None:
        raise ReportsAwayError("the disk is full")

    await house.keep(packed_mail())
    monkeypatch.setattr(ReportWriter, "add", full)
    with pytest.raises(ReportsAwayError):
        await house.watch.work()
    assert house.on(Shelf.DMARC) == 1


async def test_more_than_one_lot_is_read_until_nothing_is_left(house: House) -> None:
    for _ in range(25):
        await house.keep(packed_mail())
    done = 0
    while number := await house.watch.work():
        done += number
    assert done == 25


# --- polls ---


@pytest.fixture
async def stub() -> AsyncIterator[SndsStub]:
    found = SndsStub()
    await found.start()
    yield found
    await found.close()


class Clock:
    now = NOW

    def __call__(self) -> UnixMs:
        return UnixMs(self.now)


def poll_of(stub: SndsStub, folder: Path, clock: Clock) -> ReceiverPoll:
    path = folder / "snds.json"
    path.write_bytes(stub.key_file())
    path.chmod(0o600)
    settings = config(folder, snds_key_file=str(path), snds_url=stub.url)
    metrics = Metrics(CollectorRegistry())
    return ReceiverPoll(settings, lambda: ReportFile(folder), clock, metrics)


async def test_a_provider_is_asked_daily_and_not_again_after_a_restart(
    stub: SndsStub, store: Store
) -> None:
    """RVP1"""
    clock = Clock()
    await poll_of(stub, store.folder, clock).turn()
    assert len(stub.grants) == 1
    again = poll_of(stub, store.folder, clock)
    clock.now = UnixMs(NOW + 86_399_999)
    await again.turn()
    assert len(stub.grants) == 1
    clock.now = UnixMs(NOW + 86_400_000)
    # It has another refresh token by now, and the key file the first one
    await again.turn()
    assert len(stub.grants) == 2


async def test_a_failure_is_noted_and_tried_again_sooner(stub: SndsStub, store: Store) -> None:
    """RVP1"""
    clock = Clock()
    poll = poll_of(stub, store.folder, clock)
    stub.faults = [500]
    await poll.turn()
    (state,) = store.reader.polls()
    assert (state.succeeded, state.failures) == (None, 1)
    assert "HTTP 500" in state.problem
    clock.now = UnixMs(NOW + 600_000)
    await poll.turn()
    (state,) = store.reader.polls()
    assert (state.succeeded, state.failures) == (NOW + 600_000, 0)


async def test_another_account_is_asked_at_once(stub: SndsStub, store: Store) -> None:
    clock = Clock()
    poll = poll_of(stub, store.folder, clock)
    task = asyncio.create_task(poll.run())
    async with asyncio.timeout(10):
        while len(stub.grants) < 1:
            await asyncio.sleep(0.01)
    other = config(
        store.folder, snds_key_file=str(store.folder / "snds.json"), snds_url=stub.url, keep_days=5
    )
    poll.exchange(other)
    async with asyncio.timeout(10):
        while len(stub.grants) < 2:
            await asyncio.sleep(0.01)
    task.cancel()


# --- what came back ---


def complaint(number: int, **fields: object) -> Complained:
    given: dict[str, object] = {
        "at": NOW,
        "message_id": MessageId(bytes(16)),
        "tenant": "default",
        "stream": "bulk",
        "campaign": "",
        "index": 0,
        "recipient": "a@oak.example",
        "sender_domain": "example.com",
        "report": number.to_bytes(16, "big"),
        "feedback_type": "abuse",
        "host": "",
    }
    return Complained(**given | fields)  # type: ignore[arg-type]


def bounce() -> ReportBounced:
    fields = {
        name: getattr(complaint(0), name)
        for name in complaint(0).__struct_fields__
        if name not in ("feedback_type", "host")
    }
    return ReportBounced(
        **fields,
        status="5.1.1",
        bounce_class="user_unknown",
        effect="suppress",
        reply="no such user",
        host="",
    )


class Nobody:
    """Finds no delivery: its events are kept no more."""

    async def find(self, feedback: Sequence[object]) -> list[None]:
        return [None] * len(feedback)


async def followed(house: House, *, batches: int = 1) -> CameBackFollower:
    follower = CameBackFollower(
        config(house.store.folder),
        house.spool.events,
        Nobody(),  # type: ignore[arg-type]
        lambda: ReportFile(house.store.folder),
        lambda number: b"q" * number,
    )
    cursor: EventCursor = await house.spool.events.register(follower.name)
    position = await follower.begin(cursor)
    for _ in range(batches):
        await follower.handle(house.spool.events.read(position, 500))
    return follower


async def test_complaints_and_bounces_are_counted_once_by_class_whatever_is_restarted(
    house: House,
) -> None:
    """RCW1"""
    events = [complaint(1), complaint(2, feedback_type="not-spam"), bounce(), bounce()]
    await house.spool.reports.settle([], (), events)
    for _ in range(3):
        await followed(house, batches=2)
    query = TableQuery(by="class", first=0, end=2**20)
    page = house.store.reader.came_back(query)
    assert {each.key: sum(each.counts.values()) for each in page.rows} == {
        "bounce: user_unknown": 2,
        "complaint: abuse": 1,
        "other: not-spam": 1,
    }
    assert page.total == {"complaints": 1, "bounces": 2, "others": 1}
