"""A listening socket and the connections that came in by it."""

import asyncio
import socket
from collections.abc import Set
from typing import Final

from angarium.smtp_in.connection import InboundConnection, InboundFacts
from angarium.smtp_in.reception import OpenTap, Reception

# ours; the kernel caps it at net.core.somaxconn
BACKLOG: Final = 1024
# ours: how late a time limit may be noticed, at most, and never later than a quarter of the shortest limit
SWEEP_S: Final = 1.0
SWEEPS_PER_LIMIT: Final = 4
# Ours, while the process ends: who says nothing for so long in the midst of a transaction is not waited for.
QUIET_S: Final = 5.0


class SmtpListener:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._connections: dict[int, InboundConnection] = {}  # by id
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        if reception.logins is not None:
            reception.logins.on_changed(self._end_logins)
        limits = reception.limits
        shortest = min(
            *(limits.command_timeout_s, limits.data_timeout_s, limits.total_timeout_s),
            *(limits.tls_handshake_timeout_s, limits.accept_timeout_s),
        )
        self._sweep_s = max(0.01, min(SWEEP_S, shortest / SWEEPS_PER_LIMIT))

    @property
    def connection_count(self) -> int:
        """Open now, those included that are being turned away."""
        return len(self._connections)

    def connections(self) -> list[InboundFacts]:
        """What each is doing now, those included that are being turned away; the oldest first."""
        return [each.describe() for each in self._connections.values()]

    def end(self, connection_id: int) -> bool:
        """End one with 421, at once or behind the reply to a message under way. False: there is none of this id."""
        connection = self._connections.get(connection_id)
        if connection is not None:
            connection.end()
        return connection is not None

    async def start(self, bound: socket.socket) -> None:
        """Listen on a socket that is bound already, and own it from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: InboundConnection(self._reception, loop, self._connections, self._ended),
            sock=bound,
            backlog=BACKLOG,
        )
        self._sweeper = loop.call_later(self._sweep_s, self._sweep)

    def watch(self, open_tap: OpenTap | None) -> None:
        """Show sessions, those that are open included, from now on; None: no more."""
        self._reception.open_tap = open_tap
        for connection in self._connections.values():
            connection.watch()

    async def close(self, drain_s: float) -> None:
        """Stop listening; 421 to who is idle; let transactions under way end within ``drain_s``, then cut the rest.

        One that gets no further for QUIET_S ends with 421: nobody is taken in while it is waited for.
        """
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections.values()):
            connection.leave()
        if not await self._has_drained(drain_s):
            for connection in list(self._connections.values()):
                connection.abort()
            await self._is_empty_within(1.0)
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def _has_drained(self, drain_s: float) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + drain_s
        seen = {each.id: each.progress for each in self._connections.values()}
        while (left := end - loop.time()) > 0:
            if await self._is_empty_within(min(QUIET_S, left)):
                return True
            before, seen = seen, {each.id: each.progress for each in self._connections.values()}
            for each in list(self._connections.values()):
                if before.get(each.id) == seen[each.id]:
                    each.end(is_shutdown=True)
        return not self._connections

    async def _is_empty_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while self._connections:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            return not self._connections
        return True

    def _end_logins(self, users: Set[str]) -> None:
        for connection in list(self._connections.values()):
            connection.end_login(users)

    def _ended(self) -> None:
        if not self._connections:
            self._empty.set()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._reception.logins is not None:
            self._reception.logins.refresh()
        for connection in list(self._connections.values()):
            connection.check_time(now)
        self._sweeper = loop.call_later(self._sweep_s, self._sweep)
