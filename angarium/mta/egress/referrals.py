"""What one host of a site refused for now goes to the others, over connections of its own (RFC 5321 section 5.1)."""

from collections.abc import Sequence
from typing import Final, Protocol

from angarium.mta.egress.carrier import Carrier, Carries
from angarium.mta.egress.lease import Seeker
from angarium.mta.egress.next_host import NextHosts
from angarium.mta.egress.policy import Wait
from angarium.mta.egress.shared import EgressShared, Way
from angarium.mta.egress.work import Parcel, Referred, Told, opener_of_work, priority_of
from angarium.mta.transport.outcome import Failure
from angarium.mta.transport.transfer import Connection
from angarium.routing.resolution import Site

# Ours: other mail stays with the preferred host.
CONNECTIONS: Final = 2


class Referrals:
    """Of one egress queue.

    Invariant RF1: what was referred is carried, or recorded with what the last host said; its octets are free then.
    """

    def __init__(self, shared: EgressShared, way: Way, owner: "Refers") -> None:
        self._shared = shared
        self._way = way
        self._owner = owner
        self._next_hosts = NextHosts()
        self._seeking = 0  # connections for these: being opened, or open

    @property
    def is_unused(self) -> bool:
        return not (self._next_hosts or self._seeking)

    @property
    def is_draining(self) -> bool:
        return self._way.is_draining

    @property
    def wants_place(self) -> bool:
        return bool(self._next_hosts) and not self._seeking

    def has_others(self, refused_by: frozenset[str]) -> bool:
        """Whether another host of the site may be asked."""
        return self._next_hosts.has_others(self._way.site, refused_by, self._shared.clock())

    def refer(self, parcel: Parcel, refused: Sequence[Told], refused_by: frozenset[str]) -> None:
        """Have recipients that a host refused for now tried at the site's others."""
        outcomes = tuple(each.outcome for each in refused)
        self._next_hosts.add(Referred(parcel.for_next_host(refused, refused_by), outcomes))
        self.seek()

    def seek(self) -> None:
        """Open connections for what waits for another host."""
        shared, way = self._shared, self._way
        while self._seeking < min(len(self._next_hosts), CONNECTIONS):
            first = self._next_hosts.first.parcel.work
            if not self.has_others(first.refused_by) or not shared.policy.may_begin(
                first, way.site
            ):
                # The site has changed, or its tenant has as many under way as it may: it is due again soon
                self.give_up(self._next_hosts.next())
                continue
            now = shared.clock()
            if (wait := shared.policy.find_connection_wait(way.path, way.site, now)) is not None:
                message = self._next_hosts.first.parcel.work.message
                self._owner.wait_to_open(wait, message.tenant, message.stream)
                return
            lease = shared.places.try_take(
                way.key,
                shared.policy.limits(way.path, way.site.provider).connections,
                self._owner,
                site=way.site.name,
                opener=opener_of_work(self._next_hosts.first.parcel.work),
                priority=priority_of(self._next_hosts.first.parcel.work.message),
                spares_own=False,
            )
            if lease is None:
                return
            self._seeking += 1
            shared.policy.connecting(way.path, way.site, now)
            round_ = NextHostRound(self, self._next_hosts.next(), way.site)
            Carrier(shared, way, lease, round_, self._owner.carriage).start()

    def forget_failures(self) -> None:
        self._next_hosts.forget_failures()

    def drain(self) -> None:
        for each in self._next_hosts.drain():
            self.give_up(each)

    def give_up(self, referred: Referred) -> None:
        """No other host can be asked: what the last one said stands."""
        work = referred.parcel.work
        self._shared.clerk.conclude(work, referred.outcomes, final=self._way.site.final)  # RF1
        self._shared.budget.free(work.octets)

    # --- for the connections

    def may_begin(self, referred: Referred) -> bool:
        return self._shared.policy.may_begin(referred.parcel.work, self._way.site)

    def connection_opened(self) -> None:
        self._owner.connection_beside(+1)

    def connection_refused(self, refused_by: frozenset[str]) -> None:
        for each in self._next_hosts.no_others(refused_by, self._shared.clock()):
            self.give_up(each)

    def connection_ended(self, *, was_open: bool) -> None:
        self._seeking -= 1
        if was_open:
            self._owner.connection_beside(-1)

    def next_for(self, connection: Connection) -> Referred | None:
        """Take the oldest that the connection's host has not refused."""
        return self._next_hosts.find_for(connection.host, connection.address)


class Refers(Seeker, Protocol):
    """Whose referrals these are: an egress queue."""

    @property
    def carriage(self) -> Carries: ...

    def wait_to_open(self, wait: Wait, tenant: str, stream: str) -> None:
        """No connection may be opened before the wait is over; whose mail waits for one."""
        ...

    def connection_beside(self, change: int) -> None:
        """So many more connections of the queue are open, beside its usual ones."""
        ...


class NextHostRound:
    """A connection to a host that others were preferred to; it ends with what waits for it. Satisfies ``Round``."""

    def __init__(self, referrals: Referrals, first: Referred, site: Site) -> None:
        self.site: Final = site
        self.refused_by: Final = first.parcel.work.refused_by
        self._referrals = referrals
        self._first: Referred | None = first
        self._was_open = False

    def opened(self, connection: Connection) -> None:
        self._was_open = True
        self._referrals.connection_opened()

    def not_opened(self, failure: Failure) -> None:
        self._referrals.connection_refused(self.refused_by)

    async def next_work(self, connection: Connection) -> Parcel | None:
        if self._referrals.is_draining:
            return None
        referred, self._first = self._first, None
        if referred is None:
            referred = self._referrals.next_for(connection)
        if referred is not None and not self._referrals.may_begin(referred):
            self._referrals.give_up(referred)
            return None
        return None if referred is None else referred.parcel

    def ended(self) -> None:
        if self._first is not None:
            self._referrals.give_up(self._first)  # RF1
        self._referrals.connection_ended(was_open=self._was_open)
