"""Stand-ins for what an egress queue has around it: a clerk without a disk, hosts without a net."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from angarium.config.schema import Delivery, Provider
from angarium.mta.egress.budget import ContentBudget
from angarium.mta.egress.gates.tenant_transfers import TenantTransfers
from angarium.mta.egress.places import Places
from angarium.mta.egress.policy import GO, Admission, Limits, Reroute, Traffic, Wait
from angarium.mta.egress.reasons import Reasons
from angarium.mta.egress.shared import EgressShared
from angarium.mta.egress.traffic_counts import TrafficCounts
from angarium.mta.egress.waits import Waits
from angarium.mta.egress.work import Group, Parcel, Work
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Taken, Transient
from angarium.mta.transport.transfer import EgressPath, Progress, Transfer
from angarium.queue import (
    Attempt,
    Claimed,
    ClaimedMessage,
    DeliveryId,
    DueHead,
    MessageId,
    Origin,
    PartitionNumber,
    QueueFullError,
    UnixMs,
)
from angarium.routing.resolution import MxHost, Site, SiteName
from angarium.smtp.envelope import Envelope

PATH = EgressPath(source="ip1", bind_address=None, ehlo="mx.example")
OTHER_PATH = EgressPath(source="ip2", bind_address=None, ehlo="mx.example")
OCTETS = 10  # of each content


def host(name: str = "mx", *addresses: str) -> MxHost:
    return MxHost(name=name, port=25, preference=0, addresses=addresses or (f"{name}.1",))


def site(*names: str, **limits: Any) -> Site:
    """Of hosts by these names; ``limits`` are its provider's."""
    hosts = tuple(host(each) for each in names or ("mx",))
    provider = Provider(name="p", **{"connections": 3, "idle_s": 5.0, **limits})
    return Site(name=SiteName("s"), hosts=hosts, provider=provider, via="mx", final=True)


def head(message: int, index: int = 0, tenant: str = "t", **more: Any) -> DueHead:
    id_ = DeliveryId(MessageId(message.to_bytes(16, "big")), index)
    partition = PartitionNumber(more.pop("partition", 0))
    return DueHead(
        partition=partition,
        due=UnixMs(0),
        id=id_,
        tenant=tenant,
        domain="d.example",
        octets=OCTETS,
        **more,
    )


def claimed(of: DueHead) -> Claimed:
    return Claimed(
        id=of.id,
        partition=of.partition,
        forward_path=f"u{of.id.index}@d.example",
        domain=of.domain,
        notify=None,
        orcpt=None,
        attempts=0,
        in_doubt=0,
        delay_dsn_sent=False,
        last=None,
    )


def message(heads: Sequence[DueHead], header_from: str = "") -> ClaimedMessage:
    return ClaimedMessage(
        message_id=heads[0].id.message_id,
        tenant=heads[0].tenant,
        stream=heads[0].stream,
        campaign=heads[0].campaign,
        envelope=Envelope(reverse_path="a@sender.example", recipients=()),
        content=b"A: b\r\n\r\nc\n"[:OCTETS],
        header_octets=8,
        has_dot_lines=False,
        header_from=header_from,
        message_id_header="",
        accepted=UnixMs(0),
        expires=UnixMs(10**15),
        origin=Origin(kind="submission", listener="test"),
        recipients=tuple(claimed(each) for each in heads),
    )


def work(number: int = 1, recipients: int = 1, **more: Any) -> Work:
    of = message([head(number, index) for index in range(recipients)])
    return Work(of, of.recipients, **more)


def parcel(of: Work) -> Parcel:
    content = of.message.content
    return Parcel(
        of,
        Transfer(
            reverse_path="a@sender.example",
            recipients=of.recipients,
            header=content[:8],
            body=content[8:],
            has_dot_lines=False,
            body_8bit=False,
            smtputf8=False,
        ),
    )


def attempt(code: int = 250, enhanced: str = "2.0.0", stage: str = "final_dot") -> Attempt:
    return Attempt(
        at=UnixMs(0),
        host="mx",
        address="mx.1",
        source="ip1",
        code=code,
        enhanced=enhanced,
        text="said the peer",
        tls="",
        stage=stage,
    )


TAKEN = Taken(attempt())
FOR_NOW = Transient(attempt(451, "4.3.0", "rcpt"), Scope.RECIPIENT)
GREYLISTED = Transient(attempt(451, "4.7.1", "rcpt"), Scope.RECIPIENT, greylisted=True)
TOO_MANY = Transient(attempt(452, "4.5.3", "rcpt"), Scope.RECIPIENT)
LOST = Transient(attempt(0, "4.4.2", "mail"), Scope.SESSION)
IN_DOUBT = Transient(attempt(0, "4.4.2", "final_dot"), Scope.SESSION)
SILENT = Transient(attempt(0, "4.4.1", "mail"), Scope.SESSION)
DOWN = Transient(attempt(0, "4.4.1", "connect"), Scope.SITE)
NO_USER = Permanent(attempt(550, "5.1.1", "rcpt"), Scope.RECIPIENT)
LACKS_EXTENSION = Permanent(attempt(0, "5.6.3", "ehlo"), Scope.SESSION)


class SetClock:
    def __init__(self, now: int = 1_000_000) -> None:
        self.now = now

    def __call__(self) -> UnixMs:
        return UnixMs(self.now)


class FakeConnection:
    offers_dsn = False
    offers_8bit = True
    room = 0  # that a transfer takes

    def room_for(self, transfer: Transfer) -> int:
        return self.room

    def __init__(self, to: MxHost, log: list[str], hosts: "FakeHosts | None" = None) -> None:
        self.host = to
        self.address = to.addresses[0]
        self.is_open = True
        self.is_aborted = False
        self.transfers = 0
        self.carried: list[Transfer] = []
        self.content_sent = False
        # Of the next transfers
        self.outcomes: list[Sequence[Outcome] | BaseException] = (
            [] if hosts is None else hosts.outcomes
        )
        self.may_end = None if hosts is None else hosts.may_carry  # a transfer
        self.may_close = None if hosts is None else hosts.may_close
        self.log = log
        self.tell_end: Callable[[], None] | None = None

    def on_end(self, tell: Callable[[], None] | None) -> None:
        self.tell_end = tell

    def end(self) -> None:
        """The peer hangs up."""
        self.is_open = False
        tell, self.tell_end = self.tell_end, None
        if tell is not None:
            tell()

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        self.transfers += 1
        self.carried.append(transfer)
        if self.may_end is not None:
            await self.may_end.wait()
        outcomes: Sequence[Outcome] | BaseException = [TAKEN] * len(transfer.recipients)
        if self.outcomes:
            outcomes = self.outcomes.pop(0)
        if isinstance(outcomes, BaseException):
            raise outcomes
        return outcomes

    async def close(self) -> None:
        if self.may_close is not None:
            await self.may_close.wait()
        self.is_open = False
        self.log.append("closed")

    def abort(self) -> None:
        self.is_aborted = True
        self.is_open = False


class FakeHosts:
    """Opens a connection to the first host that has not refused, or does as ``failure`` says."""

    def __init__(self, log: list[str]) -> None:
        self.failure: Transient | BaseException | None = None
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.may_carry = asyncio.Event()  # the connections
        self.may_carry.set()
        self.may_close = asyncio.Event()
        self.may_close.set()
        self.outcomes: list[Sequence[Outcome] | BaseException] = []  # of the next transfers
        self.connections: list[FakeConnection] = []
        self.asked = 0
        self.avoided: list[str] = []
        self.log = log

    async def open(
        self, site: Site, path: EgressPath, refused_by: frozenset[str], progress: Progress
    ) -> FakeConnection | Transient:
        self.asked += 1
        to = next(each for each in site.hosts if each.name not in refused_by)
        await progress.trying(to, to.addresses[0])
        await self.may_open.wait()
        if isinstance(self.failure, Transient):
            return self.failure
        if self.failure is not None:
            raise self.failure
        self.log.append("opened")
        self.connections.append(FakeConnection(to, self.log, self))
        return self.connections[-1]

    def avoid(self, host: MxHost, address: str) -> None:
        self.avoided.append(address)


class FakeClerk:
    """Claims all that it is asked for, and keeps what it is told."""

    def __init__(self) -> None:
        self.open = True
        self.may_give = asyncio.Event()  # what was claimed
        self.may_give.set()
        self.full: set[PartitionNumber] = set()  # partitions without room on disk
        self.gone: set[DeliveryId] = set()  # not due any more
        self.suppressed: set[DeliveryId] = set()  # from now on
        self.spared: list[DeliveryId] = []  # recorded as that
        self.claims: list[list[DueHead]] = []
        self.concluded: list[tuple[Work, Sequence[Outcome]]] = []
        self.given_back: list[Work] = []

    def may_claim(self) -> bool:
        return self.open

    async def claim(
        self, partition: PartitionNumber, heads: Sequence[DueHead], source: str = ""
    ) -> list[ClaimedMessage]:
        await asyncio.sleep(0)
        await self.may_give.wait()
        if partition in self.full:
            raise QueueFullError("no room")
        self.claims.append(list(heads))
        by_message: dict[MessageId, list[DueHead]] = {}
        for each in heads:
            if each.id not in self.gone:
                by_message.setdefault(each.id.message_id, []).append(each)
        return [message(each) for each in by_message.values()]

    def conclude(self, work: Work, outcomes: Sequence[Outcome], **_: Any) -> None:
        self.concluded.append((work, outcomes))

    def give_back(self, work: Work, now: UnixMs) -> None:
        self.given_back.append(work)

    def without_suppressed(
        self, message: ClaimedMessage, recipients: tuple[Claimed, ...]
    ) -> tuple[Claimed, ...]:
        self.spared += [each.id for each in recipients if each.id in self.suppressed]
        return tuple([each for each in recipients if each.id not in self.suppressed])

    @property
    def outcomes(self) -> list[Outcome]:
        return [each for _, outcomes in self.concluded for each in outcomes]


class FakeUndeliverable:
    def __init__(self) -> None:
        self.heads: list[DueHead] = []
        self.attempted: list[bool] = []

    def put(
        self, heads: Sequence[DueHead], outcome: Outcome, not_before: UnixMs, *, attempted: bool
    ) -> None:
        self.heads += heads
        self.attempted += [attempted] * len(heads)


class FakePacker:
    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.converted: Transfer | None = None

    async def pack(
        self,
        works: Sequence[Work],
        ready: Callable[[Parcel], None],
        failed: Callable[[Work, BaseException], None],
    ) -> None:
        for each in works:
            if self.error is None:
                ready(parcel(each))
            else:
                failed(each, self.error)

    async def seven_bit(self, parcel: Parcel) -> Transfer | None:
        return self.converted


class FakeObserver:
    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0
        self.failures: list[Transient] = []
        self.errors: list[BaseException] = []

    def connection_opened(self) -> None:
        self.opened += 1

    def connection_closed(self) -> None:
        self.closed += 1

    def connection_failed(self, failure: Transient) -> None:
        self.failures.append(failure)

    def internal_error(self, where: str, error: BaseException) -> None:
        self.errors.append(error)


class ScriptedPolicy:
    """Says what ``says`` does; else lets everything go."""

    def __init__(self) -> None:
        self.says: Callable[[Traffic, EgressPath, UnixMs], Admission] = lambda *_: GO
        self.asked: list[Traffic] = []
        self.heard: list[Outcome] = []
        self.refusals: list[Transient] = []
        self.path = PATH
        self.again: list[Work] = []
        self.connection_wait: Wait | None = None
        self.connects = 0
        self.rests = False
        self.tenants = TenantTransfers()
        self.stopped: set[str] = set()  # tenants

    def choose(self, head: DueHead, site: Site, now: UnixMs) -> EgressPath:
        return self.path

    def find_apart(self, head: DueHead, site: Site) -> str:
        return ""

    def limits(self, path: EgressPath, provider: Provider) -> Limits:
        return Limits(
            connections=provider.connections,
            transfers=provider.messages_per_connection,
            recipients=provider.recipients_per_message,
        )

    def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        self.asked.append(traffic)
        return self.says(traffic, path, now)

    def goes_again(self, path: EgressPath, site: Site, work: Work, now: UnixMs) -> None:
        self.again.append(work)

    def may_begin(self, work: Work, site: Site) -> bool:
        return self.tenants.may_begin(work, site)

    def stops(self, work: Work, path: EgressPath, site: Site, now: UnixMs) -> bool:
        return work.message.tenant in self.stopped

    def begins(self, work: Work, site: Site) -> None:
        self.tenants.begin(work, site)

    def ends(self, work: Work, site: Site) -> None:
        self.tenants.end(work, site)

    def find_connection_wait(self, path: EgressPath, site: Site, now: UnixMs) -> Wait | None:
        return self.connection_wait

    def connecting(self, path: EgressPath, site: Site, now: UnixMs) -> None:
        self.connects += 1

    def told(
        self,
        path: EgressPath,
        site: Site,
        work: Work,
        outcomes: Sequence[Outcome],
        now: UnixMs,
    ) -> None:
        self.heard += outcomes

    def understood(
        self, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> Sequence[Outcome]:
        return outcomes

    def is_resting(self, site: Site, now: UnixMs) -> bool:
        return self.rests

    def refused(self, path: EgressPath, site: Site, failure: Transient, now: UnixMs) -> None:
        self.refusals.append(failure)


class Moved:
    """Takes groups that go elsewhere."""

    def __init__(self) -> None:
        self.groups: list[tuple[Group, EgressPath]] = []

    def move(self, group: Group, site: Site, path: EgressPath) -> None:
        self.groups.append((group, path))


class Rerouted:
    """Takes what goes by a smart host."""

    def __init__(self) -> None:
        self.heads: list[tuple[DueHead, str, str]] = []

    def reroute(self, heads: Sequence[DueHead], to: Reroute) -> None:
        self.heads += [(each, to.via, to.reason) for each in heads]


class Lanes:
    """Has those of a tenant that is stopped in a lane of their own."""

    def __init__(self) -> None:
        self.stopped: set[str] = set()
        self.renewed: list[DueHead] = []

    def renew_lane(self, head: DueHead) -> bool:
        if head.tenant not in self.stopped or head in self.renewed:
            return False
        self.renewed.append(head)
        return True


class Around:
    """All that one egress queue needs; ``shared`` is what it gets."""

    def __init__(self, *, connections: int = 10, octets: int = 1_000) -> None:
        self.log: list[str] = []  # of connections, and of places
        self.clock = SetClock()
        self.policy = ScriptedPolicy()
        self.places = Places(connections, 100, self.clock)
        self.waits = Waits(self.clock)
        self.reasons = Reasons()
        self.counts = TrafficCounts()
        self.budget = ContentBudget(octets, lambda: self.log.append("octets"))
        self.hosts = FakeHosts(self.log)
        self.packer = FakePacker()
        self.clerk = FakeClerk()
        self.undeliverable = FakeUndeliverable()
        self.observer = FakeObserver()
        self.mover = Moved()
        self.rerouter = Rerouted()
        self.lanes = Lanes()
        self.tasks: list[asyncio.Task[None]] = []
        self.shared = EgressShared(
            settings=Delivery(),
            policy=self.policy,
            places=self.places,
            waits=self.waits,
            reasons=self.reasons,
            counts=self.counts,
            budget=self.budget,
            hosts=self.hosts,
            packer=self.packer,
            clerk=self.clerk,
            undeliverable=self.undeliverable,
            rerouter=self.rerouter,
            lanes=self.lanes,
            observer=self.observer,
            clock=self.clock,
            give_way=lambda: None,
            spawn=self.spawn,
        )

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.get_running_loop().create_task(coroutine))
        return self.tasks[-1]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def settle() -> None:
    """Let everything that is ready happen."""
    for _ in range(20):
        await asyncio.sleep(0)
