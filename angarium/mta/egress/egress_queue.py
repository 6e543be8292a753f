"""One egress source's mail to one site: what waits, and how many connections that calls for.

Start with ``EgressQueue.push`` and ``kick``. Its parts: ``admission`` asks the policy, ``claiming`` claims, ``carrier``
lives a connection's life with the work of ``usual_round`` or ``referrals``, ``carriage`` sees transactions through.
It knows nothing of DNS, of the queue's disk format, nor of what becomes of an outcome.
"""

from collections.abc import Sequence

from angarium.config.schema import Delivery
from angarium.config.streams import DEFAULT_STREAM_PRIORITY
from angarium.mta.backlog import Lane
from angarium.mta.egress.admission import Admission, Moves
from angarium.mta.egress.carriage import Carriage
from angarium.mta.egress.carrier import Carrier
from angarium.mta.egress.claiming import Claims
from angarium.mta.egress.lease import Lease, PlaceKey
from angarium.mta.egress.policy import Limits, Wait
from angarium.mta.egress.ready import ReadyQueue
from angarium.mta.egress.referrals import Referrals
from angarium.mta.egress.shared import EgressShared, Way
from angarium.mta.egress.suspension import Suspension
from angarium.mta.egress.triage import hung_up
from angarium.mta.egress.usual_round import UsualRound
from angarium.mta.egress.work import (
    NOBODY,
    Group,
    Opener,
    Parcel,
    Work,
    opener_of,
    opener_of_work,
    priority_of,
)
from angarium.mta.transport.outcome import Failure, Permanent, Transient, with_provider
from angarium.mta.transport.transfer import Connection, EgressPath
from angarium.queue import DeliveryId, DueHead, UnixMs
from angarium.routing.resolution import Site

# Opened at once to a site before the first one stands: one that does not answer costs no more than these.
FIRST_CONNECTIONS = 2
# Sessions, one after the other, that ended for nothing before the site counts as one that takes none
WASTED = 3
# Transfers, when another site of the provider waits for a connection
YIELD_AFTER = 10


class EgressQueue:
    """Invariant EQ1: recipients pushed are ready, admitted, claimed, in a transfer, referred, or concluded.

    Invariant EQ2: a connection is opened only for a group that was admitted, or for work that is claimed.
    """

    def __init__(self, shared: EgressShared, path: EgressPath, site: Site, mover: Moves) -> None:
        self._shared = shared
        self._way = way = Way(path, site)
        limits = shared.policy.limits(path, site.provider)
        self.ready = ReadyQueue(limits.recipients, limits.one_by_one)
        self._admission = Admission(shared, way, self.ready, self, mover)
        self._claims = Claims(shared, way, self)
        self._referrals = Referrals(shared, way, self)
        self.carriage = Carriage(shared, way, self._claims, self._referrals)
        self._connections = 0  # established, these for other hosts included
        self._opening = 0
        self._opening_wait: Wait | None = None
        self._wasted = 0  # sessions in a row that their peer ended before they carried anything
        self._suspension = Suspension(site.provider.retry_s or shared.settings.retry_s)

    @property
    def is_unused(self) -> bool:
        return not (
            self.ready
            or len(self._admission)
            or self._claims
            or not self._referrals.is_unused
            or self._connections
            or self._opening
        ) and (self._suspension.until <= self._shared.clock())

    @property
    def waits_in_turn(self) -> bool:
        """Whether all that it can do is wait for its turn at a place: then it is kicked (PL1)."""
        return not (self._connections or self._opening) and self._shared.places.waits_for_share(
            self
        )

    @property
    def waiting(self) -> int:
        """How many recipients wait here, and have not been claimed."""
        return len(self.ready) + self._admission.recipients

    def find_group(self, delivery: DeliveryId) -> tuple[Group, UnixMs] | None:
        """Return a recipient's group, and until when our policy has it wait (0: it may go); None: it is not here."""
        return self._admission.find(delivery)

    def forget_failures(self) -> None:
        """Of the site: it is asked again at the next kick."""
        self._suspension.forget()
        self._referrals.forget_failures()

    def find_suspension(self) -> tuple[Transient, UnixMs] | None:
        """Return why and until when the site is left alone now, if it is."""
        failure = self._suspension.find(self._shared.clock())
        return None if failure is None else (failure, self._suspension.until)

    @property
    def key(self) -> PlaceKey:
        """Whose places its connections take."""
        return self._way.key

    @property
    def limits(self) -> Limits:
        """Now, of its source and provider."""
        return self._shared.policy.limits(self._way.path, self._way.site.provider)

    def find_opening_wait(self) -> Wait | None:
        """Return why and until when our policy has no connection opened, if it is so now."""
        wait = self._opening_wait
        return None if wait is None or wait.until <= self._shared.clock() else wait

    def discard(self) -> None:
        """It is unused and goes: it waits for no connection any more, so nobody gives way to it."""
        self._shared.places.forget(self._way.key, self)
        self._shared.waits.forget(self)

    @property
    def path(self) -> EgressPath:
        return self._way.path

    @property
    def site(self) -> Site:
        return self._way.site

    def follow(self, site: Site) -> None:
        """The site was resolved anew: its addresses and limits may have changed. Its provider is the same."""
        if site is not self._way.site:
            self._way.site = site
            self.ready.recipients_per_message = self.limits.recipients
            self.ready.one_by_one = self.limits.one_by_one

    def renew(self, site: Site, settings: Delivery) -> None:
        """Follow it after a reload. Connections that are too many now end: idle ones at once, others after their
        transfer.
        """
        self.follow(site)
        self._suspension.retry_s = site.provider.retry_s or settings.retry_s
        self._claims.wake_all()

    def put_back(self) -> list[DueHead]:
        """Return what has not been claimed, for the disk, where it still is."""
        return self._admission.empty()

    def push(self, head: DueHead) -> None:
        """Take a recipient in; ``kick`` sets to work."""
        self.ready.push(head)

    def kick(self) -> None:
        """Claim, wake or connect, as what waits demands. Cheap when there is nothing to do."""
        if self._way.is_draining:
            return
        failure = self._suspension.find(self._shared.clock())
        if failure is not None:
            self._give_up_claimed(failure, attempted=False)
            if self._admission.groups:
                self._give_up_ready(failure, attempted=False)
                return
        self._refill()
        self._claims.wake()
        self._referrals.seek()
        self._open_connections()

    def wait_is_over(self) -> None:
        """What the policy kept waiting may be asked for again."""
        if self._way.is_draining:
            return
        self._admission.end_waits()
        self.kick()

    def ask_anew(self) -> None:
        """Whatever waits may be asked for again, however long it was to wait."""
        if not self._way.is_draining:
            self._admission.ask_anew()
            self.kick()

    def drain(self) -> list[Work]:
        """Begin nothing new; returns claimed work that has not begun. Transfers under way go on."""
        self._way.is_draining = True
        self._claims.end_idle()
        self._referrals.drain()
        return self._claims.drain()

    # --- claims

    def _refill(self) -> None:
        """Keep about one claimed transaction ready per two connections, so that none waits for the disk."""
        connections, have = self._connections, len(self._claims)
        if not connections or have > connections // 2 or self._way.is_draining:
            return
        if not self._shared.clerk.may_claim():
            return
        groups = self._admission.take(connections + connections // 2 + 1 - have)
        if groups:
            self._claims.begin(groups)

    def claims_are_done(self) -> None:
        failure = self._suspension.find(self._shared.clock())
        if failure is not None:
            self._give_up_claimed(failure, attempted=False)
        self._refill()
        if not self._connections:
            self.kick()  # what is ready may be more urgent than what a place is being asked for

    def not_claimed(self, groups: Sequence[Group]) -> None:
        self._admission.put_first(groups)  # EQ1

    # --- connections

    def _open_connections(self) -> None:
        shared, way = self._shared, self._way
        free = self._connections - self.carriage.busy
        waiting = self._admission.groups + len(self._claims) - free
        if waiting <= self._opening or not shared.clerk.may_claim():
            return
        if self._connections:
            if not self._suspension.allows_more(shared.clock()):
                return  # but with none left, nothing would carry what waits
        elif self._suspension.find(shared.clock()) is not None:
            return  # what is being claimed is given up when it is
        limit = self.limits.connections
        at_once = waiting if self._connections else min(waiting, FIRST_CONNECTIONS)
        while self._opening < at_once:
            now = shared.clock()
            if (wait := shared.policy.find_connection_wait(way.path, way.site, now)) is not None:
                self._wait_to_open(wait)
                return
            opener, priority = self._opener()
            lease = shared.places.try_take(
                way.key, limit, self, site=way.site.name, opener=opener, priority=priority
            )
            if lease is None:
                return
            # Work that neither a free connection nor one being opened takes
            if not self._admission.ensure(self._opening + 1 + free - len(self._claims)):  # EQ2
                lease.give_back()
                return
            self._opening += 1
            shared.policy.connecting(way.path, way.site, now)
            Carrier(
                shared, way, lease, UsualRound(self, self._claims, way, lease), self.carriage
            ).start()

    def wait_to_open(self, wait: Wait, tenant: str, stream: str) -> None:
        """Be kicked when the wait is over. It stands in line for no place meanwhile: nobody gives way to it."""
        shared, way = self._shared, self._way
        self._opening_wait = wait
        shared.places.forget(way.key, self)
        shared.waits.add(self, wait.until)
        lane = Lane(tenant=tenant, provider=way.site.provider.name, stream=stream)
        shared.reasons.note(lane, way.path.source, wait, shared.clock())

    def _wait_to_open(self, wait: Wait) -> None:
        if (head := self._admission.first) is not None:
            self.wait_to_open(wait, head.tenant, head.stream)
        elif (work := self._claims.first) is not None:
            self.wait_to_open(wait, work.message.tenant, work.message.stream)
        else:
            self._shared.waits.add(self, wait.until)

    def _opener(self) -> tuple[Opener, int]:
        """Return whose mail a connection is opened for, and its priority: of the most urgent that waits for one.

        Not of what is first: turns here stand still without a connection, and what is claimed is no less urgent.
        """
        found: list[tuple[Opener, int]] = []
        if (work := self._claims.most_urgent) is not None:
            found.append((opener_of_work(work), priority_of(work.message)))
        if (head := self._admission.most_urgent) is not None:
            found.append((opener_of(head), priority_of(head)))
        return min(found, key=lambda each: each[1], default=(NOBODY, DEFAULT_STREAM_PRIORITY))

    def connection_opened(self) -> int:
        self._opening -= 1
        self._connections += 1
        self._suspension.connected()
        self._open_connections()
        self._refill()
        return self._wasted

    def connection_refused(self, failure: Failure) -> None:
        shared, way = self._shared, self._way
        now = shared.clock()
        shared.policy.refused(way.path, way.site, failure, now)
        if isinstance(failure, Permanent):
            self._refused_for_good(failure, now)
            return
        if self._suspension.find(now) is not None:
            return  # one of several that were opened together
        self._tell_refused(failure)
        if self._connections:
            self._suspension.refused_more(now)
            return
        self._suspension.failed(failure, now)
        attempted = not failure.source_failed  # else nobody was asked
        self._give_up_claimed(failure, attempted=attempted)
        self._give_up_ready(failure, attempted=attempted)

    def _refused_for_good(self, failure: Permanent, now: UnixMs) -> None:
        """What waits is refused; the site is not suspended: what comes later asks for itself."""
        self._tell_refused(failure)
        if self._connections:
            self._suspension.refused_more(now)
            return
        self._give_up_claimed(failure, attempted=True)
        self._give_up_ready(failure, attempted=True)

    def _tell_refused(self, failure: Failure) -> None:
        self._shared.observer.connection_failed(failure)
        self._shared.counts.connection_refused(self._way.key, self._shared.clock())

    def connection_ended(self, *, was_open: bool) -> None:
        if was_open:
            self._connections -= 1
        else:
            self._opening -= 1

    def connection_wasted(self, connection: Connection, before: int) -> None:
        """Those that stood side by side and ended together count once: each may have been idle."""
        if before != self._wasted or self._way.is_draining:
            return
        self._shared.hosts.avoid(connection.host, connection.address)
        self._wasted += 1
        if self._wasted == WASTED:
            self._wasted = 0
            self.connection_refused(hung_up(self._shared.clock(), self._way.path, connection))

    def connection_beside(self, change: int) -> None:
        self._connections += change

    def next_parcel(self, transfers: int) -> Parcel | None:
        if transfers >= YIELD_AFTER and self._is_place_awaited():
            return None
        if not self._way.is_draining:
            self._refill()
        if transfers:
            self._wasted = 0
        return self._claims.take()

    def must_leave(self, lease: Lease) -> bool:
        return self._shared.places.must_leave(lease, self.limits.connections)

    def may_idle(self, transfers: int) -> bool:
        if self._way.is_draining or self._referrals.wants_place:
            return False
        if not self._is_place_awaited():
            return True
        return transfers < YIELD_AFTER and self._claims.expects_connection

    def may_end(self, transfers: int) -> bool:
        return transfers >= YIELD_AFTER or self._claims.may_end_one()

    def _is_place_awaited(self) -> bool:
        return self._shared.places.is_awaited(self._way.key, self)

    def _give_up_claimed(self, failure: Failure, *, attempted: bool) -> None:
        """What was claimed meets it, too, unless a connection is left that carries it."""
        if self._connections:
            return
        shared, way, until = self._shared, self._way, self._suspension.until
        for work in self._claims.drain():
            told, final = [failure] * len(work.recipients), way.site.final
            # EQ1
            shared.clerk.conclude(work, told, final=final, not_before=until, attempted=attempted)
            shared.budget.free(work.octets)

    def _give_up_ready(self, failure: Failure, *, attempted: bool) -> None:
        """What may go meets the failure of its site; what our own policy keeps waiting makes no attempt.

        Nor does what goes another way while a smart host rests.
        """
        shared = self._shared
        if shared.policy.is_resting(self._way.site, shared.clock()):
            self._admission.ensure(self.waiting)
        heads = self._admission.drain()
        if heads:
            failure = with_provider(failure, self._way.site.provider.name)
            until = self._suspension.until
            shared.undeliverable.put(heads, failure, until, attempted=attempted)  # EQ1
