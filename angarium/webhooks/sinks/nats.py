"""Events as messages of a NATS subject. A server has one when it has answered a PING behind it; with JetStream, when a
stream has stored it.
"""

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client

from angarium.webhooks.courier import Letter
from angarium.webhooks.sinks.reach import Reach
from angarium.webhooks.sinks.sink import Place, SinkError

WAIT_S: Final = 10  # for a server's answer; ``Endpoints`` may be done before
_WRITTEN_S: Final = 0.001  # between looks
_LOST: Final = "the connection was lost"

T = TypeVar("T")


class NatsSink:
    def __init__(self, place: Place, reach: Reach, context: ssl.SSLContext | None = None) -> None:
        """``context``: which certificates are trusted; None: the system's."""
        self._place = place
        self._reach = reach
        self._context = context
        self._lock = asyncio.Lock()
        self._line: _Line | None = None

    async def tell(self, letter: Letter) -> str:
        try:
            async with self._lock:
                if self._line is None or not self._line.client.is_connected:
                    self._line = await self._connected()
                line = self._line
            return await line.unless_lost(self._told(line, letter))
        except nats.errors.Error as error:
            if not isinstance(error, nats.errors.MaxPayloadError | nats.js.errors.Error):
                await self.close()
            raise SinkError(str(error) or type(error).__name__) from None

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.client.close()

    async def _told(self, line: "_Line", letter: Letter) -> str:
        client, headers = line.client, dict(letter.headers)
        if self._place.options.get("jetstream") == "true":
            # A stream takes what comes again once, within its window
            headers["Nats-Msg-Id"] = letter.event_id
            stored = await client.jetstream().publish(
                self._place.name, letter.body, timeout=WAIT_S, headers=headers
            )
            return f"stream {stored.stream}, sequence {stored.seq}"
        await client.publish(self._place.name, letter.body, headers=headers)
        # The library's PING may go out before what is to be flushed
        while client.pending_data_size and client.is_connected:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(_WRITTEN_S)
        await client.flush(WAIT_S)
        if client.last_error is not None:  # such as of who may not publish it
            raise nats.errors.Error(str(client.last_error))
        return "taken by the server"

    async def _connected(self) -> "_Line":
        """Raises SinkError, OSError, nats.errors.Error."""
        target = self._place.target
        scheme = "nats" if target.is_clear else "tls"
        found = await self._reach.addresses(target)
        more: dict[str, Any] = {}
        if not target.is_clear:
            more = {
                "tls": self._context or ssl.create_default_context(),
                "tls_hostname": target.host,
            }
        if target.user is not None and target.password is None:
            more["token"] = target.user
        elif target.user is not None:
            more |= {"user": target.user, "password": target.password}
        line = _Line()
        try:
            await line.client.connect(
                [f"{scheme}://{_bracketed(each)}:{target.port}" for each in found],
                name="angarium",
                # It would go to servers that a server names, past the guard (P1)
                allow_reconnect=False,
                connect_timeout=WAIT_S,
                error_cb=_pass_over,
                closed_cb=line.lose,
                **more,
            )
        except BaseException:
            # ``close`` would wait for the end of what has not begun
            if (transport := line.client._transport) is not None:
                transport.close()  # type: ignore[no-untyped-call]
            raise
        return line


class _Line:
    """A connection, and whether it stands."""

    def __init__(self) -> None:
        self.client = Client()
        self._lost = asyncio.Event()

    async def lose(self) -> None:
        self._lost.set()

    async def unless_lost(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what ``work`` returns; the library itself would wait for what cannot come. Raises SinkError."""
        doing, losing = asyncio.ensure_future(work), asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait((doing, losing), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise SinkError(_LOST)
            return doing.result()
        finally:
            doing.cancel()
            losing.cancel()


async def _pass_over(_: Exception) -> None:
    """What goes wrong is raised where it matters; the library would log it besides."""


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
