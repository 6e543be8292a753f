"""An open-loop SMTP client: messages are due by the clock, whether earlier ones were answered or not."""

import asyncio
import time
from collections import deque
from typing import Any, Final, cast

import msgspec

from bench.load import DOMAIN, SENDER
from bench.ports import LOOPBACK

_ENVELOPE_REPLIES: Final = 3  # MAIL, RCPT, DATA, pipelined


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds, sorted."""

    accept: list[float]  # from the last octet of data written to the 250
    # From when the message was due to the 250: waiting for a session included
    since_due: list[float]
    unsent: int  # due, and not answered at the end


class _Session(asyncio.Protocol):
    """One connection, which carries one message at a time."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._buffer = b""
        self._stage = "banner"
        self._replies = 0
        self._due = self._ended = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def begin(self, due: float, number: int) -> None:
        self._due, self._stage, self._replies = due, "envelope", 0
        self._transport.write(
            b"MAIL FROM:<%b>\r\nRCPT TO:<%dlatency@%b>\r\nDATA\r\n"
            % (SENDER.encode(), number, DOMAIN.encode())
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n")) >= 0:
            line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
            if line[3:4] != b"-":
                self._reply(line)

    def _reply(self, line: bytes) -> None:
        if line[:1] not in b"23":
            self._client.fail(f"{self._stage}: {line.decode('latin-1')}")
        elif self._stage == "banner":
            self._stage = "ehlo"
            self._transport.write(b"EHLO load.test\r\n")
        elif self._stage == "envelope":
            self._replies += 1
            if self._replies == _ENVELOPE_REPLIES:
                self._stage = "message"
                self._transport.write(self._client.message)
                self._ended = time.monotonic()
        else:
            if self._stage == "message":
                self._client.accepted(self._due, self._ended, time.monotonic())
            self._stage = "idle"
            self._client.idle(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._client.fail("the connection was lost")

    def close(self) -> None:
        self._client = cast(Any, _Ended())
        self._transport.close()


class _Ended:
    def fail(self, reason: str) -> None: ...


class Client:
    """Opens all its sessions first, then lets messages fall due at a steady rate."""

    def __init__(self, port: int, *, size: int, sessions: int, first: int = 0) -> None:
        """``first``: what recipients are numbered from."""
        line = b"X" * 70 + b"\r\n"
        header = b"From: <%b>\r\nSubject: latency\r\n\r\n" % SENDER.encode()
        self.message = header + line * (size // len(line)) + b".\r\n"
        self._port = port
        self._sessions = sessions
        self._idle: deque[_Session] = deque()
        self._waiting: deque[float] = deque()
        self._numbers = first
        self._accept: list[float] = []
        self._since_due: list[float] = []
        self._failure: asyncio.Future[None]

    async def run(self, rate: float, seconds: float) -> Latencies:
        loop = asyncio.get_running_loop()
        self._failure = loop.create_future()
        sessions = []
        for _ in range(self._sessions):
            _, session = await loop.create_connection(lambda: _Session(self), LOOPBACK, self._port)
            sessions.append(session)
        while len(self._idle) < self._sessions:
            await self._pause(0.01)
        await self._fall_due(rate, seconds)
        deadline = time.monotonic() + 10
        while len(self._idle) < self._sessions and time.monotonic() < deadline:
            await self._pause(0.01)
        unsent = len(self._waiting) + self._sessions - len(self._idle)
        for session in sessions:
            session.close()
        return Latencies(
            accept=sorted(self._accept), since_due=sorted(self._since_due), unsent=unsent
        )

    async def _fall_due(self, rate: float, seconds: float) -> None:
        began, number = time.monotonic(), 0
        while number < rate * seconds:
            now = time.monotonic()
            while number < rate * seconds and began + number / rate <= now:
                self._due(began + number / rate)
                number += 1
            await self._pause(0.001)

    async def _pause(self, seconds: float) -> None:
        if self._failure.done():
            self._failure.result()
        await asyncio.sleep(seconds)

    def _due(self, at: float) -> None:
        if self._idle:
            self._start(self._idle.popleft(), at)
        else:
            self._waiting.append(at)

    def _start(self, session: _Session, at: float) -> None:
        self._numbers += 1
        session.begin(at, self._numbers)

    def idle(self, session: _Session) -> None:
        if self._waiting:
            self._start(session, self._waiting.popleft())
        else:
            self._idle.append(session)

    def accepted(self, due: float, ended: float, now: float) -> None:
        self._accept.append((now - ended) * 1000)
        self._since_due.append((now - due) * 1000)

    def fail(self, reason: str) -> None:
        if not self._failure.done():
            self._failure.set_exception(ConnectionError(reason))
