"""One egress source's mail to one site: its connections, and what waits for them.

Start with ``EgressQueue.push`` and ``kick``. It owns its connections' tasks; limits shared with other queues are in
``EgressShared``. It knows nothing of DNS, of the queue's disk format, nor of what becomes of an outcome.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec

from angarium.config.schema import Delivery
from angarium.mta.egress.gate import GateKey
from angarium.mta.egress.next_host import NextHosts, Referred, met_at
from angarium.mta.egress.ready import ReadyQueue, RecipientGroup
from angarium.mta.egress.shared import NOW, EgressShared
from angarium.mta.egress.suspension import Suspension
from angarium.mta.egress.triage import Told, defect, triage
from angarium.mta.egress.work import Prepared, Work, split
from angarium.mta.transport.outcome import Outcome, Taken, Transient
from angarium.mta.transport.transfer import Connection, EgressPath
from angarium.queue import (
    Claimed,
    DueHead,
    PartitionNumber,
    QueueFullError,
    UnixMs,
)
from angarium.routing.resolution import Site

RETRY_CLAIM_S = 1.0  # after a full disk
FIRST_CONNECTIONS = 2  # opened at once to a site before the first one stands
YIELD_AFTER = 10  # transfers, when another site of the provider waits for a connection


class EgressQueue:
    """Invariant E1: recipients pushed are in ``ready``, being claimed, in ``claimed``, in a transfer, waiting for
    the next host, or concluded.

    Invariant 6: a connection is opened only with a place of the gate, and closed before the place is given back.
    """

    def __init__(self, shared: EgressShared, path: EgressPath, site: Site) -> None:
        self._shared = shared
        self._path = path
        self.site = site
        self._key = GateKey(path.source, site.provider.name)
        self.ready = ReadyQueue(site.provider.recipients_per_message)
        self._claimed: deque[Prepared] = deque()
        self._claiming = 0  # transactions being claimed or signed
        self._next_hosts = NextHosts()
        self._seeking = 0  # connections for these: being opened, or open
        self._waiters: deque[asyncio.Future[bool]] = deque()  # idle connections
        self._connections = 0  # established
        self._busy = 0  # of these, in a transfer
        self._opening = 0
        self._suspension = Suspension(shared.settings.retry_s)
        self._draining = False
        self._when_free = self.kick  # one object: the gate and idle register compare it

    @property
    def is_unused(self) -> bool:
        return not (
            self.ready
            or self._claimed
            or self._claiming
            or self._next_hosts
            or self._seeking
            or self._connections
            or self._opening
        ) and (self._suspension.until <= self._shared.clock())

    def discard(self) -> None:
        """It is unused and goes: it waits for no connection any more, so nobody gives way to it."""
        self._shared.gate.forget(self._key, self._when_free)

    @property
    def path(self) -> EgressPath:
        return self._path

    def adopt(self, site: Site) -> None:
        """Take the site as it is now: other addresses, other limits. Its provider is the same."""
        self.site = site
        self.ready.recipients_per_message = site.provider.recipients_per_message

    def renew(self, site: Site, settings: Delivery) -> None:
        """Adopt it after a reload. Connections that are too many now end: idle ones at once, others after their
        transfer.
        """
        self.adopt(site)
        self._suspension.retry_s = settings.retry_s
        for _ in range(len(self._waiters)):
            self._wake_one()

    def push(self, head: DueHead) -> None:
        """Take a recipient in; ``kick`` sets to work."""
        self.ready.push(head)

    def kick(self) -> None:
        """Claim, wake or connect, as what waits demands. Cheap when there is nothing to do."""
        if self._draining:
            return
        if self.ready and (failure := self._suspension.find(self._shared.clock())) is not None:
            self._give_up_ready(failure)
            return
        self._refill()
        self._wake()
        self._seek_next_host()
        self._open_connections()

    def drain(self) -> list[Work]:
        """Begin nothing new; returns claimed work that has not begun. Transfers under way go on."""
        self._draining = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(False)
        for each in self._next_hosts.drain():
            self._give_up_next_host(each)
        work = [each.work for each in self._claimed]
        self._claimed.clear()
        return work

    # --- claims -----------------------------------------------------------------------------

    def _refill(self) -> None:
        """Keep about one claimed transaction ready per two connections, so that none waits for the disk."""
        shared = self._shared
        have = len(self._claimed) + self._claiming
        if have > self._connections // 2 or not self._connections or self._draining:
            return
        if not shared.may_claim():
            return
        groups: list[RecipientGroup] = []
        for _ in range(self._connections + self._connections // 2 + 1 - have):
            group = self.ready.next_group()
            if group is None:
                break
            if not shared.budget.reserve(group.heads[0].octets):
                self.ready.put_first(group)
                break
            groups.append(group)
        if groups:
            self._claiming += len(groups)
            shared.spawn(self._claim(groups))

    async def _claim(self, groups: list[RecipientGroup]) -> None:
        by_partition: dict[PartitionNumber, list[DueHead]] = {}
        for group in groups:
            by_partition.setdefault(group.heads[0].partition, []).extend(group.heads)
        reserved = sum(group.heads[0].octets for group in groups)
        work: list[Work] = []
        try:
            for partition, heads in by_partition.items():
                messages = await self._shared.claim(partition, heads)
                work += split(messages, self.site.provider.recipients_per_message)
        except QueueFullError:
            for group in reversed(groups):
                self.ready.put_first(group)
            asyncio.get_running_loop().call_later(RETRY_CLAIM_S, self.kick)
        finally:
            self._claiming += len(work) - len(groups)
            # Of those not due any more; below 0: a split message
            self._shared.budget.release(reserved - sum(each.octets for each in work))
        await self._shared.prepare(work, self._add, self._not_prepared)
        self._refill()

    def _add(self, prepared: Prepared) -> None:
        self._claiming -= 1
        self._claimed.append(prepared)
        self._wake_one()

    def _not_prepared(self, work: Work, error: BaseException) -> None:
        self._claiming -= 1
        self._shared.failed("prepare", error)
        self._conclude(work, [defect(error, self._shared.clock())] * len(work.recipients))
        self._shared.budget.release(work.octets)

    def _wake(self) -> None:
        for _ in range(min(len(self._claimed), len(self._waiters))):
            self._wake_one()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(True)
                return

    # --- connections ------------------------------------------------------------------------

    def _open_connections(self) -> None:
        free = self._connections - self._busy
        waiting = self.ready.groups + len(self._claimed) + self._claiming - free
        if waiting <= self._opening or not self._shared.may_claim():
            return
        if self._connections and not self._suspension.allows_more(self._shared.clock()):
            return  # but with none left, nothing would carry what waits
        limit = self._limit()
        # A site that does not answer yet costs two connections at a time, not its whole limit.
        at_once = waiting if self._connections else min(waiting, FIRST_CONNECTIONS)
        while self._opening < at_once:
            if not self._shared.gate.try_open(self._key, limit, self._when_free):
                key = None if self._shared.gate.open(self._key) < limit else self._key
                self._shared.idle.end_one(key, not_of=self)
                return
            self._opening += 1
            self._shared.spawn(self._run())

    async def _run(self) -> None:
        """The life of one connection; the only place that opens, uses and closes it."""
        shared = self._shared
        connection: Connection | None = None
        try:
            try:
                opened = await shared.connect(self.site, self._path)
            finally:
                self._opening -= 1
            if isinstance(opened, Transient):
                self._connect_failed(opened)
                return
            connection = opened
            self._connections += 1
            self._suspension.connected()
            shared.observer.connection_opened()
            self._open_connections()
            await self._use(connection)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a task boundary
            shared.failed("connection", error)
        finally:
            if connection is not None:
                self._connections -= 1
                await connection.close()
                shared.observer.connection_closed()
            shared.gate.closed(self._key)
            self.kick()

    async def _use(self, connection: Connection) -> None:
        shared = self._shared
        self._refill()
        while self._may_go_on(connection):
            prepared = await self._next_work()
            if prepared is None:
                return
            await self._carry(connection, prepared)
            if connection.transfers >= YIELD_AFTER and shared.gate.is_awaited(
                self._key, self._when_free
            ):
                return

    def _may_go_on(self, connection: Connection) -> bool:
        """Whether it may carry another transaction: limits are read each time, a reload may have changed them."""
        shared = self._shared
        limit = shared.shaping.transfers_per_connection(self._key, self.site.provider)
        if not connection.is_open or connection.transfers >= limit:
            return False
        return not self._must_leave()

    def _must_leave(self) -> bool:
        """Whether the connection that asks is one too many; then it ends now."""
        gate = self._shared.gate
        if not gate.is_over(self._key, self._limit()):
            return False
        gate.leave(self._key)
        return True

    def _limit(self) -> int:
        """How many connections its source may have to its provider."""
        return self._shared.shaping.connections(self._key, self.site.provider)

    async def _next_work(self) -> Prepared | None:
        """Wait for prepared work, at most idle_s; None ends the connection."""
        if not self._draining:
            self._refill()
        if self._claimed:
            return self._claimed.popleft()
        shared = self._shared
        if self._next_hosts and not self._seeking:
            return None  # its place is wanted
        if self._draining or (
            shared.gate.is_awaited(self._key, self._when_free) and not self._claiming
        ):
            return None
        loop = asyncio.get_running_loop()
        end = loop.time() + self.site.provider.idle_s
        while await self._wait_for_work(loop, end):
            if (
                self._claimed
            ):  # else a connection that has just become free was faster, or limits have changed
                return self._claimed.popleft()
            if self._must_leave():
                return None
        return None

    async def _wait_for_work(self, loop: asyncio.AbstractEventLoop, end: float) -> bool:
        """Wait until there is work; False: the connection has been idle for long enough, or its place is wanted."""
        waiter: asyncio.Future[bool] = loop.create_future()

        def end_wait() -> None:
            if not waiter.done():
                waiter.set_result(False)

        idle = self._shared.idle
        idle.add(end_wait, self._key, self)
        self._waiters.append(waiter)
        timer = loop.call_at(end, end_wait)
        try:
            return await waiter
        finally:
            timer.cancel()
            idle.discard(end_wait)
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    async def _carry(self, connection: Connection, prepared: Prepared) -> None:
        shared, work = self._shared, prepared.work
        shared.give_way()
        self._busy += 1
        try:
            outcomes = await connection.transfer(prepared.transfer)
        except asyncio.CancelledError:
            shared.budget.release(work.octets)
            raise  # the claim stays on disk: in doubt
        except Exception as error:  # noqa: BLE001 - a defect must not bring the same message back at once, for ever
            shared.failed("transfer", error)
            outcomes = [defect(error, shared.clock(), connection)] * len(work.recipients)
        finally:
            self._busy -= 1
        for outcome in outcomes:
            shared.shaping.observe(self._key, outcome)
        if all(isinstance(outcome, Taken) for outcome in outcomes):  # nearly every time
            self._conclude(work, outcomes, connection.offers_dsn)
            shared.budget.release(work.octets)
            return
        met = work.met | {met_at(self.site, connection.host, connection.address)}
        has_others = not self._draining and self._next_hosts.has_others(
            self.site, met, shared.clock()
        )
        found = triage(work, outcomes, connection, has_others=has_others)
        again, elsewhere, answered = found.again, found.elsewhere, found.answered
        if self._draining:
            again, answered = (), (*answered, *again)
        if again and elsewhere and not shared.budget.reserve(work.octets):
            elsewhere, answered = (), (*answered, *elsewhere)
        if answered:
            part = msgspec.structs.replace(work, recipients=_recipients(answered))
            told = [outcome for _, outcome in answered]
            self._conclude(part, told, connection.offers_dsn)
        if (again or elsewhere) and not connection.is_open:
            shared.connect.avoid(connection.host, connection.address)
        if elsewhere:
            self._refer(prepared, elsewhere, met)
        if again:
            retry = prepared.retry(_recipients(again), counts=not found.gained)
            self._claimed.appendleft(retry)
        elif not elsewhere:
            shared.budget.release(work.octets)

    # --- the site's other hosts -------------------------------------------------------------

    def _refer(self, prepared: Prepared, refused: Sequence[Told], met: frozenset[str]) -> None:
        """Have recipients that a host refused for now tried at the site's others (RFC 5321 section 5.1)."""
        outcomes = tuple(outcome for _, outcome in refused)
        part = prepared.elsewhere(_recipients(refused), met)
        self._next_hosts.add(Referred(part, outcomes))
        self._seek_next_host()

    def _seek_next_host(self) -> None:
        """Open connections for what waits for another host."""
        shared = self._shared
        limit = self._limit()
        while self._seeking < min(len(self._next_hosts), FIRST_CONNECTIONS):
            if not shared.gate.try_open(self._key, limit, self._when_free):
                key = None if shared.gate.open(self._key) < limit else self._key
                shared.idle.end_one(key, not_of=None)
                return
            self._seeking += 1
            shared.spawn(self._run_next_host(self._next_hosts.next()))

    async def _run_next_host(self, referred: Referred) -> None:
        """The life of a connection to a host that others were preferred to; it ends with what waits for it."""
        shared = self._shared
        connection: Connection | None = None
        waiting: Referred | None = referred
        met = referred.prepared.work.met
        try:
            if not self._next_hosts.has_others(self.site, met, shared.clock()):
                return  # the site has changed
            opened = await shared.connect(self.site, self._path, met)
            if isinstance(opened, Transient):
                for each in self._next_hosts.no_others(met, shared.clock()):
                    self._give_up_next_host(each)
                return
            connection = opened
            self._connections += 1
            shared.observer.connection_opened()
            while waiting is not None and not self._draining:
                prepared, waiting = waiting.prepared, None
                await self._carry(connection, prepared)
                if self._may_go_on(connection):
                    waiting = self._next_hosts.find_for(connection.host, connection.address)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a task boundary
            shared.failed("connection", error)
        finally:
            if waiting is not None:
                self._give_up_next_host(waiting)
            if connection is not None:
                self._connections -= 1
                await connection.close()
                shared.observer.connection_closed()
            self._seeking -= 1
            shared.gate.closed(self._key)
            self.kick()

    def _give_up_next_host(self, referred: Referred) -> None:
        """No other host can be asked: what the last one said stands."""
        work = referred.prepared.work
        self._conclude(work, referred.outcomes)
        self._shared.budget.release(work.octets)

    def _conclude(
        self,
        work: Work,
        outcomes: Sequence[Outcome],
        offers_dsn: bool = False,
        not_before: UnixMs = NOW,
    ) -> None:
        self._shared.conclude(
            work, outcomes, final=self.site.final, offers_dsn=offers_dsn, not_before=not_before
        )

    # --- failures of the whole site ---------------------------------------------------------

    def _connect_failed(self, failure: Transient) -> None:
        shared = self._shared
        shared.shaping.observe(self._key, failure)
        now = shared.clock()
        if self._suspension.find(now) is not None:
            return  # one of several that were opened together
        shared.observer.connection_failed(failure)
        if self._connections:
            self._suspension.refused_more(now)
            return
        self._suspension.failed(failure, now)
        while self._claimed:
            work = self._claimed.popleft().work
            self._conclude(
                work, [failure] * len(work.recipients), not_before=self._suspension.until
            )
            shared.budget.release(work.octets)
        self._give_up_ready(failure)

    def _give_up_ready(self, failure: Transient) -> None:
        heads = [head for group in self.ready.drain() for head in group.heads]
        if heads:
            self._shared.give_up(heads, failure, self._suspension.until)


def _recipients(told: Sequence[Told]) -> tuple[Claimed, ...]:
    return tuple(recipient for recipient, _ in told)
