"""Mirrors angarium/service/platform/standing.py, standing_facts.py, standing_answers.py, delivery_finder.py and
sender_breaker.py, on a real queue.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.config.schema import Breaker as Limits
from angarium.config.schema import Config, Queue, Server
from angarium.host.unix_socket import PeerUser
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.standing import AskStanding, ResumeSender, SubjectStanding
from angarium.queue import (
    Actor,
    Affected,
    Attempt,
    Commit,
    Complained,
    Deferred,
    Done,
    Event,
    Filter,
    LmdbSpool,
    MessageId,
    MessageIdGenerator,
    QueueFullError,
    ReportBounced,
    SenderPaused,
    SenderResumed,
    UnixMs,
    Unsubscribed,
)
from angarium.queue.model import PartitionNumber
from angarium.reputation.breaker import Breaker
from angarium.reputation.figures import Kind, Subject, Tally
from angarium.service.admin_socket import Asker
from angarium.service.platform import event_follower, standing
from angarium.service.platform.delivery_finder import DeliveryFinder
from angarium.service.platform.event_follower import EventFollower
from angarium.service.platform.sender_breaker import ACTOR, AGAIN_MS, SenderBreaker
from angarium.service.platform.standing import Standing
from angarium.service.platform.standing_answers import StandingAnswers
from tests.queue.samples import FAR, FakeClock, submission

ASKER = Asker(PeerUser(pid=1, uid=os.getuid()), None)  # type: ignore[arg-type]
P0 = PartitionNumber(0)
NO_USER = "550 5.1.1 user unknown"
LIMITS = Limits(bounces_at_least=20, pause_s=3600)
CONFIG = Config(server=Server(hostname="mx1.example.com"))


class NoWatch:
    """What StandingAnswers needs of a watch that has found nothing."""

    listings: tuple[()] = ()
    zones: tuple[()] = ()


class Process:
    """A server's queue, with what its platform process knows of standing; ``crash`` and go on."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.path = path
        self.clock = clock
        self.limits = LIMITS
        self._seed = 0
        self._partition: Any = None
        self.sent: list[tuple[MessageId, int]] = []
        self.open()

    def open(self) -> None:
        config = Queue(partitions=1, min_free_octets=0)
        self.spool = LmdbSpool.open(self.path, config, self.clock)
        self._seed += 1
        self._ids = MessageIdGenerator(self.clock, random.Random(self._seed).randbytes)
        queue = self.spool.administration
        finder = DeliveryFinder(self.spool.events)
        self.breaker = SenderBreaker(Breaker(self.limits), queue, self.clock)
        self.standing = Standing(self.breaker, finder, self.spool.keepsakes, self.clock)
        self.follower = EventFollower(self.spool.events, self.standing)
        watch: Any = NoWatch()
        self.answers = StandingAnswers(self.standing, watch, queue, CONFIG, self.clock)
        self._partition = None

    def crash(self) -> None:
        """Nothing of what is in memory is written."""
        self.spool.close()
        self.open()

    async def follow(self) -> None:
        """Handle all that is there, and write it."""
        stop = asyncio.Event()
        stop.set()
        await self.follower.register()
        self.clock.now += standing.WRITE_EVERY_MS
        await self._run()
        self.clock.now += standing.WRITE_EVERY_MS
        await self._run()

    async def _run(self) -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(self.follower.run(stop))
        await asyncio.sleep(0.01)
        stop.set()
        await asyncio.wait_for(task, 20)

    async def send(
        self,
        *,
        delivered: int = 0,
        dead: int = 0,
        deferred: str = "",
        tenant: str = "acme",
        campaign: str = "",
        sender: str = "news@acme.example",
    ) -> None:
        total = delivered + dead + bool(deferred)
        mail = submission(
            self._ids(),
            [f"r{number}@site.example" for number in range(total)],
            tenant=tenant,
            campaign=campaign,
            sender=sender,
            accepted=self.clock.now,
        )
        await self.spool.accept([mail])
        if self._partition is None:
            self._partition = await self.spool.own(P0, "n")
        heads = self._partition.due(self.clock(), 1000).heads
        heads = [each for each in heads if each.id.message_id == mail.message_id]
        (claimed,) = await self._partition.claim(heads)
        settled: list[Any] = []
        for each in claimed.recipients[:delivered]:
            settled.append(Done(id=each.id, outcome="delivered", attempt=self._attempt("250 ok")))
            self.sent.append((each.id.message_id, each.id.index))
        settled += [
            Done(id=each.id, outcome="bounced", attempt=self._attempt(NO_USER))
            for each in claimed.recipients[delivered : delivered + dead]
        ]
        if deferred:
            attempt = self._attempt(deferred)
            settled.append(Deferred(id=claimed.recipients[-1].id, due=UnixMs(FAR), attempt=attempt))
        await self._partition.commit(Commit(settled=tuple(settled)))

    async def come_back(self, *events: Event) -> None:
        await self.spool.keepsakes.write({}, events)  # type: ignore[arg-type]

    def complaint(
        self, number: int = -1, feedback_type: str = "abuse", **fields: Any
    ) -> Complained:
        message_id, index = self.sent[number]
        usual = {
            "at": self.clock(),
            "message_id": message_id,
            "tenant": "acme",
            "stream": "news",
            "campaign": "",
            "index": index,
            "recipient": f"r{index}@site.example",
            "sender_domain": "acme.example",
            "report": b"r" * 16,
            "feedback_type": feedback_type,
            "host": "192.0.2.1",
        }
        return Complained(**{**usual, **fields})

    def tally(self, kind: Kind, name: str) -> Tally | None:
        return self.standing.figures.tally(Subject(kind=kind, name=name), "day", self.clock())

    async def asked(self, kind: Kind, name: str) -> SubjectStanding:
        (found,) = (await self.answers.tell(AskStanding(kind=kind, name=name), ASKER)).subjects
        return found

    async def paused(self) -> list[tuple[str, str]]:
        found = (await self.answers.tell(AskStanding(), ASKER)).paused
        return [(each.tenant, each.campaign) for each in found]

    def events(self, *kinds: type) -> list[Any]:
        found = [each.event for each in self.spool.events.read(0, 100_000)]
        return [each for each in found if isinstance(each, kinds)]

    async def states(self) -> dict[str, int]:
        page = await self.spool.administration.page(Filter(), None, 1000)
        found: dict[str, int] = {}
        for each in page.entries:
            key = f"{each.tenant} {each.campaign} {each.state}"
            found[key] = found.get(key, 0) + 1
        return found

    async def claimable(self) -> list[str]:
        """Return whose mail an attempt begins for, of all that is due."""
        if self._partition is None:
            self._partition = await self.spool.own(P0, "n")
        claimed = await self._partition.claim(self._partition.due(self.clock(), 1000).heads)
        return [each.tenant for each in claimed]

    async def accept(self, tenant: str, campaign: str = "") -> None:
        mail = submission(self._ids(), tenant=tenant, campaign=campaign, accepted=self.clock.now)
        await self.spool.accept([mail])

    def _attempt(self, reply: str) -> Attempt:
        code, _, text = reply.partition(" ")
        return Attempt(
            at=self.clock(),
            host="mx.site.example",
            address="192.0.2.1",
            source="ip1",
            code=int(code),
            enhanced=text.partition(" ")[0] if text[:1].isdigit() else "",
            text=reply,
            tls="",
            stage="final_dot",
            provider="gmail",
        )


@pytest.fixture
async def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    monkeypatch.setattr(event_follower, "ACK_S", 0.0)
    found = Process(tmp_path / "queue", FakeClock())
    yield found
    found.spool.close()


# --- figures ----------------------------------------------------------------------------------


async def test_outcomes_count_for_all_whose_mail_it_was(process: Process) -> None:
    await process.send(delivered=3, dead=1, deferred="451 4.7.1 greylisted", campaign="spring")
    await process.follow()
    found = process.tally("tenant", "acme")
    assert found is not None
    assert (found.delivered, found.sent, found.bounced) == (3, 4, {"user_unknown": 1})
    assert sum(found.deferred.values()) == 1
    whose: list[tuple[Kind, str]] = [
        ("source", "ip1"),
        ("provider", "gmail"),
        ("path", "ip1 at gmail"),
        ("campaign", "acme/spring"),
        ("domain", "acme.example"),
    ]
    assert [process.tally(*each) for each in whose] == [found] * 5


async def test_notices_of_our_own_are_no_tenants_mail(process: Process) -> None:
    await process.send(delivered=1, dead=30, sender="", tenant="acme")
    await process.follow()
    assert process.tally("tenant", "acme") is None
    source = process.tally("source", "ip1")
    assert source is not None
    assert source.sent == 31
    assert await process.paused() == []


async def test_what_an_operator_returned_counts_for_nobody(process: Process) -> None:
    await process.accept("acme")
    notify: Any = lambda message, attempt: None  # noqa: E731
    await process.spool.administration.bounce(Filter(tenants=("acme",)), Actor(who="root"), notify)
    await process.follow()
    assert process.tally("tenant", "acme") is None


async def test_what_comes_back_is_joined_with_its_delivery(process: Process) -> None:
    await process.send(delivered=4)
    await process.come_back(
        process.complaint(0),
        process.complaint(1, feedback_type="not-spam"),
        process.complaint(2, index=-1),  # known by its address only
    )
    common = msgspec.structs.asdict(process.complaint(3))
    del common["feedback_type"]
    bounced = ReportBounced(
        **common, status="5.1.1", bounce_class="user_unknown", effect="suppress", reply="no"
    )
    del common["host"]
    await process.come_back(bounced, Unsubscribed(**common, how="mail"))
    await process.follow()
    whose: list[tuple[Kind, str]] = [
        ("source", "ip1"),
        ("path", "ip1 at gmail"),
        ("tenant", "acme"),
        ("domain", "acme.example"),
    ]
    for each in whose:
        found = process.tally(*each)
        assert found is not None, each
        assert (found.delivered, found.complained, found.unsubscribed) == (4, 2, 1)
        assert (found.returned, found.sent) == ({"user_unknown": 1}, 4)


async def test_of_a_delivery_that_is_not_kept_the_tenant_is_judged_all_the_same(
    process: Process,
) -> None:
    await process.send(delivered=1)
    process.clock.now += 60_000
    await process.accept("other")
    await process.follow()
    assert await process.spool.events.trim(UnixMs(process.clock.now - 30_000), 1000) == 2
    await process.come_back(process.complaint())
    await process.follow()
    tenant, source = process.tally("tenant", "acme"), process.tally("source", "ip1")
    assert tenant is not None
    assert source is not None
    assert (tenant.complained, source.complained) == (1, 0)


async def test_std1_each_event_counts_once_whatever_crashes(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_follower, "BATCH", 7)
    chance = random.Random(5)
    delivered = 0
    for _ in range(12):
        number = chance.randrange(1, 9)
        await process.send(delivered=number, tenant=chance.choice(["acme", "beta"]))
        delivered += number
        await process.follower.register()
        await process.follower._begin(asyncio.Event())
        for _ in range(chance.randrange(4)):
            process.clock.now += chance.choice([0, standing.WRITE_EVERY_MS])
            # Or what is written is not acknowledged when we die
            monkeypatch.setattr(event_follower, "ACK_S", chance.choice([0.0, 1e9]))
            await process.follower.step()
        if chance.random() < 0.7:
            process.crash()
    process.crash()
    monkeypatch.setattr(event_follower, "ACK_S", 0.0)
    await process.follow()
    found = process.tally("source", "ip1")
    assert found is not None
    assert found.delivered == delivered
    await process.follow()
    assert process.tally("source", "ip1") == found


async def test_nothing_is_acknowledged_that_is_not_written(process: Process) -> None:
    await process.send(delivered=1)
    await process.follower.register()
    await process.follower._begin(asyncio.Event())
    process.standing._write_at = process.clock.now + 1
    await process.follower.step()
    assert process.spool.events.consumers()["standing"] == 0
    process.clock.now += 1
    await process.follower.step()  # nothing new comes, but what was kept back is written
    assert process.spool.events.consumers()["standing"] == process.spool.events.last()


# --- the breaker ------------------------------------------------------------------------------


async def stop_acme(process: Process, campaign: str = "") -> None:
    await process.send(delivered=90, dead=10, campaign=campaign)
    await process.accept("acme", campaign)
    await process.accept("other", campaign)
    await process.follow()


async def test_who_bounces_too_much_is_stopped_in_words(process: Process) -> None:
    await stop_acme(process)
    (event,) = process.events(SenderPaused)
    assert (event.tenant, event.campaign) == ("acme", "")
    assert event.reason == "10 of 100 recipients do not exist (10.00 %, the limit is 10 %)"
    (rule,) = process.spool.administration.hold_rules()
    assert (rule.id, rule.tenant, rule.who) == (event.rule, "acme", ACTOR)
    assert rule.why.startswith(f"tenant paused for 1h: {event.reason}")
    assert rule.until == event.until == rule.since + 3_600_000
    shown = await process.asked("tenant", "acme")
    assert shown.pause is not None
    assert shown.pause.why == event.reason


async def test_a_stop_binds_what_is_there_and_what_comes_later_of_the_tenant_only(
    process: Process,
) -> None:
    await stop_acme(process)
    await process.accept("acme")
    assert await process.claimable() == ["other"]
    assert (await process.states())["acme  held"] == 2


async def test_who_gets_complaints_is_stopped_by_campaign_and_the_tenant_goes_on(
    process: Process,
) -> None:
    await process.send(delivered=100, campaign="spring")
    await process.come_back(*(process.complaint(number, campaign="spring") for number in range(3)))
    await process.accept("acme", "spring")
    await process.accept("acme", "summer")
    await process.follow()
    assert await process.paused() == [("acme", "spring")]
    assert (await process.states())["acme spring held"] == 1
    assert await process.claimable() == ["acme"]


@pytest.mark.parametrize("crashes", [False, True])
async def test_it_is_resumed_by_hand_with_nothing_against_it(
    process: Process, crashes: bool
) -> None:
    await stop_acme(process)
    if crashes:
        process.crash()
        await process.follow()
    answer = await process.answers.resume(
        ResumeSender(tenant="acme", reason="list is clean"), ASKER
    )
    assert isinstance(answer, Affected)
    assert answer.count == 1
    if crashes:
        process.crash()
    await process.follow()
    (event,) = process.events(SenderResumed)
    assert (event.tenant, event.actor, event.reason) == ("acme", ASKER.name, "list is clean")
    assert await process.paused() == []
    assert sorted(await process.claimable()) == ["acme", "other"]
    # What it was stopped for is in the figures, but not against it
    await process.send(delivered=30)
    await process.follow()
    assert await process.paused() == []
    assert len(process.events(SenderPaused)) == 1
    await process.send(delivered=20, dead=20)
    await process.follow()
    assert await process.paused() == [("acme", "")]


async def test_it_is_resumed_by_removing_its_hold_rule_too(process: Process) -> None:
    await stop_acme(process)
    (rule,) = process.spool.administration.hold_rules()
    by = Actor(who="ann", reason="known")
    await process.spool.administration.remove_hold_rule(rule.id, by, release=True)
    await process.follow()
    assert [each.actor for each in process.events(SenderResumed)] == ["ann"]
    assert await process.paused() == []


@pytest.mark.parametrize("crashes", [False, True])
async def test_it_is_resumed_by_time(process: Process, crashes: bool) -> None:
    await stop_acme(process)
    process.clock.now += 3_600_000
    if crashes:
        process.crash()
    await process.spool.administration.expire_hold_rules()
    await process.follow()
    assert [each.actor for each in process.events(SenderResumed)] == ["angarium"]
    assert sorted(await process.claimable()) == ["acme", "other"]
    await process.follow()
    assert await process.paused() == []


async def test_a_release_lets_out_once_what_is_held_and_the_stop_stands(process: Process) -> None:
    await stop_acme(process)
    by = Actor(who="ann")
    await process.spool.administration.act("release", Filter(tenants=("acme",)), by)
    await process.accept("acme")
    await process.follow()
    assert sorted(await process.claimable()) == ["acme", "other"]
    assert await process.paused() == [("acme", "")]
    assert len(process.events(SenderPaused)) == 1


async def test_sbr1_there_is_one_rule_though_we_died_when_it_was_made(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Any:
        raise QueueFullError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(process.spool.keepsakes, "write", full)
        await stop_acme(process)
    assert len(process.spool.administration.hold_rules()) == 1
    assert process.events(SenderPaused) == []
    process.crash()
    await process.follow()
    assert len(process.spool.administration.hold_rules()) == 1
    assert len(process.events(SenderPaused)) == 1
    assert await process.paused() == [("acme", "")]


async def test_who_could_not_be_stopped_for_want_of_room_is_stopped_later(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = process.spool.administration

    async def full(*_: object) -> Any:
        raise QueueFullError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(queue, "add_hold_rule", full)
        await stop_acme(process)
    await process.send(delivered=1, tenant="other")
    await process.follow()
    assert await process.paused() == []  # the disk is left alone for a while
    process.clock.now += AGAIN_MS
    await process.send(delivered=1, tenant="other")
    await process.follow()
    assert await process.paused() == [("acme", "")]


async def test_nobody_is_stopped_where_that_is_off(process: Process) -> None:
    process.limits = Limits(enabled=False)
    process.crash()
    await stop_acme(process)
    assert process.spool.administration.hold_rules() == ()
    assert (await process.asked("tenant", "acme")).score is not None


async def test_only_who_is_paused_can_be_resumed(process: Process) -> None:
    for asked in (ResumeSender(tenant="acme"), ResumeSender(tenant="acme", campaign="x")):
        answer = await process.answers.resume(asked, ASKER)
        assert isinstance(answer, Refused)
        assert answer.reason == "not_found"


async def test_a_warning_is_shown_before_anybody_is_stopped(process: Process) -> None:
    await process.send(delivered=94, dead=6)
    await process.follow()
    shown = await process.asked("tenant", "acme")
    assert shown.warning == "6 of 100 recipients do not exist (6.00 %, the limit is 5 %)"
    assert shown.pause is None
    assert shown.score is not None
    assert shown.score.value == 81
    assert process.events(SenderPaused) == []


async def test_who_is_warned_of_complaints_is_slowed_down_where_they_come_from(
    process: Process,
) -> None:
    process.breaker.exchange(
        msgspec.structs.replace(LIMITS, complaints_warn_percent=2.0, complaints_percent=50.0)
    )
    await process.send(delivered=100)
    await process.come_back(*(process.complaint(number) for number in range(3)))
    await process.follow()
    (slowing,) = process.breaker.take_slowings()
    assert (slowing.tenant, slowing.campaign, slowing.provider) == ("acme", "", "gmail")
    assert (slowing.rate, slowing.pause_s) == ("10/min", LIMITS.pause_s)
    assert slowing.why == "3 of 100 recipients complained (3.00 %, the limit is 2 %)"
    assert process.breaker.take_slowings() == []
    assert await process.paused() == []
