"""One delivery process with all of its real parts, over a queue in memory: started, drained and killed as often as one
likes.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from angarium.config.loader import parse
from angarium.config.providers import all_providers
from angarium.config.rules import all_rules
from angarium.config.schema import Config
from angarium.mta.dispatcher import DeliveryParts, Dispatcher
from angarium.mta.draining import DrainBounds
from angarium.mta.dsn import RecipientReport, dsn_for
from angarium.mta.egress.gates.rules import RuleGate
from angarium.mta.egress.gates.warmup import WarmupGate
from angarium.mta.egress.packing import Packer
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.record.conclusion import Conclusion
from angarium.mta.record.retry import RetrySchedule
from angarium.mta.record.settler import Settler
from angarium.mta.transport.host_search import HostSearch
from angarium.mta.transport.transfer import TlsPolicy
from angarium.queue import (
    ClaimedMessage,
    MessageIdGenerator,
    Origin,
    QueueError,
    Submission,
    UnixMs,
)
from angarium.queue.memory.spool import MemorySpool
from angarium.reputation.reply_rules import RuleBook
from angarium.reputation.rule_engine import RuleEngine
from angarium.reputation.rule_keepsakes import PREFIX as RULES
from angarium.reputation.rule_keepsakes import read_kept
from angarium.reputation.warmups import PREFIX as WARMUPS
from angarium.reputation.warmups import Warmups
from angarium.routing.dns import Found, MxRecord, NoData, Question
from angarium.routing.own_host import OwnHost
from angarium.routing.partition_finder import PartitionFinder
from angarium.routing.resolver import Resolver
from angarium.routing.routing import Routing
from angarium.service.delivery.rule_keeper import RuleKeeper
from angarium.service.delivery.warmup_writer import WarmupWriter
from angarium.smtp.envelope import Envelope, Recipient
from tests.week.net import Net

PARTITIONS: Final = 4
CONFIGURATION: Final = """
[server]
hostname = "mx.sender.example"

[delivery]
allow_private = true
expire_s = "3d"
# Nothing rings in vain here; a tick costs as much as some messages
poll_s = "20s"

[[source]]
name = "warm"
address = "192.0.2.1"

[[source]]
name = "cold"
address = "192.0.2.2"

[[pool]]
name = "default"
sources = [{ name = "warm" }, { name = "cold" }]

[[stream]]
name = "transactional"
priority = 1
retry_s = ["1m", "2m", "5m", "15m", "1h"]
expire_s = "1d"

[[warmup]]
source = "cold"

# Limits that campaigns reach
[[provider]]
name = "apple"
message_rate = "300/min burst 3"

[[provider]]
name = "yahoo"
connection_rate = "12/min burst 4"
tenant_message_rate = "240/min burst 2"

[[provider]]
name = "outlook"
tenant_connections = 2

[[provider]]
name = "gmail"
recipients_per_message = 2
"""
DOMAINS: Final = {
    "gmail.com": ("gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"),
    "yahoo.com": ("mta5.am0.yahoodns.net", "mta6.am0.yahoodns.net"),
    "outlook.com": ("outlook-com.olc.protection.outlook.com",),
    "icloud.com": ("mx01.mail.icloud.com", "mx02.mail.icloud.com"),
    "gmx.net": ("mx00.gmx.net", "mx01.gmx.net"),
}
_HEADER: Final = b"From: <a@sender.example>\r\nSubject: x\r\n\r\n"


def configuration() -> Config:
    return parse(CONFIGURATION, Path("angarium.toml"))


class AllDns:
    """Answers at once. A domain that is not among DOMAINS is its own mail host: a small site."""

    def find_known(self, question: Question) -> Any:
        name, kind = question
        if kind == "MX":
            hosts = DOMAINS.get(name, (f"mx.{name}",))
            return Found(tuple(MxRecord(10, each) for each in hosts), 3600.0)
        return Found(("198.51.100.7",), 3600.0) if kind == "A" else NoData(3600.0)


class NoKeys:
    def sign(self, *_: Any) -> None:
        return None


class Observer:
    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.doubts = 0

    def connection_opened(self) -> None: ...
    def connection_closed(self) -> None: ...
    def connection_failed(self, failure: Any) -> None: ...
    def loaded(self, recipients: int) -> None: ...
    def pulled_in(self, recipients: int) -> None: ...
    def disk_full(self) -> None: ...

    def in_doubt(self, recipients: int) -> None:
        self.doubts += recipients

    def internal_error(self, where: str, error: BaseException) -> None:
        self.errors.append(error)


class Node:
    """The queue outlives the processes. ``clock`` is the node's own: it may be wrong."""

    def __init__(
        self, net: Net, clock: Callable[[], UnixMs], seed: int, *, warms_up: bool = True
    ) -> None:
        self.config = configuration()
        if not warms_up:
            self.config = msgspec.structs.replace(self.config, warmup=())
        self.net = net
        self.clock = clock
        self.random = random.Random(seed)
        self.spool = MemorySpool(clock, PARTITIONS)
        self.observer = Observer()
        self._new_id = MessageIdGenerator(clock, self.random.randbytes)
        self._routing = Routing.of(self.config)
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    # --- the process -----------------------------------------------------------------------

    async def start(self) -> None:
        config, clock, spool = self.config, self.clock, self.spool
        self.warmups = Warmups(
            config.warmup, spool.keepsakes.read(WARMUPS), lambda _: True, clock()
        )
        self.writer = WarmupWriter(self.warmups, spool.keepsakes)
        self.engine = RuleEngine(RuleBook(all_rules(config)))
        kept = read_kept(spool.keepsakes.read(RULES), lambda _: True)
        self.engine.restore(kept, clock())
        self.keeper = RuleKeeper(self.engine, spool.keepsakes, clock)
        pools = Pools(
            config.source, config.pool, self._routing, config.server.hostname, config.stream
        )
        rules = RuleGate(self.engine)
        warmup = WarmupGate(self.warmups, self.writer.reserve, rules)
        self.policy = ShapingPolicy(pools, rules=rules, warmup=warmup)
        own = OwnHost(names=frozenset(), addresses=frozenset(), has_ipv6=False)
        resolver = Resolver(
            config,
            AllDns(),
            own,
            self._routing,
            asyncio.get_running_loop().time,  # type: ignore[arg-type]
        )
        self._partition_of = PartitionFinder(self._routing, spool, asyncio.get_running_loop().time)
        partitions = {each: await spool.own(each, "week") for each in spool.partitions()}
        schedule = RetrySchedule(config.delivery, config.stream, all_providers(config.provider))
        self.dispatcher = Dispatcher(
            DeliveryParts(
                settings=config.delivery,
                partitions=partitions,
                partition_count=PARTITIONS,
                resolver=resolver,
                remember_route=lambda domain, site, partition: None,
                policy=self.policy,
                hosts=HostSearch(self.net, lambda *_: TlsPolicy(), clock, self.random),
                packer=Packer(NoKeys(), clock, lambda *_: None),
                settler=Settler(partitions),
                conclusion=Conclusion(schedule, self._notify, clock, self.random),
                suppressions=spool.suppressions,
                schedule=schedule,
                observer=self.observer,
                give_way=spool.give_way,
                clock=clock,
            )
        )
        spool.wakeups(self.dispatcher.ring)
        self._stop = asyncio.Event()
        ready = asyncio.Event()
        bounds = DrainBounds(transfers_s=30, last_replies_s=30)
        self._tasks = [
            asyncio.create_task(self.dispatcher.run(self._stop, ready.set, lambda: bounds)),
            asyncio.create_task(self.writer.run()),
            asyncio.create_task(self.keeper.run()),
        ]
        await ready.wait()

    async def drain(self) -> None:
        """End it as SIGTERM does."""
        self._stop.set()
        await self._tasks[0]
        await self._end_others()
        await self.writer.close()
        await self.keeper.write()
        self._ended()

    async def crash(self) -> None:
        """End it as SIGKILL does: of what is in memory nothing is left."""
        self.spool = self.spool.crash()
        self.net.cut_all()
        self._tasks[0].cancel()
        with contextlib.suppress(asyncio.CancelledError, QueueError, BaseExceptionGroup):
            await self._tasks[0]
        await self._end_others()
        self.dispatcher._waits.stop()  # a process's timers die with it
        self._ended()

    async def _end_others(self) -> None:
        for each in self._tasks[1:]:
            each.cancel()
        await asyncio.wait(self._tasks[1:])

    def _ended(self) -> None:
        for each in self.net.sinks.values():
            each.restarted()

    # --- its users -------------------------------------------------------------------------

    async def accept(
        self, *recipients: str, tenant: str, stream: str, sender: str, campaign: str = ""
    ) -> Submission:
        now, lifetime_s = self.clock(), self.config.delivery.expire_s
        settings = {each.name: each for each in self.config.stream}.get(stream)
        if settings is not None and settings.expire_s is not None:
            lifetime_s = settings.expire_s
        given = tuple(
            Recipient(forward_path=each, domain=each.partition("@")[2]) for each in recipients
        )
        submission = Submission(
            message_id=self._new_id(),
            tenant=tenant,
            stream=stream,
            priority=1 if stream == "transactional" else 5,
            campaign=campaign,
            envelope=Envelope(reverse_path=sender, recipients=given),
            content=_HEADER + b"hello\r\n",
            header_octets=len(_HEADER),
            header_from=sender.partition("@")[2],
            accepted=now,
            expires=UnixMs(now + round(lifetime_s * 1000)),
            origin=Origin(kind="submission", listener="week"),
            partitions=tuple(self._partition_of(each.domain) for each in given),
        )
        await self.spool.accept([submission])
        return submission

    def _notify(
        self, message: ClaimedMessage, reports: Sequence[RecipientReport]
    ) -> Submission | None:
        return dsn_for(
            message,
            reports,
            hostname=self.config.server.hostname,
            now=self.clock(),
            lifetime_ms=int(self.config.delivery.expire_s * 1000),
            new_message_id=self._new_id,
            partition_of=self._partition_of,
        )
