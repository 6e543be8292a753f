"""An SMTP server that records the octets it gets, offers what it is told to, and refuses what it is told to."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import msgspec


class Taken(msgspec.Struct):
    mail: bytes  # the MAIL command
    rcpts: list[bytes]  # the RCPT commands that were accepted
    content: bytes  # as on the wire, dots unstuffed
    wire: bytes  # as on the wire
    way: str  # DATA or BDAT
    at: float  # when it was, monotonic


class GoneError(Exception):
    """The client has closed."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # A handful, as the library has it, overflows with a burst: the client has a connection that nobody ever accepts
    request_queue_size = 128


class RecordingSink:
    """``with RecordingSink() as sink: ... sink.port``; one thread per connection."""

    def __init__(
        self,
        *,
        extensions: tuple[str, ...] = (
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            "SIZE 99999999",
        ),
        ehlo: bool = True,
        replies: dict[bytes, bytes] | None = None,
        lone_lf_ends: bool = False,
        before: Callable[[socket.socket], None] | None = None,
        says: Callable[[str, bytes], bytes | None] | None = None,
        at: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.extensions = extensions
        self.ehlo = ehlo
        self.replies = replies or {}  # start of a command line -> reply instead of 250
        self.lone_lf_ends = lone_lf_ends  # LF . LF ends data, as in servers open to smuggling
        self.before = before
        self.says = says  # the client's address, a command line -> reply instead of the usual one
        self.taken: list[Taken] = []
        self.commands: list[bytes] = []
        self.early: list[bytes] = []  # groups sent without PIPELINING having been offered
        self._changed = threading.Condition()
        sink = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(GoneError, OSError):
                    _Session(sink, self.request).run()

        self._server = _Server(at, Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> "RecordingSink":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, taken: Taken) -> None:
        with self._changed:
            self.taken.append(taken)
            self._changed.notify_all()

    def wait_for(self, count: int, timeout: float = 30) -> list[Taken]:
        with self._changed:
            done = self._changed.wait_for(lambda: len(self.taken) >= count, timeout)
            assert done, (len(self.taken), count, self.commands[-10:])
            return list(self.taken)

    def wait_for_token(self, mark: str, timeout: float = 30, mails: int = 1) -> Taken:
        """Return the first of the mails that have the token, once there are so many."""
        found: list[Taken] = []

        def find() -> bool:
            found[:] = [each for each in self.taken if mark.encode() in each.content]
            return len(found) >= mails

        with self._changed:
            assert self._changed.wait_for(find, timeout), (mark, self.commands[-10:])
        return found[0]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # Not yet accepted: 5 are fewer than a batch of mail opens at once, and those beyond hear nothing
    request_queue_size = 128


class _Session:
    def __init__(self, sink: RecordingSink, peer: socket.socket) -> None:
        self._sink = sink
        self._peer = peer
        self._peer.settimeout(30)
        self._buffer = b""
        self._mail = b""
        self._rcpts: list[bytes] = []
        self._chunks: list[bytes] = []

    def run(self) -> None:
        if self._sink.before:
            self._sink.before(self._peer)
        self._peer.sendall(self._sink.replies.get(b"", b"220 sink.example ESMTP") + b"\r\n")
        while True:
            line = self._line()
            self._sink.commands.append(line)
            verb = line[:4].upper()
            self._act(line, verb)

    def _act(self, line: bytes, verb: bytes) -> None:
        if self._sink.says is not None:
            said = self._sink.says(self._peer.getpeername()[0], line)
            if said is not None:
                self._peer.sendall(said + b"\r\n")
                return
        for start, reply in self._sink.replies.items():
            if start and line.upper().startswith(start.upper()):
                if verb == b"BDAT":
                    self._octets(int(line.split()[1]))
                self._peer.sendall(reply + b"\r\n")
                return
        match verb:
            case b"EHLO" if self._sink.ehlo:
                lines = ["sink.example", *self._sink.extensions]
                text = "".join(f"250-{each}\r\n" for each in lines[:-1]) + f"250 {lines[-1]}\r\n"
                self._peer.sendall(text.encode())
                return
            case b"EHLO":
                self._peer.sendall(b"502 5.5.1 What?\r\n")
                return
            case b"DATA":
                self._data()
                return
            case b"BDAT":
                self._bdat(line)
                return
            case b"MAIL":
                self._mail, self._rcpts = line, []
            case b"RCPT":
                self._rcpts.append(line)
            case b"QUIT":
                self._peer.sendall(b"221 2.0.0 Bye\r\n")
                raise GoneError
        if self._buffer and "PIPELINING" not in self._sink.extensions:
            self._sink.early.append(self._buffer)
        self._peer.sendall(b"250 2.0.0 Ok\r\n")

    def _data(self) -> None:
        if not self._rcpts:
            self._peer.sendall(b"554 5.5.1 No valid recipients\r\n")
            return
        self._peer.sendall(b"354 Go\r\n")
        ends = [b"\r\n.\r\n"] + ([b"\n.\n"] if self._sink.lone_lf_ends else [])
        wire = b""
        while True:
            at = [(wire.find(end), end) for end in ends if end in wire]
            if at:
                begin, end = min(at)
                break
            wire += self._buffer or self._receive()
            self._buffer = b""
        self._buffer = wire[begin + len(end) :]
        wire = wire[: begin + 2]
        content = (b"\r\n" + wire).replace(b"\r\n..", b"\r\n.")[2:]
        self._take(content, wire, "DATA")
        reply = self._sink.replies.get(b".", b"250 2.0.0 Taken")
        self._peer.sendall(reply + b"\r\n")

    def _bdat(self, line: bytes) -> None:
        words = line.split()
        self._chunks.append(self._octets(int(words[1])))
        if len(words) > 2:
            content = b"".join(self._chunks)
            self._chunks = []
            self._take(content, content, "BDAT")
        self._peer.sendall(b"250 2.0.0 Taken\r\n")

    def _take(self, content: bytes, wire: bytes, way: str) -> None:
        self._sink.add(Taken(self._mail, self._rcpts, content, wire, way, time.monotonic()))

    def _octets(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += self._receive()
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._buffer += self._receive()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _receive(self) -> bytes:
        octets = self._peer.recv(65536)
        if not octets:
            raise GoneError
        return octets


def wait_until(condition: Callable[[], Any], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)
