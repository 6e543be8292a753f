"""Events as syslog messages (RFC 5424), framed by octet counting over TCP or TLS (RFC 6587 section 3.4.1, RFC 5425).

Syslog has no answer: what was written to a connection that stands counts as told. Signatures have no place in it; TLS
says who listens.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from angarium.queue.model import UnixMs
from angarium.webhooks.courier import Letter
from angarium.webhooks.sinks.reach import Reach
from angarium.webhooks.sinks.sink import Place, SinkError

_PRIORITY: Final = 2 * 8 + 6  # mail, informational
_MSGID: Final = 32  # characters; section 6
_HOSTNAME: Final = 255


def frame(letter: Letter, hostname: str, now: UnixMs) -> bytes:
    """Return the message with its length in front. MSGID is the type of the event, MSG its JSON on one line."""
    at = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
    msgid = letter.type[:_MSGID] or "-"
    head = f"<{_PRIORITY}>1 {at} {hostname[:_HOSTNAME] or '-'} angarium - {msgid} - "
    # Of JSON, line ends are between its parts only
    message = head.encode() + b" ".join(letter.body.splitlines())
    return b"%d %s" % (len(message), message)


class SyslogSink:
    def __init__(
        self,
        place: Place,
        reach: Reach,
        hostname: str,
        clock: Callable[[], UnixMs],
        context: ssl.SSLContext | None = None,
    ) -> None:
        """``context``: which certificates are trusted; None: the system's."""
        self._place = place
        self._reach = reach
        self._hostname = hostname
        self._clock = clock
        self._context = context
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def tell(self, letter: Letter) -> str:
        async with self._lock:
            reader, writer = await self._connected()
            writer.write(frame(letter, self._hostname, self._clock()))
            await writer.drain()
            await asyncio.sleep(0)  # what has come meanwhile is seen
            if reader.at_eof() or writer.is_closing():
                raise SinkError("the connection was closed while it was told")
            return "written"

    async def close(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises SinkError, OSError."""
        if self._streams is not None:
            reader, writer = self._streams
            if not reader.at_eof() and not writer.is_closing():
                return self._streams
            writer.close()
            self._streams = None
        target = self._place.target
        problem: OSError | None = None
        for address in await self._reach.addresses(target):
            try:
                self._streams = await asyncio.open_connection(
                    address,
                    target.port,
                    ssl=None if target.is_clear else self._context or ssl.create_default_context(),
                    server_hostname=None if target.is_clear else target.host,
                )
            except OSError as error:
                problem = error
            else:
                return self._streams
        raise problem or SinkError(f"{target.host} has no address")
