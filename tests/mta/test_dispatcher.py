"""Mirrors angarium/mta/dispatcher.py and egress_queue.py: real parts, the in-memory queue, and scripted peers."""

import asyncio
import contextlib
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from email import message_from_bytes
from typing import Any

import msgspec
import pytest

from angarium.config.schema import Delivery, DeliveryTimeouts, Provider
from angarium.mta import pulling_in
from angarium.mta.dispatcher import DeliveryParts, Dispatcher
from angarium.mta.draining import DrainBounds
from angarium.mta.dsn import dsn_for
from angarium.mta.egress import suspension
from angarium.mta.egress.next_host import NEXT_HOSTS
from angarium.mta.egress.packing import Packer
from angarium.mta.egress.places import Places
from angarium.mta.egress.policy import (
    GO,
    Admission,
    EgressPolicy,
    Elsewhere,
    Traffic,
    Wait,
)
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.record.conclusion import Conclusion
from angarium.mta.record.retry import RetrySchedule
from angarium.mta.record.settler import Settler
from angarium.mta.transport.host_search import HostSearch
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Taken, Transient
from angarium.mta.transport.transfer import (
    ALL_EXTENSIONS,
    EgressPath,
    Extensions,
    TlsPolicy,
    Transfer,
)
from angarium.queue import (
    Attempt,
    Bounced,
    Delivered,
    Expired,
    Filter,
    InDoubt,
    LmdbSpool,
    MessageIdGenerator,
    Origin,
    PartitionNumber,
    Submission,
    UnixMs,
)
from angarium.queue.act import Actor
from angarium.queue.memory.spool import MemorySpool
from angarium.routing.fair_turns import Whose
from angarium.routing.placement import partition_of
from angarium.routing.resolution import MxHost, Resolution, Site, SiteName, Unroutable
from angarium.routing.routing import Routing
from angarium.smtp.envelope import Envelope, Recipient

PARTITIONS = 4
Reply = Callable[[str], Outcome]


def clock() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)


def attempt(code: int = 250, enhanced: str = "2.0.0", stage: str = "final_dot") -> Attempt:
    return Attempt(
        at=clock(),
        host="mx",
        address="192.0.2.1",
        source="default",
        code=code,
        enhanced=enhanced,
        text="said the peer",
        tls="",
        stage=stage,
    )


def accept(_: str) -> Outcome:
    return Taken(attempt())


class Net:
    """Peers of all sites. Counts what a throttle is a ceiling for."""

    def __init__(self) -> None:
        self.reply: Reply = accept
        self.replies_of: dict[str, Reply] = {}  # of a host, instead
        self.refuse: Transient | None = None  # connections
        self.dead: set[str] = set()  # hosts that take none
        self.attempts_at: list[str] = []  # the hosts, in order
        self.sources: list[str] = []  # by which each was tried
        self.open: dict[str, int] = {}
        self.peak: dict[str, int] = {}
        self.most = 0  # at once, of all hosts
        self.connections: list[Connection] = []
        self.delivered: list[tuple[str, tuple[str, ...]]] = []  # host, recipients
        self.contents: list[bytes] = []
        self.begun: list[str] = []  # recipients of transactions
        self.gate = asyncio.Event()  # of transfers
        self.gate.set()
        self.opens = asyncio.Event()
        self.opens.set()
        self.content_sent = False  # before the gate

    def connector_of(self, site: Site) -> "Net":
        return self

    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions = ALL_EXTENSIONS,
        progress: object = None,
    ) -> "Connection | Transient":
        self.sources.append(path.source)
        await self.opens.wait()
        await asyncio.sleep(0)
        self.attempts_at.append(host.name)
        if self.refuse is not None:
            return self.refuse
        if host.name in self.dead:
            return Transient(attempt(0, "4.4.1", "connect"), Scope.SITE)
        self.open[host.name] = self.open.get(host.name, 0) + 1
        self.peak[host.name] = max(self.peak.get(host.name, 0), self.open[host.name])
        self.most = max(self.most, sum(self.open.values()))
        connection = Connection(self, host, address)
        self.connections.append(connection)
        return connection


class Connection:
    offers_dsn = True
    offers_8bit = True

    def __init__(self, net: Net, host: MxHost, address: str) -> None:
        self.net = net
        self.host = host
        self.address = address
        self.is_open = True
        self.transfers = 0
        self.content_sent = False
        self.has_begun = False  # a transfer that waits for the gate
        self.is_silent = False  # it does not answer QUIT
        self.broken = asyncio.Event()

    def room_for(self, _: Transfer) -> int:
        return 0

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        self.net.begun += [each.forward_path for each in transfer.recipients]
        await asyncio.sleep(0)
        if not self.net.gate.is_set():
            self.content_sent, self.has_begun = self.net.content_sent, True
            waits = [asyncio.create_task(each.wait()) for each in (self.net.gate, self.broken)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()
        assert self.is_open
        self.transfers += 1
        if self.broken.is_set():
            self.is_open = False
            lost = Transient(attempt(0, "4.4.2", "mail"), Scope.SESSION)
            return [lost] * len(transfer.recipients)
        by_address = self.net.replies_of.get(self.address, self.net.reply)
        reply = self.net.replies_of.get(self.host.name, by_address)
        outcomes = [reply(each.forward_path) for each in transfer.recipients]
        taken = tuple(
            each.forward_path
            for each, outcome in zip(transfer.recipients, outcomes, strict=True)
            if isinstance(outcome, Taken)
        )
        if taken:
            self.net.delivered.append((self.host.name, taken))
            self.net.contents.append(transfer.header + transfer.body)
        if any(getattr(outcome, "scope", None) is Scope.SESSION for outcome in outcomes):
            self.is_open = False
        return outcomes

    def abort(self) -> None:
        self.broken.set()

    def on_end(self, tell: Callable[[], None] | None) -> None: ...

    async def close(self) -> None:
        await asyncio.sleep(0)
        if self.is_silent:
            await self.broken.wait()
        self.net.open[self.host.name] -= 1
        self.is_open = False


class NoKeys:
    def sign(self, *_: Any) -> None:
        return None


class Resolver:
    """``nx.example`` does not exist; each other domain is its own site, ``a.big`` and ``b.big`` share a provider."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.cache: dict[str, Resolution] = {}
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()

    def find_known(self, domain: str) -> Resolution | None:
        return self.cache.get(domain)

    async def resolve(self, domain: str, whose: Whose) -> Resolution:
        self.asked.append(domain)
        await self.answers.wait()
        if domain == "hosts.example":
            return self._site_of(domain, "a.example", "b.example", "c.example")
        if domain == "addresses.example":  # one host, as a smart host
            addresses = tuple(f"192.0.2.{each}" for each in range(1, 17))
            host = MxHost(name="mx", port=25, preference=0, addresses=addresses)
            site = self._site_of(domain, "mx")
            self.cache[domain] = msgspec.structs.replace(site, hosts=(host,))
            return self.cache[domain]
        if domain == "nx.example":
            return Unroutable(permanent=True, code=550, enhanced="5.1.2", text="no such domain")
        name = domain.split(".", 1)[-1] if domain.endswith(".big") else domain
        host = MxHost(name=f"mx.{domain}", port=25, preference=0, addresses=("192.0.2.1",))
        provider = Provider(
            name=name,
            connections=self.provider.connections,
            messages_per_connection=self.provider.messages_per_connection,
            recipients_per_message=self.provider.recipients_per_message,
            idle_s=self.provider.idle_s,
        )
        site = Site(name=SiteName(domain), hosts=(host,), provider=provider, via="mx", final=True)
        self.cache[domain] = site
        return site

    def _site_of(self, domain: str, *names: str) -> Site:
        hosts = tuple(
            MxHost(name=name, port=25, preference=number, addresses=(f"192.0.2.{number}",))
            for number, name in enumerate(names, 1)
        )
        provider = msgspec.structs.replace(self.provider, name=domain)
        site = Site(name=SiteName(domain), hosts=hosts, provider=provider, via="mx", final=True)
        self.cache[domain] = site
        return site


class Observer:
    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.doubts = 0
        self.mended = 0  # due times

    def connection_opened(self) -> None: ...
    def connection_closed(self) -> None: ...
    def connection_failed(self, failure: Transient) -> None: ...
    def loaded(self, recipients: int) -> None: ...

    def pulled_in(self, recipients: int) -> None:
        self.mended += recipients

    def disk_full(self) -> None:
        raise AssertionError("the disk is not full")

    def in_doubt(self, recipients: int) -> None:
        self.doubts += recipients

    def internal_error(self, where: str, error: BaseException) -> None:
        self.errors.append(error)


class SetClock:
    """The clock of one process, ahead of the others by as much as it is set."""

    ahead_ms = 0

    def __call__(self) -> UnixMs:
        return UnixMs(clock() + self.ahead_ms)


# Of a busy machine: nothing here takes a second
PATIENCE_S = 60


class Rig:
    """One delivery process over a spool, with peers."""

    drain_s = 2.0

    def __init__(
        self, spool: Any, settings: Delivery, provider: Provider, spool_clock: SetClock
    ) -> None:
        self.spool_clock = spool_clock  # of who accepts
        self.clock = SetClock()  # the dispatcher's
        self.spool = spool
        self.settings = settings
        self.provider = provider
        self.net = Net()
        self.observer = Observer()
        self.bounds = DrainBounds(transfers_s=2, last_replies_s=2)
        self.opens_gate = True  # when it is told to stop
        self.new_id = MessageIdGenerator(clock, os.urandom)
        self.resolver = Resolver(provider)
        pools = Pools((), (), Routing((), (), 25), "mx.sender.example")
        self.policy: EgressPolicy = ShapingPolicy(pools)

    async def accept(self, *recipients: str, tenant: str = "default", **more: Any) -> Submission:
        header = b"From: a@sender.example\r\nSubject: x\r\n\r\n"
        given = tuple(
            Recipient(forward_path=each, domain=each.split("@")[1]) for each in recipients
        )
        envelope = Envelope(
            reverse_path=more.pop("reverse_path", "a@sender.example"), recipients=given
        )
        submission = Submission(
            message_id=self.new_id(),
            tenant=tenant,
            envelope=envelope,
            content=header + b"hello\r\n",
            header_octets=len(header),
            header_from="sender.example",
            accepted=more.pop("accepted", clock()),
            expires=more.pop("expires", UnixMs(clock() + 100_000)),
            origin=Origin(kind="submission", listener="test"),
            partitions=tuple(self.hint(each.domain) for each in given),
            **more,
        )
        await self.spool.accept([submission])
        return submission

    def hint(self, domain: str) -> PartitionNumber:
        return partition_of(domain, PARTITIONS)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Dispatcher]:
        partitions = {p: await self.spool.own(p, "test") for p in self.spool.partitions()}
        self.partitions = list(partitions.values())
        randomness = random.Random(7)
        dispatcher = Dispatcher(
            DeliveryParts(
                settings=self.settings,
                partitions=partitions,
                partition_count=PARTITIONS,
                resolver=self.resolver,
                remember_route=lambda domain, site, partition: None,
                policy=self.policy,
                hosts=HostSearch(self.net, lambda *_: TlsPolicy(), clock, randomness),
                packer=Packer(NoKeys(), clock, lambda *_: None),
                settler=Settler(partitions),
                conclusion=Conclusion(
                    RetrySchedule(self.settings),
                    lambda message, reports: dsn_for(
                        message,
                        reports,
                        hostname="mx.sender.example",
                        now=clock(),
                        lifetime_ms=100_000,
                        new_message_id=self.new_id,
                        partition_of=self.hint,
                    ),
                    clock,
                    randomness,
                ),
                suppressions=self.spool.suppressions,
                schedule=RetrySchedule(self.settings),
                observer=self.observer,
                give_way=self.spool.give_way,
                clock=self.clock,
            )
        )
        self.spool.wakeups(dispatcher.ring)
        stop, ready = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(dispatcher.run(stop, ready.set, lambda: self.bounds))
        try:
            await asyncio.wait_for(ready.wait(), PATIENCE_S)
            yield dispatcher
        finally:
            stop.set()
            if self.opens_gate:
                self.net.gate.set()
            await asyncio.wait_for(task, PATIENCE_S)
        assert not self.observer.errors
        assert not any(self.net.open.values())  # every connection was closed

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)

    def due_now(self) -> int:
        """How many recipients are due."""
        return sum(len(each.due(clock(), 100).heads) for each in self.partitions)

    def events(self, kind: type) -> list[Any]:
        return [
            each.event for each in self.spool.events.read(0, 100_000) if type(each.event) is kind
        ]

    def recipients(self) -> list[str]:
        return sorted(each for _, group in self.net.delivered for each in group)


@pytest.fixture(params=["memory", "lmdb"])
async def rig(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Rig]:
    from angarium.config.schema import Queue

    settings = Delivery(retry_s=(0.05, 0.1), greylist_retry_s=(0.05,), poll_s=0.02, retry_jitter=0)
    provider = Provider(name="p", connections=3, idle_s=0.2)
    spool_clock = SetClock()
    spool: Any
    if request.param == "memory":
        spool = MemorySpool(spool_clock, PARTITIONS)
    else:
        spool = LmdbSpool.open(
            tmp_path / "q",
            Queue(partitions=PARTITIONS, min_free_octets=0, map_octets=1 << 26),
            spool_clock,
        )
    yield Rig(spool, settings, provider, spool_clock)
    spool.close()


async def test_what_was_accepted_by_the_clock_before_a_jump_is_found(rig: Rig) -> None:
    """A commit under way when the clock was set ahead becomes visible behind what has been read."""
    async with rig.running():
        rig.clock.ahead_ms = rig.spool_clock.ahead_ms = 3_600_000
        await rig.accept("a@one.example")
        await rig.until(lambda: len(rig.recipients()) == 1)
        rig.spool_clock.ahead_ms = 0  # as of a process that has not seen it yet
        await rig.accept("b@one.example")
        await rig.until(lambda: len(rig.recipients()) == 2)


async def test_mail_of_a_clock_that_was_ahead_is_due_at_once_when_it_is_set_right(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling_in, "AGAIN_S", 0.1)
    rig.spool_clock.ahead_ms = rig.clock.ahead_ms = 7_200_000
    async with rig.running():
        await rig.accept("before@one.example")
        await rig.until(lambda: rig.recipients() == ["before@one.example"])
        rig.clock.ahead_ms = 0  # and then the other process's, which has accepted one more by then
        await rig.accept("new@two.example")
        rig.spool_clock.ahead_ms = 0
        await rig.until(lambda: "new@two.example" in rig.recipients())
        await rig.until(lambda: rig.observer.mended == 1)


async def test_mail_of_a_clock_that_was_ahead_is_found_at_the_start(rig: Rig) -> None:
    rig.spool_clock.ahead_ms = 7_200_000
    await rig.accept("new@one.example")
    rig.spool_clock.ahead_ms = 0
    async with rig.running():
        await rig.until(lambda: rig.recipients() == ["new@one.example"])
        await rig.until(lambda: rig.observer.mended == 1)


async def test_everything_accepted_is_delivered_once_whenever_it_came(rig: Rig) -> None:
    before = [f"u{n}@d{n % 5}.example" for n in range(40)]
    for each in before:
        await rig.accept(each)
    async with rig.running():
        after = [f"v{n}@d{n % 5}.example" for n in range(40)]
        for each in after:
            await rig.accept(each)
        await rig.until(lambda: len(rig.recipients()) == 80)
        await rig.until(lambda: len(rig.events(Delivered)) == 80)
    assert rig.recipients() == sorted(before + after)
    assert sorted(rig.resolver.asked) == [f"d{n}.example" for n in range(5)]


async def test_recipients_of_one_site_share_a_transaction_up_to_its_limit(rig: Rig) -> None:
    rig.resolver.provider = Provider(name="p", recipients_per_message=4, connections=1, idle_s=0.1)
    await rig.accept(*[f"u{n}@one.example" for n in range(10)], "x@two.example")
    async with rig.running():
        await rig.until(lambda: len(rig.recipients()) == 11)
    sizes = sorted(len(group) for host, group in rig.net.delivered if host == "mx.one.example")
    assert sizes == [2, 4, 4]


async def test_a_throttle_is_a_ceiling_over_all_sites_of_a_provider(
    rig: Rig,
) -> None:  # invariant 6
    for n in range(60):
        await rig.accept(f"u{n}@{'ab'[n % 2]}.big")
    async with rig.running():
        await rig.until(lambda: len(rig.recipients()) == 60)
    both = rig.net.peak["mx.a.big"] + rig.net.peak["mx.b.big"]
    assert 2 <= both <= 6
    assert max(rig.net.peak.values()) <= 3


async def test_messages_per_connection_are_never_exceeded(rig: Rig) -> None:  # invariant 6
    rig.resolver.provider = Provider(name="p", messages_per_connection=3, connections=2, idle_s=0.1)
    for n in range(20):
        await rig.accept(f"u{n}@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.recipients()) == 20)
    assert max(each.transfers for each in rig.net.connections) <= 3


async def test_a_transient_reply_is_tried_again_and_never_early(rig: Rig) -> None:
    seen: list[float] = []

    def reply(_: str) -> Outcome:
        seen.append(time.monotonic())
        if len(seen) < 3:
            return Transient(attempt(451, "4.7.1", "rcpt"), Scope.RECIPIENT)
        return Taken(attempt())

    rig.net.reply = reply
    await rig.accept("u@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
    assert seen[1] - seen[0] >= 0.049
    assert seen[2] - seen[1] >= 0.099
    assert rig.events(Delivered)[0].attempts == 3


async def test_a_permanent_refusal_bounces_to_the_sender_and_never_further(rig: Rig) -> None:
    def reply(recipient: str) -> Outcome:
        return Permanent(attempt(550, "5.1.1", "rcpt"), Scope.RECIPIENT)

    rig.net.reply = reply
    await rig.accept("u@one.example")
    async with rig.running():
        # A5: the DSN itself bounces, and that is all
        await rig.until(lambda: len(rig.events(Bounced)) == 2)
        await asyncio.sleep(0.1)
    assert [each.reverse_path for each in rig.events(Bounced)] == ["a@sender.example", ""]


async def test_the_sender_is_told_in_the_transaction_that_ends_the_recipient(rig: Rig) -> None:
    def reply(recipient: str) -> Outcome:
        if recipient == "gone@one.example":
            return Permanent(attempt(550, "5.1.1", "rcpt"), Scope.RECIPIENT)
        return Taken(attempt())

    rig.net.reply = reply
    await rig.accept("gone@one.example", "ok@one.example")
    async with rig.running():
        await rig.until(lambda: "a@sender.example" in rig.recipients())
        await rig.until(lambda: len(rig.events(Delivered)) == 2)
    assert rig.recipients() == ["a@sender.example", "ok@one.example"]
    dsn = message_from_bytes(rig.net.contents[-1])
    assert dsn.get_content_type() == "multipart/report"
    assert b"gone@one.example" in rig.net.contents[-1]


async def test_a_domain_that_does_not_exist_is_bounced_without_a_connection(rig: Rig) -> None:
    await rig.accept("u@nx.example", reverse_path="")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Bounced)) == 1)
    assert rig.events(Bounced)[0].attempt.enhanced == "5.1.2"
    assert rig.net.connections == []


async def test_a_site_that_is_down_defers_what_waits_for_it_and_is_asked_once(rig: Rig) -> None:
    rig.net.refuse = Transient(attempt(0, "4.4.1", "connect"), Scope.SITE)
    for n in range(30):
        await rig.accept(f"u{n}@one.example")
    async with rig.running():
        await rig.until(lambda: sum(1 for _ in rig.events(_deferred())) >= 30)
        rig.net.refuse = None
        await rig.until(lambda: len(rig.recipients()) == 30)
        await rig.until(lambda: len(rig.events(Delivered)) == 30)


def _deferred() -> type:
    from angarium.queue import AttemptFailed

    return AttemptFailed


async def test_what_meets_a_suspended_site_makes_no_attempt_until_an_operator_says_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    day_s = 86_400  # nothing of this is over by itself while a busy machine gets here
    for limit in ("FIRST_MS", "MAX_MS"):
        monkeypatch.setattr(suspension, limit, day_s * 1000)
    rig.settings = msgspec.structs.replace(rig.settings, retry_s=(day_s,))
    expires = UnixMs(clock() + 5 * day_s * 1000)
    rig.net.refuse = Transient(attempt(0, "4.4.1", "connect"), Scope.SITE)
    await rig.accept("first@one.example", expires=expires)
    async with rig.running() as dispatcher:
        await rig.until(lambda: len(rig.events(_deferred())) == 1)
        await rig.accept("second@one.example", expires=expires)
        await rig.until(
            lambda: rig.spool.administration.summary().in_flight == 0 and not rig.due_now()
        )
        assert len(rig.net.attempts_at) == 1
        assert len(rig.events(_deferred())) == 1  # the first one's
        rig.net.refuse = None
        dispatcher.forget_failures()
        by = Actor(who="root", reason="repaired")
        await rig.spool.administration.act("retry", Filter(domains=("one.example",)), by)
        await rig.until(lambda: len(rig.recipients()) == 2)
    attempts = {each.recipient: each.attempts for each in rig.events(Delivered)}
    assert attempts == {"first@one.example": 2, "second@one.example": 1}


async def test_a_connection_that_is_being_opened_begins_anew_when_an_operator_says_so(
    rig: Rig,
) -> None:
    rig.net.opens.clear()  # as a host that drops what it is sent
    await rig.accept("a@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: len(rig.net.sources) == 1)
        rig.net.opens = asyncio.Event()
        rig.net.opens.set()  # for whoever asks anew
        dispatcher.forget_failures()
        await rig.until(lambda: rig.recipients() == ["a@one.example"])
    assert rig.events(_deferred()) == []


async def test_a_session_that_ends_is_replaced_at_once_without_an_attempt_lost(rig: Rig) -> None:
    calls: list[str] = []

    def reply(recipient: str) -> Outcome:
        calls.append(recipient)
        if len(calls) == 1:
            return Transient(attempt(0, "4.4.2", "mail"), Scope.SESSION)
        return Taken(attempt())

    rig.net.reply = reply
    await rig.accept("u@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
    assert len(rig.net.connections) == 2
    assert rig.events(Delivered)[0].attempts == 1


async def test_a_site_that_refused_a_further_connection_is_asked_again_when_none_is_left(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[Transient] = []
    monkeypatch.setattr(rig.observer, "connection_failed", refused.append)
    outcomes: list[Outcome] = [Transient(attempt(0, "4.4.2", "mail"), Scope.SESSION)]
    rig.net.reply = lambda _: outcomes.pop() if outcomes else Taken(attempt())
    rig.net.gate.clear()
    await rig.accept("u0@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.net.connections) == 1)
        rig.net.refuse = Transient(attempt(0, "4.4.1", "connect"), Scope.SITE)
        for n in range(1, 5):
            await rig.accept(f"u{n}@one.example")
        await rig.until(lambda: bool(refused))
        rig.net.refuse = None
        rig.net.gate.set()  # the one connection is lost
        await rig.until(lambda: len(rig.events(Delivered)) == 5)


async def test_a_peer_that_throttles_is_not_asked_again_at_once(rig: Rig) -> None:
    calls: list[str] = []

    def reply(recipient: str) -> Outcome:
        calls.append(recipient)
        if len(calls) == 1:
            return Transient(attempt(421, "4.7.0", "mail"), Scope.SESSION)
        return Taken(attempt())

    rig.net.reply = reply
    await rig.accept("u@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
    assert rig.events(Delivered)[0].attempts == 2


async def test_a_connection_lost_after_the_final_dot_is_not_tried_at_once(
    rig: Rig,
) -> None:  # invariant 3
    calls: list[str] = []

    def reply(recipient: str) -> Outcome:
        calls.append(recipient)
        if len(calls) == 1:
            return Transient(attempt(0, "4.4.2", "final_dot"), Scope.SESSION)
        return Taken(attempt())

    rig.net.reply = reply
    await rig.accept("u@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
    assert [each.in_doubt for each in rig.events(_deferred())] == [1]
    assert [each.in_doubt for each in rig.events(Delivered)] == [1]


def for_now(code: int = 451, enhanced: str = "4.3.0", stage: str = "rcpt") -> Reply:
    scope = Scope.RECIPIENT if stage == "rcpt" else Scope.MESSAGE
    return lambda _: Transient(attempt(code, enhanced, stage), scope)


@pytest.mark.parametrize("connections", [1, 3])
async def test_what_a_host_refuses_for_now_is_tried_at_the_next_one_at_once(
    rig: Rig, connections: int
) -> None:  # RFC 5321 section 5.1
    rig.resolver.provider = Provider(name="p", connections=connections, idle_s=5)
    rig.net.replies_of = {"a.example": for_now(), "b.example": for_now(452, "4.3.1", "final_dot")}
    for n in range(20):
        await rig.accept(f"u{n}@hosts.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 20)
    assert {host for host, _ in rig.net.delivered} == {"c.example"}
    assert rig.net.most <= connections  # invariant 6
    assert not rig.events(_deferred())
    assert sum(rig.net.open.values()) == 0


async def test_recipients_that_the_preferred_host_takes_stay_there(rig: Rig) -> None:
    later = for_now()
    rig.net.replies_of["a.example"] = lambda to: later(to) if "later" in to else accept(to)
    await rig.accept("u@hosts.example", "later@hosts.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 2)
    assert sorted(rig.net.delivered) == [
        ("a.example", ("u@hosts.example",)),
        ("b.example", ("later@hosts.example",)),
    ]


@pytest.mark.parametrize(("code", "enhanced"), [(451, "4.7.1"), (452, "4.2.2"), (421, "4.7.0")])
async def test_what_every_host_would_say_is_asked_of_one_only(
    rig: Rig, code: int, enhanced: str
) -> None:
    rig.net.reply = for_now(code, enhanced)
    await rig.accept("u@hosts.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(_deferred())) == 1)
        assert rig.net.attempts_at == ["a.example"]


async def test_an_attempt_that_all_hosts_refuse_is_one(rig: Rig) -> None:
    rig.settings = msgspec.structs.replace(rig.settings, retry_s=(60,))
    rig.net.reply = for_now()
    await rig.accept("u@hosts.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(_deferred())) == 1)
    assert rig.net.attempts_at == ["a.example", "b.example", "c.example"]
    assert rig.events(_deferred())[0].attempts == 1


async def test_a_next_host_that_is_dead_costs_one_connection_not_one_per_message(rig: Rig) -> None:
    rig.settings = msgspec.structs.replace(rig.settings, retry_s=(60,))
    rig.net.replies_of["a.example"] = for_now()
    rig.net.dead = {"b.example", "c.example"}
    async with rig.running():
        for n in range(10):
            await rig.accept(f"u{n}@hosts.example")
            await rig.until(lambda n=n: len(rig.events(_deferred())) == n + 1)  # type: ignore[misc]
    assert rig.net.attempts_at.count("b.example") == 1
    assert {each.attempt.enhanced for each in rig.events(_deferred())} == {"4.3.0"}  # what a said


async def test_an_only_host_has_its_other_addresses_asked(rig: Rig) -> None:
    rig.net.replies_of = {"192.0.2.1": for_now(), "192.0.2.2": for_now()}
    await rig.accept("u@addresses.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
    assert not rig.events(_deferred())
    assert [each.address for each in rig.net.connections] == [
        *("192.0.2.1", "192.0.2.2", "192.0.2.3"),
    ]


async def test_a_message_that_nobody_takes_costs_few_connections(rig: Rig) -> None:
    rig.settings = msgspec.structs.replace(rig.settings, retry_s=(60,))
    rig.net.reply = for_now()
    await rig.accept("u@addresses.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(_deferred())) == 1)
    assert len(rig.net.connections) == NEXT_HOSTS


async def test_a_host_that_falls_silent_is_not_waited_for_thrice(rig: Rig) -> None:
    rig.settings = msgspec.structs.replace(rig.settings, retry_s=(60,))
    rig.net.reply = lambda _: Transient(attempt(0, "4.4.1", "mail"), Scope.SESSION)
    await rig.accept("u@hosts.example", "u@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(_deferred())) == 2)
    assert sorted(rig.net.attempts_at) == ["a.example", "b.example", "c.example", "mx.one.example"]


async def test_a_host_that_lacks_an_extension_is_not_the_last_word(rig: Rig) -> None:
    rig.net.replies_of["a.example"] = lambda _: Permanent(
        attempt(0, "5.6.3", "ehlo"), Scope.SESSION
    )
    await rig.accept("u@hosts.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
    assert rig.net.delivered == [("b.example", ("u@hosts.example",))]


async def test_mail_on_its_way_to_the_next_host_is_recorded_when_the_server_drains(
    rig: Rig,
) -> None:
    rig.resolver.provider = Provider(name="p", connections=1, idle_s=5)
    rig.net.replies_of["a.example"] = for_now()
    rig.net.gate.clear()
    for n in range(3):
        await rig.accept(f"u{n}@hosts.example")
    async with rig.running():
        await rig.until(lambda: len(rig.net.connections) == 1)
    assert len(rig.events(_deferred())) + rig.observer.doubts <= 3
    assert not rig.events(InDoubt)


async def test_a_host_that_takes_few_recipients_at_once_gets_them_all_at_once(rig: Rig) -> None:
    taken: dict[int, int] = {}

    def ten(_: str) -> Outcome:
        number = rig.net.connections[-1].transfers
        taken[number] = taken.get(number, 0) + 1
        if taken[number] > 10:
            return Transient(attempt(452, "4.5.3", "rcpt"), Scope.RECIPIENT)
        return Taken(attempt())

    rig.resolver.provider = Provider(name="p", connections=1, idle_s=0.2)
    rig.net.reply = ten
    await rig.accept(*[f"u{n}@one.example" for n in range(95)])
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 95)
    assert not rig.events(_deferred())
    assert len(rig.net.delivered) == 10


async def test_expiry_bounces_with_a_notification(rig: Rig) -> None:
    def reply(recipient: str) -> Outcome:
        if recipient == "u@one.example":
            return Transient(attempt(451, "4.3.0", "rcpt"), Scope.RECIPIENT)
        return Taken(attempt())

    rig.net.reply = reply
    await rig.accept("u@one.example", expires=UnixMs(clock() + 150))
    async with rig.running():
        await rig.until(lambda: len(rig.events(Expired)) == 1)
        await rig.until(lambda: rig.recipients() == ["a@sender.example"])


async def test_draining_gives_back_what_has_not_begun(rig: Rig) -> None:
    rig.net.gate.clear()
    for n in range(20):
        await rig.accept(f"u{n}@one.example")
    async with rig.running():
        await rig.until(lambda: sum(rig.net.open.values()) == 3)
    assert len(rig.recipients()) < 20
    async with rig.running():
        await rig.until(lambda: len(rig.recipients()) == 20)
    assert rig.events(InDoubt) == []
    assert rig.observer.doubts == 0
    assert len(set(rig.recipients())) == 20  # QC1


LONG = DrainBounds(transfers_s=1000, last_replies_s=1000)


async def test_draining_drops_at_once_what_waits_for_a_connection(rig: Rig) -> None:
    rig.bounds = LONG
    rig.net.opens.clear()
    await rig.accept("a@one.example", "b@hosts.example")
    async with rig.running():
        await rig.until(lambda: len(rig.net.sources) == 2)
    assert rig.net.attempts_at == []
    rig.net.opens.set()
    async with rig.running():
        await rig.until(lambda: len(rig.recipients()) == 2)
    assert rig.events(_deferred()) == []  # nothing was attempted
    assert rig.observer.doubts == 0


async def test_draining_drops_at_once_what_waits_for_dns(rig: Rig) -> None:
    rig.bounds = LONG
    rig.resolver.answers.clear()
    await rig.accept("a@one.example")
    async with rig.running():
        await rig.until(lambda: rig.resolver.asked == ["one.example"])
    rig.resolver.answers.set()
    async with rig.running():
        await rig.until(lambda: rig.recipients() == ["a@one.example"])
    assert rig.events(_deferred()) == []


async def test_draining_cuts_farewells_that_are_not_answered(rig: Rig) -> None:
    rig.bounds = LONG
    await rig.accept("a@one.example")
    async with rig.running():
        await rig.until(lambda: rig.recipients() == ["a@one.example"])
        (connection,) = rig.net.connections
        connection.is_silent = True
    assert connection.broken.is_set()


async def test_a_transfer_whose_content_is_not_out_is_broken_off_and_not_in_doubt(
    rig: Rig,
) -> None:
    rig.bounds = DrainBounds(transfers_s=0.01, last_replies_s=1000)
    rig.opens_gate = False
    rig.net.gate.clear()
    await rig.accept("a@one.example")
    async with rig.running():
        await rig.until(lambda: any(each.has_begun for each in rig.net.connections))
    (deferred,) = rig.events(_deferred())
    assert deferred.attempt.stage == "mail"
    rig.net.gate.set()
    async with rig.running():
        await rig.until(lambda: rig.recipients() == ["a@one.example"])
    assert rig.observer.doubts == 0


async def test_a_message_that_was_sent_keeps_its_connection_until_its_last_reply(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.bounds = DrainBounds(transfers_s=0.01, last_replies_s=1000)
    rig.opens_gate = False
    rig.net.gate.clear()
    rig.net.content_sent = True
    end_unsent = Places.end_unsent

    def late_reply(places: Places) -> None:
        end_unsent(places)
        rig.net.gate.set()

    monkeypatch.setattr(Places, "end_unsent", late_reply)
    await rig.accept("a@one.example")
    async with rig.running():
        await rig.until(lambda: any(each.content_sent for each in rig.net.connections))
    assert rig.recipients() == ["a@one.example"]
    assert len(rig.events(Delivered)) == 1
    assert rig.observer.doubts == 0


async def test_a_last_reply_that_never_comes_ends_the_drain_in_doubt(rig: Rig) -> None:
    rig.bounds = DrainBounds(transfers_s=0.01, last_replies_s=0.02)
    rig.opens_gate = False
    rig.net.gate.clear()
    rig.net.content_sent = True
    await rig.accept("a@one.example")
    async with rig.running():
        await rig.until(lambda: any(each.content_sent for each in rig.net.connections))
    rig.net.gate.set()
    async with rig.running():
        await rig.until(lambda: rig.recipients() == ["a@one.example"])
    assert rig.observer.doubts == 1


async def test_a_defect_in_one_transfer_defers_that_message_and_harms_no_other(rig: Rig) -> None:
    def reply(recipient: str) -> Outcome:
        if recipient.startswith("poison") and not rig.observer.errors:
            raise RuntimeError("a defect")
        return Taken(attempt())

    rig.net.reply = reply
    await rig.accept("poison@one.example")
    for n in range(10):
        await rig.accept(f"u{n}@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.recipients()) == 11)
        assert [type(each) for each in rig.observer.errors] == [RuntimeError]
        rig.observer.errors.clear()
    assert rig.events(_deferred())[0].attempt.stage == "internal"


async def test_a_small_tenant_is_not_kept_waiting_by_a_large_one(rig: Rig) -> None:
    rig.resolver.provider = Provider(name="p", connections=1, idle_s=0.1)
    for n in range(200):
        await rig.accept(f"bulk{n}@one.example", tenant="bulk")
    await rig.accept("small@one.example", tenant="small")
    async with rig.running():
        await rig.until(lambda: len(rig.recipients()) == 201)
    order = [group[0] for _, group in rig.net.delivered]
    assert order.index("small@one.example") < 20


async def test_a_backlog_larger_than_memory_is_delivered_whole(rig: Rig) -> None:
    rig.settings = Delivery(poll_s=0.02, ready_limit=50, lane_limit=20)
    expected = []
    for n in range(150):
        await rig.accept(f"u{n}@d{n % 7}.example", f"w{n}@d{n % 3}.example")
        expected += [f"u{n}@d{n % 7}.example", f"w{n}@d{n % 3}.example"]
    async with rig.running():
        await rig.until(lambda: len(rig.recipients()) == 300)
    assert rig.recipients() == sorted(expected)


# --- the watchdog


async def test_a_transaction_that_makes_no_end_gives_its_place_to_other_mail(rig: Rig) -> None:
    rig.settings = msgspec.structs.replace(
        rig.settings, poll_s=0.05, timeouts=DeliveryTimeouts(transaction_s=0.2)
    )
    rig.resolver.provider = Provider(name="p", connections=1, idle_s=5)
    rig.net.gate.clear()  # the host says nothing
    await rig.accept("a@one.example")
    async with rig.running():
        await rig.until(lambda: any(each.has_begun for each in rig.net.connections))
        await rig.until(rig.net.connections[0].broken.is_set)
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
    assert sum(rig.net.open.values()) == 0


# --- the policy


class Stopwatch(ShapingPolicy):
    """One transaction per ``interval_ms``, or what ``says`` does."""

    def __init__(self, interval_ms: int) -> None:
        super().__init__(Pools((), (), Routing((), (), 25), "mx.sender.example"))
        self.interval_ms = interval_ms
        self.next = 0
        self.asked = 0
        self.went: list[int] = []  # when each got its Go

    def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        self.asked += 1
        if now < self.next:
            return Wait(UnixMs(self.next), "one at a time")
        self.next = now + self.interval_ms
        self.went.append(now)
        return GO


async def test_a_policy_lets_one_message_per_interval_through_never_early_and_without_spinning(
    rig: Rig,
) -> None:  # Invariant 6
    policy = rig.policy = Stopwatch(60)
    admitted: list[int] = []

    def reply(_: str) -> Outcome:
        admitted.append(len(policy.went))
        return Taken(attempt())

    rig.net.reply = reply
    for n in range(6):
        await rig.accept(f"u{n}@{'ab'[n % 2]}.big", stream="news")
    async with rig.running() as dispatcher:
        await rig.until(lambda: len(rig.events(Delivered)) == 6)
        (reason,) = dispatcher.waits_of(provider="big")
    assert (reason.lane.stream, reason.reason) in {
        ("news", "one at a time"),
        ("default", "one at a time"),
    }
    assert all(b - a >= 60 for a, b in zip(policy.went, policy.went[1:], strict=False))
    assert all(went > number for number, went in enumerate(admitted))
    assert policy.asked <= 6 * 4  # two queues, each once or twice per interval
    assert not rig.events(_deferred())  # waiting for our own throttle is not an attempt
    assert all(each.attempts == 1 for each in rig.events(Delivered))


async def test_a_policy_that_sends_mail_elsewhere_has_it_carried_by_that_source(rig: Rig) -> None:
    other = EgressPath(source="ip2", bind_address=None, ehlo="two.sender.example")

    class Evacuating(Stopwatch):
        def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
            return GO if path.source == "ip2" else Elsewhere(other)

    rig.policy = Evacuating(0)
    for n in range(20):
        await rig.accept(f"u{n}@one.example")
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 20)
    assert set(rig.net.sources) == {"ip2"}


async def test_a_throttled_message_waits_in_memory_and_the_process_drains_at_once(rig: Rig) -> None:
    rig.policy = Stopwatch(3_600_000)
    for n in range(3):
        await rig.accept(f"u{n}@one.example")
    async with rig.running() as dispatcher:
        await rig.until(lambda: len(rig.recipients()) == 1)
        await rig.until(lambda: bool(dispatcher.waits_of()))
        began = time.monotonic()
    assert time.monotonic() - began < 2
    rig.policy = Stopwatch(0)
    async with rig.running():
        await rig.until(lambda: len(rig.events(Delivered)) == 3)
    assert not rig.events(InDoubt)


async def test_a_connection_can_be_listed_and_ended_and_its_mail_is_tried_again(rig: Rig) -> None:
    rig.net.gate.clear()
    await rig.accept("u@one.example")
    async with rig.running() as dispatcher:
        await rig.until(
            lambda: [each.stage for each in dispatcher.open_connections()] == ["transfer"]
        )
        (shown,) = dispatcher.open_connections()
        assert (shown.host, shown.provider, shown.site) == (
            *("mx.one.example", "one.example", "one.example"),
        )
        assert dispatcher.end_connection(shown.id)
        await rig.until(lambda: len(rig.net.connections) == 2)
        rig.net.gate.set()
        await rig.until(lambda: len(rig.events(Delivered)) == 1)
        assert not dispatcher.end_connection(shown.id)
    assert not rig.events(InDoubt)
