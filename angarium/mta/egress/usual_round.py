"""A connection that carries what waits in its egress queue, and is kept for more when there is none."""

import asyncio
from functools import partial
from typing import Protocol

from angarium.mta.egress.claiming import Claims
from angarium.mta.egress.lease import Lease
from angarium.mta.egress.shared import Way
from angarium.mta.egress.work import Parcel
from angarium.mta.transport.outcome import Failure
from angarium.mta.transport.transfer import Connection
from angarium.routing.resolution import Site

_NOBODY: frozenset[str] = frozenset()


class UsualMail(Protocol):
    """The egress queue, as its usual connections see it."""

    def connection_opened(self) -> int:
        """Return how many sessions in a row have ended for nothing by now."""
        ...

    def connection_refused(self, failure: Failure) -> None: ...
    def connection_ended(self, *, was_open: bool) -> None: ...

    def connection_wasted(self, connection: Connection, before: int) -> None:
        """It was ended by its peer and had carried nothing; ``before``: what ``connection_opened`` said."""
        ...

    def next_parcel(self, transfers: int) -> Parcel | None:
        """Return what a connection that made so many transfers carries next; claims more meanwhile."""
        ...

    def may_idle(self, transfers: int) -> bool:
        """Whether a connection without work is kept: its place may be wanted."""
        ...

    def may_end(self, transfers: int) -> bool:
        """Whether one that was kept ends when its place is wanted."""
        ...

    def must_leave(self, lease: Lease) -> bool:
        """Whether it is one too many, now that limits have changed."""
        ...


class UsualRound:
    """Satisfies ``carrier.Round``."""

    refused_by = _NOBODY

    def __init__(self, mail: UsualMail, claims: Claims, way: Way, lease: Lease) -> None:
        self._mail = mail
        self._claims = claims
        self._way = way
        self._lease = lease
        self._opened: tuple[Connection, int] | None = None

    @property
    def site(self) -> Site:
        return self._way.site

    def opened(self, connection: Connection) -> None:
        self._opened = (connection, self._mail.connection_opened())

    def not_opened(self, failure: Failure) -> None:
        self._mail.connection_refused(failure)

    def ended(self) -> None:
        self._mail.connection_ended(was_open=self._opened is not None)
        if self._opened is not None:
            connection, before = self._opened
            if not connection.is_open and not connection.transfers:
                self._mail.connection_wasted(connection, before)

    async def next_work(self, connection: Connection) -> Parcel | None:
        """Wait for at most ``idle_s``, or for what is being claimed, and no longer than the session lives."""
        mail = self._mail
        parcel = mail.next_parcel(connection.transfers)
        if parcel is not None or not mail.may_idle(connection.transfers):
            return parcel
        loop = asyncio.get_running_loop()
        end = loop.time() + self._way.site.provider.idle_s
        while await self._wait(connection, loop, end):
            if not connection.is_open:
                return None  # since it was woken: what it was to take is for another one
            if (parcel := self._claims.take()) is not None:
                return parcel
            # Else one that has just become free was faster, or what was claimed is not due any more
            if mail.must_leave(self._lease) or not mail.may_idle(connection.transfers):
                return None
        return None

    async def _wait(
        self, connection: Connection, loop: asyncio.AbstractEventLoop, end: float
    ) -> bool:
        """Wait until there is work; False: the connection ended, was idle for long enough, or its place is wanted."""
        wait: asyncio.Future[bool] = loop.create_future()
        self._lease.idle(wait, partial(self._mail.may_end, connection.transfers))
        self._claims.idle.append(wait)
        connection.on_end(self._lease.end_wait)
        timer = loop.call_at(end, self._idled)
        try:
            return await wait
        finally:
            timer.cancel()
            connection.on_end(None)
            self._lease.busy()
            if wait in self._claims.idle:
                self._claims.idle.remove(wait)

    def _idled(self) -> None:
        if self._claims.may_end_one():
            self._lease.end_wait()
