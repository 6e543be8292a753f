"""Our client against servers that others wrote: aiosmtpd, and Postfix's smtp-sink where it is installed."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.config.schema import DeliveryTimeouts
from angarium.mta.transport.connection import SmtpConnection
from angarium.mta.transport.connector import SmtpConnector
from angarium.mta.transport.lessons import Experience
from angarium.mta.transport.outcome import Outcome, Permanent, Taken
from angarium.mta.transport.transfer import EgressPath, TlsPolicy
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost
from tests.free_port import free_port
from tests.mta.transport.aiosmtpd_peer import Picky, aiosmtpd_peer
from tests.mta.transport.transfers import HEADER, message

SINK = shutil.which("smtp-sink", path=os.environ.get("PATH", "") + ":/usr/sbin")


def clock() -> UnixMs:
    return UnixMs(int(time.time() * 1000))


async def connect(port: int) -> SmtpConnection:
    connector = SmtpConnector(DeliveryTimeouts(), "mta.example", clock, Experience(60, 60, clock))
    host = MxHost(name="sink.example", port=port, preference=0, addresses=("127.0.0.1",))
    path = EgressPath(source="ip1", bind_address=None, ehlo="mta.example")
    result = await connector.connect(host, "127.0.0.1", path, TlsPolicy())
    assert isinstance(result, SmtpConnection), result
    return result


class Inbox(Picky):
    def __init__(self) -> None:
        self.received: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.received.append((envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 taken"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"plain\r\n",
        b".\r\n..\r\n.a\r\n",
        b"no end",
        "grüße\r\n".encode(),
        b"x" * 900 + b"\r\n",
    ],
)
async def test_aiosmtpd_receives_what_was_sent(body: bytes) -> None:
    inbox = Inbox()
    async with aiosmtpd_peer(inbox, enable_SMTPUTF8=True) as port:
        connection = await connect(port)
        outcomes = await connection.transfer(message("b@example.net", "no@example.net", body=body))
        utf8 = await connection.transfer(message("ü@example.net", body=body, utf8=True))
        await connection.close()
    assert isinstance(outcomes[0], Taken)
    assert isinstance(outcomes[1], Permanent)
    assert isinstance(utf8[0], Taken)
    whole = HEADER + body + (b"" if body.endswith(b"\r\n") or not body else b"\r\n")
    assert inbox.received == [(["b@example.net"], whole), (["ü@example.net"], whole)]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """smtp-sink that keeps each message in a file of its own."""
    if SINK is None:
        pytest.skip("smtp-sink (Debian package postfix) is not installed")
    port = free_port()
    directory = tmp_path / "kept"
    directory.mkdir()
    user = ["-u", "root"] if os.geteuid() == 0 else []
    command = [SINK, *user, "-d", "kept/%M.", f"127.0.0.1:{port}", "100"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 5
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield port, directory
    process.kill()
    process.wait()


@pytest.mark.interop
async def test_smtp_sink_receives_every_message_once(sink: tuple[int, Path]) -> None:
    port, directory = sink
    sizes = [0, 4_000, 20_000, 300_000, 2_000_000]
    line = b".dots and text, and so on to some length that is usual in messages\r\n"

    async def carry(number: int) -> list[Outcome]:
        connection = await connect(port)
        outcomes: list[Outcome] = []
        for size in sizes:
            body = b"id %d-%d\r\n" % (number, size) + line * (size // len(line))
            outcomes += await connection.transfer(message("b@example.net", body=body))
        await connection.close()
        return outcomes

    for outcomes in await asyncio.gather(*(carry(number) for number in range(4))):
        assert all(isinstance(each, Taken) for each in outcomes)
    kept = [each.read_bytes() for each in directory.iterdir()]
    assert len(kept) == 4 * len(sizes)
    for number in range(4):
        for size in sizes:
            mark = b"id %d-%d\n" % (number, size)
            (found,) = [each for each in kept if mark in each]
            content = found[found.index(mark) + len(mark) :]
            assert content.count(line.replace(b"\r\n", b"\n")) == size // len(line)
