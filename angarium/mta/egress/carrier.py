"""The life of one connection: its place, its opening, its work, its end."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from angarium.mta.egress.counted_search import CountedSearch
from angarium.mta.egress.lease import Lease
from angarium.mta.egress.openings import gave_up
from angarium.mta.egress.shared import EgressShared, Way
from angarium.mta.egress.triage import defect
from angarium.mta.egress.work import Parcel
from angarium.mta.transport.outcome import Failure, Outcome, Permanent, Transient
from angarium.mta.transport.transfer import Connection
from angarium.routing.resolution import Site


class Round(Protocol):
    """What one connection is opened for: where its work comes from, and who keeps count of it."""

    @property
    def site(self) -> Site: ...

    @property
    def refused_by(self) -> frozenset[str]:
        """Hosts and addresses that are not to be asked; others are left."""
        ...

    def opened(self, connection: Connection) -> None: ...

    def not_opened(self, failure: Failure) -> None: ...

    async def next_work(self, connection: Connection) -> Parcel | None:
        """Return what the connection carries next, perhaps after a wait; None ends it."""
        ...

    def ended(self) -> None:
        """No more work is asked for, also if none ever was; the connection, if there is one, is still to be closed."""
        ...


class Carries(Protocol):
    """Sees one parcel through one transaction; ``carriage`` does."""

    async def carry(self, connection: Connection, parcel: Parcel) -> Sequence[Outcome]: ...


class Carrier:
    """The only place that opens, uses and closes a connection.

    Invariant 6: it is opened only with a place, and closed before the place is given back.
    """

    def __init__(
        self, shared: EgressShared, way: Way, lease: Lease, round_: Round, carriage: Carries
    ) -> None:
        self._shared = shared
        self._way = way
        self._lease = lease
        self._round = round_
        self._carriage = carriage

    def start(self) -> None:
        """Begin the life as a task. Raises RuntimeError while the process ends; the place is given back."""
        try:
            task = self._shared.spawn(self._live())
        except RuntimeError:
            self._round.ended()
            self._lease.give_back()
            raise
        self._lease.held_by(task)

    async def _live(self) -> None:
        shared, observer = self._shared, self._shared.observer
        connection: Connection | None = None
        try:
            async with self._lease:
                try:
                    opened = await self._open()
                    if isinstance(opened, Transient | Permanent):
                        self._round.not_opened(opened)
                    else:
                        connection = opened
                        observer.connection_opened()
                        shared.counts.connection_opened(self._way.key, shared.clock())
                        await self._use(connection)
                except asyncio.CancelledError:
                    raise
                except Exception as error:  # noqa: BLE001 - a task boundary
                    observer.internal_error("connection", error)
                    if connection is None:  # else the same would be opened again at once, for ever
                        self._round.not_opened(defect(error, shared.clock()))
                finally:
                    self._round.ended()
                    self._lease.closing()
                    if connection is not None:
                        await self._close(connection)
        finally:
            self._lease.owner.kick()

    async def _open(self) -> Connection | Failure:
        shared, lease = self._shared, self._lease
        try:
            async with lease.opening():
                return await shared.hosts.open(
                    self._round.site,
                    self._way.path,
                    self._round.refused_by,
                    CountedSearch(shared, self._way, lease),
                )
        except TimeoutError:
            if lease.tried is not None:
                shared.hosts.avoid(*lease.tried)
            return gave_up(lease, self._way.path.source)

    async def _use(self, connection: Connection) -> None:
        await self._lease.opened(connection)
        self._round.opened(connection)
        loop = asyncio.get_running_loop()
        while self._may_go_on(connection):
            parcel = await self._round.next_work(connection)
            if parcel is None:
                return
            self._lease.begins(parcel.work.recipients, loop.time())
            await self._carriage.carry(connection, parcel)
            self._lease.carries = ()
            del parcel  # an idle connection keeps no content

    async def _close(self, connection: Connection) -> None:
        try:
            if not connection.is_open:
                self._lease.owner.kick()  # what it leaves need not wait for its goodbye
        finally:
            await connection.close()
            self._shared.observer.connection_closed()

    def _may_go_on(self, connection: Connection) -> bool:
        """Whether it may carry another parcel: limits are read each time, a reload may have changed them."""
        shared, way = self._shared, self._way
        limits = shared.policy.limits(way.path, way.site.provider)
        return (
            connection.is_open
            and connection.transfers < limits.transfers
            and not shared.places.must_leave(self._lease, limits.connections)
        )
