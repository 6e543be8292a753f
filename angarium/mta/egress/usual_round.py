"""A connection that carries what waits in its egress queue, and is kept for more when there is none."""

import asyncio
from typing import Protocol

from angarium.mta.egress.claiming import Claims
from angarium.mta.egress.lease import Lease
from angarium.mta.egress.shared import Way
from angarium.mta.egress.work import Parcel
from angarium.mta.transport.outcome import Transient
from angarium.mta.transport.transfer import Connection
from angarium.routing.resolution import Site

_NOBODY: frozenset[str] = frozenset()


class UsualMail(Protocol):
    """The egress queue, as its usual connections see it."""

    def connection_opened(self) -> None: ...
    def connection_refused(self, failure: Transient) -> None: ...
    def connection_ended(self, *, was_open: bool) -> None: ...

    def next_parcel(self, transfers: int) -> Parcel | None:
        """Return what a connection that made so many transfers carries next; claims more meanwhile."""
        ...

    def may_idle(self, transfers: int) -> bool:
        """Whether a connection without work is kept: its place may be wanted."""
        ...


class UsualRound:
    """Satisfies ``carrier.Round``."""

    refused_by = _NOBODY

    def __init__(self, mail: UsualMail, claims: Claims, way: Way, lease: Lease) -> None:
        self._mail = mail
        self._claims = claims
        self._way = way
        self._lease = lease
        self._was_open = False

    @property
    def site(self) -> Site:
        return self._way.site

    def opened(self) -> None:
        self._was_open = True
        self._mail.connection_opened()

    def not_opened(self, failure: Transient) -> None:
        self._mail.connection_refused(failure)

    def ended(self) -> None:
        self._mail.connection_ended(was_open=self._was_open)

    async def next_work(self, connection: Connection) -> Parcel | None:
        """Wait for at most ``idle_s``."""
        mail = self._mail
        parcel = mail.next_parcel(connection.transfers)
        if parcel is not None or not mail.may_idle(connection.transfers):
            return parcel
        loop = asyncio.get_running_loop()
        end = loop.time() + self._way.site.provider.idle_s
        while await self._wait(loop, end):
            if (parcel := self._claims.take()) is not None:
                return parcel  # else a connection that has just become free was faster
        return None

    async def _wait(self, loop: asyncio.AbstractEventLoop, end: float) -> bool:
        """Wait until there is work; False: the connection has been idle for long enough, or its place is wanted."""
        wait: asyncio.Future[bool] = loop.create_future()
        self._lease.idle(wait)
        self._claims.idle.append(wait)
        timer = loop.call_at(end, self._lease.end_wait)
        try:
            return await wait
        finally:
            timer.cancel()
            self._lease.busy()
            if wait in self._claims.idle:
                self._claims.idle.remove(wait)
