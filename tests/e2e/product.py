"""The whole product as its users meet it: a server process, its ports, its command line, its logs."""

import contextlib
import json
import os
import pty
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from angarium.config.loader import load
from angarium.tenancy.platform import Platform
from tests.service.running_server import TOP, Server

REPLY_LINE = re.compile(rb"[2-5][0-9][0-9][ -][\x20-\x7e]*\r\n")
CONFIG = """
[server]
hostname = "mx1.example.com"
data_dir = "data"
drain_s = 2.0

{listeners}

[[listener]]
kind = "http"
address = "127.0.0.1:0"

{routes}

[delivery]
retry_s = {retry}
greylist_retry_s = {retry}
retry_jitter = 0.0
poll_s = 0.2
delay_dsn_after_s = 0
{delivery}

[queue]
min_free_octets = 0
map_octets = 67_108_864
partitions = 2
{more}
"""
TRUSTED = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]
"""


class Product:
    """A running server. ``smtp[0]`` is the port of the first listener that speaks SMTP."""

    def __init__(
        self,
        folder: Path,
        *,
        listeners: str = TRUSTED,
        routes: str = "",
        sink: int = 0,
        retry: str = "[0.3]",
        delivery: str = "",
        more: str = "",
        single: bool = True,
        users: tuple[tuple[str, str, str], ...] = (),
    ) -> None:
        self.folder = folder
        self.config = folder / "angarium.toml"
        if sink:
            routes += f'[[route]]\ndomain = "*"\nvia = "smtp://127.0.0.1:{sink}"\n'
        self.config.write_text(
            CONFIG.format(
                listeners=listeners, routes=routes, retry=retry, delivery=delivery, more=more
            )
        )
        for name, password, senders in users:
            self.postmaster(
                "user", "add", name, "--senders", senders, "--password-stdin", input_=password
            )
        self.is_single = single
        self.server = Server(self.config, *(["--single"] if single else []), environment={})
        try:
            addresses = self.server.wait_for("ready")["addresses"]
        except BaseException:
            self.kill()
            raise
        ports = [int(each.rpartition(":")[2]) for each in addresses]
        self.smtp, self.http = ports[:-1], ports[-1]

    def kill(self) -> None:
        if self.server.process.poll() is None:
            self.server.process.kill()
            self.server.process.wait(10)
        self.server.close()

    def postmaster(self, *arguments: str, input_: str = "", code: int | None = 0) -> str:
        done = subprocess.run(  # noqa: PLW1510 - ``code`` is looked at below
            [sys.executable, "-m", "angarium", "-c", str(self.config), *arguments],
            input=input_.encode() + b"\n",
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            timeout=40,
        )
        assert code is None or done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stdout.decode()

    @contextlib.contextmanager
    def platform(self) -> Iterator[Platform]:
        """Give the platform as commands have it, without the second that starting one takes."""
        with Platform.open(load(self.config), actor="tests") as platform:
            yield platform
            platform.publish()

    def started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Return the command while it runs."""
        return subprocess.Popen(
            [sys.executable, "-m", "angarium", "-c", str(self.config), *arguments],
            stdout=subprocess.PIPE,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(TOP)},
        )

    def on_terminal(self, *arguments: str, code: int | None = 0) -> str:
        """Return what the command writes to a terminal: pipes are spared escape sequences by click."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "angarium", "-c", str(self.config), *arguments],
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(TOP), "TERM": "xterm"},
        ) as process:
            os.close(theirs)
            written = b""
            with contextlib.suppress(OSError):  # EIO: it has closed its side
                while octets := os.read(ours, 65536):
                    written += octets
            os.close(ours)
            assert process.wait(30) == code or code is None
        return written.replace(b"\r\n", b"\n").decode()

    def queued(self) -> list[dict[str, Any]]:
        """Return the recipients in the queue, as the command lists them."""
        return list(json.loads(self.postmaster("queue", "list", "--json"))["entries"])

    def mail_log(self) -> list[dict[str, Any]]:
        path = self.folder / "data" / "mail.log"
        return (
            [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        )

    def wait_for_disposition(self, timeout: float = 20, **fields: Any) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            for record in self.mail_log():
                if all(record.get(key) == value for key, value in fields.items()):
                    return record
            assert time.monotonic() < deadline, (fields, self.mail_log())
            time.sleep(0.05)

    def resident_kb(self) -> int:
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found
        return int(found[1])

    def assert_clean(self) -> None:
        """It lives, nothing reported an error, and standard error is JSON only."""
        assert self.server.process.poll() is None, self.server.other
        assert not self.server.other, self.server.other
        bad = [each for each in self.server.lines if each.get("level") in ("error", "critical")]
        assert not bad, bad

    def get(self, path: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.http), 10) as peer:
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: peer.recv(65536), b""))


class RawClient:
    """A socket that speaks SMTP word by word, and holds each reply against the grammar (RFC 5321 section 4.2)."""

    def __init__(
        self, port: int, host: str = "127.0.0.1", *, source: str = "", banner: bool = True
    ) -> None:
        origin = (source, 0) if source else None
        self.socket = socket.create_connection((host, port), 15, source_address=origin)
        self._buffer = b""
        if banner:
            assert self.reply().startswith(b"220"), "no banner"

    def reply(self, timeout: float = 15) -> bytes:
        """Return a whole reply; b"" when the server has closed."""
        lines = b""
        self.socket.settimeout(timeout)
        while True:
            line, end, rest = self._buffer.partition(b"\r\n")
            if end:
                self._buffer = rest
                assert REPLY_LINE.fullmatch(line + end), line
                lines += line + end
                if line[3:4] == b" ":
                    return lines
                continue
            try:
                octets = self.socket.recv(65536)
            except ConnectionError:
                octets = b""
            if not octets:
                assert not self._buffer, self._buffer
                assert not lines, lines
                return b""
            self._buffer += octets

    def say(self, octets: bytes) -> bytes:
        """Send and return the reply."""
        self.send(octets)
        return self.reply()

    def send(self, octets: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(octets)

    def replies(self) -> Iterator[bytes]:
        """Until the server closes."""
        while reply := self.reply():
            yield reply

    def drop(self) -> None:
        self.socket.close()

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def token() -> str:
    return uuid.uuid4().hex


def message(token_: str = "", body: bytes = b"Body\r\n", **fields: str) -> bytes:
    head = {"From": "a@example.org", "To": "b@example.net", "Subject": token_ or "x", **fields}
    return "".join(f"{k}: {v}\r\n" for k, v in head.items()).encode() + b"\r\n" + body


def stuffed(content: bytes) -> bytes:
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def good_session(port: int, to: str = "b@example.net", content: bytes = b"") -> str:
    """Submit a message as it should be; return its token."""
    mark = token()
    with RawClient(port) as client:
        assert client.say(b"EHLO client.example.org\r\n").startswith(b"250")
        assert client.say(b"MAIL FROM:<a@example.org>\r\n").startswith(b"250")
        assert client.say(b"RCPT TO:<%b>\r\n" % to.encode()).startswith(b"250")
        assert client.say(b"DATA\r\n").startswith(b"354")
        accepted = client.say(stuffed(content or message(mark)))
        assert accepted.startswith(b"250"), accepted
        assert client.say(b"QUIT\r\n").startswith(b"221")
    return mark
