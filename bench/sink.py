"""An SMTP sink that knows each recipient it got, and so can prove "exactly once". Runs as its own process.

``python -m bench.sink PORT``; a line on standard input is answered with one of JSON on standard output.
"""

import asyncio
import os
import sys
import time
from typing import Any, Final, cast

import msgspec
import uvloop

_END: Final = b"\r\n.\r\n"
_EHLO: Final = (
    b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n"
)
_OK: Final = b"250 2.0.0 Ok\r\n"


class Tally:
    """All that arrived, over all connections."""

    def __init__(self) -> None:
        self.messages = 0
        self.octets = 0
        self.signed = 0  # messages that begin with a DKIM-Signature, or carry one in the first 2 KB
        self.recipients: dict[bytes, int] = {}  # address -> how often
        self.first = 0.0
        self.last = 0.0

    def add(self, recipients: list[bytes], octets: int, signed: bool) -> None:
        self.last = time.monotonic()
        if not self.messages:
            self.first = self.last
        self.messages += 1
        self.octets += octets
        self.signed += signed
        for recipient in recipients:
            self.recipients[recipient] = self.recipients.get(recipient, 0) + 1

    def summary(self) -> dict[str, Any]:
        return {
            "messages": self.messages,
            "octets": self.octets,
            "signed": self.signed,
            "recipients": len(self.recipients),
            "duplicates": sum(count - 1 for count in self.recipients.values()),
            "first": self.first,
            "last": self.last,
        }


class SinkProtocol(asyncio.Protocol):
    """Accepts everything. Pipelined commands are answered in one write."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._buffer = b""
        self._recipients: list[bytes] = []
        self._octets = -1  # of the message so far; below 0: not in DATA
        self._signed = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by type
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        out: list[bytes] = []
        while buffer:
            if self._octets >= 0:
                buffer, more = self._message(buffer, out)
            else:
                buffer, more = self._command(buffer, out)
            if not more:
                break
        self._buffer = buffer
        if out:
            self._transport.write(b"".join(out))

    def _message(self, buffer: bytes, out: list[bytes]) -> tuple[bytes, bool]:
        if self._octets == 0 and len(buffer) >= 3:
            self._signed = b"DKIM-Signature:" in buffer[:2048]
        end = -2 if self._octets == 0 and buffer.startswith(b".\r\n") else buffer.find(_END)
        if end == -1:
            keep = len(_END) - 1  # the end may be cut in two
            self._octets += max(0, len(buffer) - keep)
            return buffer[-keep:], False
        self._tally.add(self._recipients, self._octets + end + 2, self._signed)
        self._recipients, self._octets = [], -1
        out.append(_OK)
        return buffer[end + len(_END) :], True

    def _command(self, buffer: bytes, out: list[bytes]) -> tuple[bytes, bool]:
        line, end, rest = buffer.partition(b"\r\n")
        if not end:
            return buffer, False
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._recipients.append(line[line.find(b"<") + 1 : line.find(b">")])
        elif verb in (b"MAIL", b"RSET"):
            self._recipients = []
        elif verb == b"DATA":
            self._octets = 0
            out.append(b"354 go on\r\n")
            return rest, True
        elif verb in (b"EHLO", b"HELO"):
            out.append(_EHLO if verb == b"EHLO" else b"250 sink\r\n")
            return rest, True
        elif verb == b"QUIT":
            self._transport.write(b"".join(out) + b"221 2.0.0 Bye\r\n")
            self._transport.close()
            out.clear()
            return b"", False
        out.append(_OK)
        return rest, True


async def serve(port: int) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    ended = loop.create_future()
    server = await loop.create_server(lambda: SinkProtocol(tally), "127.0.0.1", port, backlog=1024)

    def asked() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            ended.set_result(None)
            return
        os.write(1, msgspec.json.encode(tally.summary()) + b"\n")

    loop.add_reader(0, asked)
    os.write(1, b"{}\n")  # ready
    await ended
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
