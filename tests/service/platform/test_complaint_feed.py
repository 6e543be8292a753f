"""Mirrors angarium/service/platform/complaint_feed.py and complaint_answers.py: from event to rules and warm-ups."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from angarium.config.schema import Config, Rule, Server, Source, Warmup
from angarium.host.unix_socket import PeerUser
from angarium.insight.admin.complaints import HearComplaints, SlowSenders, ToldComplaint
from angarium.queue import EventCursor, UnixMs
from angarium.reputation.health import Counts
from angarium.reputation.reply_rules import Reach
from angarium.reputation.rule_engine import Ceilings
from angarium.reputation.slowing import Slowing
from angarium.service.admin_socket import AdminSocket, Asker
from angarium.service.delivery.complaint_answers import ComplaintAnswers
from angarium.service.delivery.observer import DeliveryObserver
from angarium.service.delivery.parts import DeliverySetup
from angarium.service.platform import complaint_feed
from angarium.service.platform.complaint_feed import ComplaintFeed, Listeners, NotHeardError
from angarium.service.platform.delivery_finder import DeliveryFinder
from angarium.service.platform.event_follower import NotNowError
from angarium.service.platform.slowing_feed import SlowingFeed
from angarium.telemetry.metrics import Metrics
from tests.queue.samples import FakeClock
from tests.service.platform.test_standing import Process

ASKER = Asker(PeerUser(pid=1, uid=0), None)  # type: ignore[arg-type]
NOW = UnixMs(1_800_000_000_000)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    found = Process(tmp_path / "queue", FakeClock())
    yield found
    found.spool.close()


class DeliveryProcesses:
    """Hears what is told; ``silent``: so many times it is not there."""

    def __init__(self, silent: int = 0) -> None:
        self.silent = silent
        self.told: list[HearComplaints] = []

    async def tell(self, complaints: HearComplaints) -> None:
        if self.silent:
            self.silent -= 1
            raise NotHeardError("it starts")
        self.told.append(complaints)


def feed_of(process: Process, processes: DeliveryProcesses) -> ComplaintFeed:
    finder = DeliveryFinder(process.spool.events)
    return ComplaintFeed(finder, processes.tell)


async def test_a_complaint_is_told_with_how_its_mail_had_left(process: Process) -> None:
    await process.send(delivered=3)
    await process.come_back(
        process.complaint(0), process.complaint(1, feedback_type="not-spam"), process.complaint(2)
    )
    processes = DeliveryProcesses()
    feed = feed_of(process, processes)
    assert await feed.begin(EventCursor(position=7)) == 7
    batch = process.spool.events.read(0, 100)
    await feed.handle(batch)
    last = batch[-1].sequence
    (asked,) = processes.told
    assert asked.complaints == tuple(
        ToldComplaint(sequence=each, source="ip1", provider="gmail", at=process.clock())
        for each in (last - 2, last)
    )


async def test_cf1_what_was_not_heard_is_told_again_with_the_same_number(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complaint_feed, "TOLD_AT_ONCE", 2)
    await process.send(delivered=5)
    await process.come_back(*(process.complaint(number) for number in range(5)))
    processes = DeliveryProcesses(silent=1)
    feed = feed_of(process, processes)
    batch = process.spool.events.read(0, 100)
    with pytest.raises(NotHeardError):
        await feed.handle(batch)
    assert processes.told == []
    await feed.handle(batch)
    assert [len(each.complaints) for each in processes.told] == [2, 2, 1]
    await feed.handle(batch)
    assert processes.told[:3] == processes.told[3:]


async def test_what_was_never_delivered_is_told_to_nobody(process: Process) -> None:
    await process.send(dead=1)
    process.sent = [(process.spool.events.read(0, 1)[0].event.message_id, 0)]
    await process.come_back(process.complaint())
    processes = DeliveryProcesses()
    await feed_of(process, processes).handle(process.spool.events.read(0, 100))
    assert processes.told == []


def told(*sequences: int, provider: str = "gmail") -> HearComplaints:
    return HearComplaints(
        tuple(
            ToldComplaint(sequence=each, source="ip1", provider=provider, at=NOW)
            for each in sequences
        )
    )


async def test_ca1_what_is_told_again_counts_once() -> None:
    heard: list[tuple[str, str]] = []
    answers = ComplaintAnswers(
        lambda provider: provider == "gmail",
        lambda source, provider, _: heard.append((source, provider)),
        lambda *_: None,
        lambda: NOW,
    )
    assert (await answers.hear(told(3, 5), ASKER)).count == 2
    assert (await answers.hear(told(3, 5, 6), ASKER)).count == 1
    assert (await answers.hear(told(7, provider="yahoo"), ASKER)).count == 0  # another process's
    assert heard == [("ip1", "gmail")] * 3


SLOWING = Slowing(
    tenant="acme", campaign="", provider="gmail", rate="10/min", pause_s=60.0, why="3 of 100"
)
RULE = Rule(
    name="complaint-share-suspend",
    sweep="complaints",
    percent=0.3,
    at_least=20_000,
    period_s=86_400,
    duration_s=3600,
)


async def test_the_rules_and_the_warm_ups_of_a_delivery_process_hear_of_it(
    process: Process,
) -> None:
    config = Config(
        server=Server(hostname="mx1.example.com"),
        source=(Source(name="ip1"),),
        rule=(RULE,),
        warmup=(Warmup(source="ip1", messages_per_hour=(1000, 2000)),),
    )
    metrics = Metrics(CollectorRegistry())
    partition = await process.spool.own(process.spool.partitions()[0], "n")
    setup = DeliverySetup(
        config,
        process.spool,
        {process.spool.partitions()[0]: partition},
        DeliveryObserver(metrics),
        process.clock,
        random.Random(1),
    )
    try:
        answers = ComplaintAnswers(setup.owns, setup.complained, setup.slow, process.clock)
        warmup = setup.warmups.find("ip1", "gmail", process.clock())
        assert warmup is not None
        warmup.told(Counts(delivered=100_000), process.clock())
        for sequence in range(1, 101):
            await answers.hear(told(sequence), ASKER)
        await answers.slow(SlowSenders((SLOWING,)), ASKER)
        (slowed,) = setup.rules.in_force(process.clock())
        assert (slowed.rule, slowed.reach) == (
            "complaint-breaker",
            Reach("acme", "tenant", "gmail"),
        )
        assert setup.rules.undo("complaint-breaker", process.clock()) == [slowed]
        (shown,) = setup.warmups.statuses(process.clock())
        assert (shown.provider, shown.counts.complained) == ("gmail", 100)
        assert setup.warmups.changes()  # and will be written
        # 100 of 20,000 is 0.5 %: the share is looked at with the next delivery
        setup.rules.sent(
            "ip1",
            "gmail",
            delivered=20_000,
            bounced=0,
            ceilings=Ceilings(connections=10, messages_per_connection=100),
            now=process.clock(),
        )
        (effect,) = setup.rules.in_force(process.clock())
        assert effect.rule == "complaint-share-suspend"
        assert effect.reply == "100 complaints of 20000 messages"
    finally:
        setup.close()
        await setup.dns.close()


# --- over the admin socket ----------------------------------------------------------------------


def hearing(heard: list[int]) -> ComplaintAnswers:
    return ComplaintAnswers(
        lambda _: True, lambda *_: heard.append(1), lambda *_: None, lambda: NOW
    )


async def test_every_delivery_process_hears_of_it_also_one_that_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complaint_feed, "TRY_AGAIN_S", 0.01)
    monkeypatch.setattr(complaint_feed, "TRIES", 100_000)
    (tmp_path / "run").mkdir()
    first, second = AdminSocket(tmp_path, "delivery-0"), AdminSocket(tmp_path, "delivery-1")
    heard: tuple[list[int], list[int]] = ([], [])
    listeners = Listeners(tmp_path, ["delivery-0", "delivery-1"], asyncio.Event())
    await first.open()
    async with first.answering(hearing(heard[0]).handlers()):
        telling = asyncio.create_task(listeners.tell(told(1, 2)))
        async with asyncio.timeout(30):
            while not heard[0]:
                await asyncio.sleep(0.01)
        assert not telling.done()
        await second.open()
        async with second.answering(hearing(heard[1]).handlers()):
            await asyncio.wait_for(telling, 30)
    await first.close()
    await second.close()
    assert heard == ([1, 1], [1, 1])


async def test_a_server_that_stops_waits_for_nobody(tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(NotNowError):
        await asyncio.wait_for(Listeners(tmp_path, ["delivery-0"], stop).tell(told(1)), 30)


async def test_delivery_processes_hear_whom_to_slow_down_and_take_their_own() -> None:
    slowed: list[Slowing] = []
    answers = ComplaintAnswers(
        lambda provider: provider == "gmail",
        lambda *_: None,
        lambda slowing, _: slowed.append(slowing),
        lambda: NOW,
    )
    asked: list[int] = []
    waiting = [SLOWING, msgspec.structs.replace(SLOWING, provider="yahoo")]

    async def tell(told: SlowSenders) -> None:
        asked.append((await answers.slow(told, ASKER)).count)

    def take() -> list[Slowing]:
        taken, waiting[:] = list(waiting), []
        return taken

    feed = SlowingFeed(take, tell)
    await feed.tell()
    await feed.tell()
    assert (asked, slowed) == ([1], [SLOWING])


async def test_a_delivery_process_that_does_not_hear_it_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def tell(told: SlowSenders) -> None:
        raise NotHeardError("it starts")

    await SlowingFeed(lambda: [SLOWING], tell).tell()
    assert [each.message for each in caplog.records] == ["senders_not_slowed"]


async def test_whom_to_slow_down_is_told_to_nobody_once_the_server_stops(tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    listeners = Listeners(tmp_path, ["delivery-0"], stop)
    await asyncio.wait_for(SlowingFeed(lambda: [SLOWING], listeners.tell).tell(), 30)
