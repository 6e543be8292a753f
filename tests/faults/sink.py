"""Where the mail goes: an SMTP server of the test's own that counts recipients, and fails as it is told."""

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

import msgspec

Stage = Literal["connect", "ehlo", "mail", "rcpt", "data", "content", "dot"]
STAGES: tuple[Stage, ...] = ("connect", "ehlo", "mail", "rcpt", "data", "content", "dot")


class Trouble(msgspec.Struct, frozen=True):
    """What goes wrong at a stage. ``content``: in the midst of it; ``dot``: recorded, but not answered.

    Content that was refused in its midst is read to its end and thrown away.
    """

    stage: Stage
    act: Literal["drop", "hang", "refuse"]
    odds: float = 1.0


class Sink:
    """Invariant: what is received is counted before it is answered."""

    def __init__(self, host: str, ports: tuple[int, ...], chance: random.Random) -> None:
        self.received: Counter[str] = Counter()  # by recipient, on the final dot
        self.unanswered: Counter[str] = Counter()  # of these, how often we kept the answer back
        self.damaged: list[str] = []  # content that is not what was sent
        self.troubles: tuple[Trouble, ...] = ()
        # Told of each mail: its reverse path, its recipients, its header
        self.on_taken: Callable[[str, list[str], str], None] = lambda _path, _recipients, _head: (
            None
        )
        self.held: set[str] = set()  # addresses that are refused for now, at RCPT
        self.last_asked: dict[
            str, float
        ] = {}  # by address, when we were last asked to take mail for it
        self.connections: set[_Connection] = set()
        self._host = host
        self._ports = ports
        self._chance = chance
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for port in self._ports:
            server = await loop.create_server(lambda: _Connection(self), self._host, port)
            self._servers.append(server)

    async def stop(self) -> None:
        """Refuse connections and cut those that are open."""
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.cut()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    def find_trouble(self, stage: Stage) -> Trouble | None:
        for trouble in self.troubles:
            if trouble.stage == stage and self._chance.random() < trouble.odds:
                return trouble
        return None

    def take(self, reverse_path: str, recipients: list[str], content: bytes) -> None:
        self.received.update(recipients)
        head, _, body = content.partition(b"\r\n\r\n")
        self.on_taken(reverse_path, recipients, head.decode())
        _, _, rest = head.partition(b"\r\nX-Digest: ")
        if rest[:64].decode() != hashlib.sha256(body + b"\r\n").hexdigest():
            self.damaged.extend(recipients)

    def is_asked(self, address: str) -> bool:
        """Whether it takes mail for the address now."""
        self.last_asked[address] = time.time()
        return address not in self.held


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._reverse_path = ""
        self._recipients: list[str] = []
        self._in_content = False
        self._is_refused = False  # the content under way, and that has been said
        self.is_hanging = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sink.connections.add(self)
        if self._pass("connect"):
            self._transport.write(b"220 sink.example ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink.connections.discard(self)

    def cut(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self.is_hanging and not self._transport.is_closing():
            if self._in_content:
                if not self._take_content():
                    return
            elif (end := self._buffer.find(b"\r\n")) >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 2]
                self._obey(line)
            else:
                return

    def _take_content(self) -> bool:
        """Return whether it was complete."""
        if self._buffer and not self._is_refused:
            trouble = self._sink.find_trouble("content")
            if trouble is not None:
                self._act(trouble)
                if trouble.act != "refuse":
                    return False
                self._is_refused = True
        end = self._buffer.find(b"\r\n.\r\n")
        if end < 0:
            return False
        content = bytes(self._buffer[:end])
        del self._buffer[: end + 5]
        self._in_content = False
        if self._is_refused:
            self._is_refused = False
            return True
        recipients, self._recipients = self._recipients, []
        trouble = self._sink.find_trouble("dot")
        if trouble is not None and trouble.act == "refuse":
            self._act(trouble)
            return True
        self._sink.take(self._reverse_path, recipients, content)
        if trouble is None:
            self._transport.write(b"250 2.0.0 taken\r\n")
        else:
            self._sink.unanswered.update(recipients)
            self._act(trouble)
        return True

    def _obey(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"EHLO":
            if self._pass("ehlo"):
                self._transport.write(b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
        elif verb == b"MAIL":
            self._recipients = []
            self._reverse_path = _address(line)
            if self._pass("mail"):
                self._transport.write(b"250 2.1.0 Ok\r\n")
        elif verb == b"RCPT":
            if self._pass("rcpt"):
                address = _address(line)
                if self._sink.is_asked(address):
                    self._recipients.append(address)
                    self._transport.write(b"250 2.1.5 Ok\r\n")
                else:
                    self._transport.write(b"451 4.3.0 not now\r\n")
        elif verb == b"DATA":
            if not self._recipients:
                self._transport.write(b"554 5.5.1 no recipients\r\n")
            elif self._pass("data"):
                self._in_content = True
                self._transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 2.0.0 Ok\r\n")  # RSET, NOOP

    def _pass(self, stage: Stage) -> bool:
        """Whether nothing goes wrong here; else it has."""
        trouble = self._sink.find_trouble(stage)
        if trouble is None:
            return True
        self._act(trouble)
        return False

    def _act(self, trouble: Trouble) -> None:
        match trouble.act:
            case "drop":
                self._transport.abort()
            case "hang":
                self.is_hanging = True
            case "refuse":
                self._transport.write(b"451 4.3.0 not now\r\n")
                if trouble.stage == "connect":
                    self._transport.close()


def _address(line: bytes) -> str:
    return line[line.index(b"<") + 1 : line.index(b">")].decode()
