"""``bin/bench storm``: what a storm of mails that come back does to deliveries beside it."""

import asyncio
import itertools
import json
import multiprocessing
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import uvloop

from angarium.access.reference_keys import read_keys
from angarium.feedback.reference import ReferenceKeys, Subject
from angarium.queue import parse_message_id
from angarium.queue.wall_clock import wall_clock
from bench.angarium_peer import AngariumPeer, Setup
from bench.errors import BenchError
from bench.latency_client import Client
from bench.load import submit
from bench.machine import describe
from bench.measure import WARM_UP, wait_for
from bench.peer import work_folder
from bench.ports import LOOPBACK
from bench.report import console, print_machine, save
from bench.sinks import OwnSink

SIZE: Final = 4096
SESSIONS: Final = 50
CONNECTIONS: Final = 10  # that bring reports
PIECE_S: Final = 2.0
_OF_A_PIECE: Final = 100_000  # recipients, at most
_pieces = itertools.count(1)
DSN: Final = b"""\
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.net\r
\r
Final-Recipient: rfc822; %b\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
"""
ARF: Final = b"""\
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
Version: 1\r
User-Agent: bench\r
Original-Rcpt-To: <%b>\r
"""
PARTS: Final = {
    "dsn": (b'multipart/report; report-type=delivery-status; boundary="b"', DSN),
    "arf": (b'multipart/report; report-type=feedback-report; boundary="b"', ARF),
}


def run(folder: Path, reports: int, rate: float, quiet_s: float) -> None:
    machine = describe(folder)
    print_machine(machine)
    work = work_folder(folder, "run")
    try:
        with OwnSink() as sink:
            peer = AngariumPeer(work, sink.port, Setup(referenced=True))
            try:
                submit(peer.port, messages=WARM_UP, size=SIZE, name="warm")
                wait_for(sink, WARM_UP)
                result = _measure(peer, work / "data", reports, rate, quiet_s)
            finally:
                peer.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for key, value in result.items():
        console.print(f"{key}: {value}")
    save("storm", machine, reports=reports, rate_per_s=rate, results=result)


def _measure(
    peer: AngariumPeer, data: Path, reports: int, rate: float, quiet_s: float
) -> dict[str, Any]:
    log = data / "mail.log"
    start = log.stat().st_size
    for _ in range(max(1, round(quiet_s / PIECE_S))):  # as the storm is beside
        _deliver(peer, rate, PIECE_S)
    quiet, start = _delays(log, start)
    keys, sent = read_keys(data / "feedback.key"), _sent(log)
    storm = multiprocessing.get_context("spawn").Process(
        target=_storm, args=(peer.inbound, keys, sent, reports)
    )
    began = time.monotonic()
    storm.start()
    while storm.is_alive():
        _deliver(peer, rate, PIECE_S)
    taken_s = time.monotonic() - began
    if storm.exitcode:
        raise BenchError("the reports were not taken")
    while peer.waiting_reports():
        _deliver(peer, rate, PIECE_S)
    absorbed_s = time.monotonic() - began
    stormy, _ = _delays(log, start)
    return {
        "quiet_ms": _summary(quiet),
        "storm_ms": _summary(stormy),
        "mean_ratio": round(sum(stormy) / len(stormy) / (sum(quiet) / len(quiet)), 3),
        "taken_s": round(taken_s, 1),
        "absorbed_s": round(absorbed_s, 1),
        "reports_per_s": round(reports / absorbed_s),
    }


def _deliver(peer: AngariumPeer, rate: float, seconds: float) -> None:
    """To recipients that nobody has written to before: those of before are suppressed by what comes back."""
    first = next(_pieces) * _OF_A_PIECE
    client = Client(peer.port, size=SIZE, sessions=SESSIONS, first=first)
    uvloop.run(client.run(rate, seconds))


def _delays(log: Path, start: int) -> tuple[list[float], int]:
    """Return from acceptance to delivery, sorted, of what the log says behind a position; and where it ends."""
    time.sleep(1.5)  # until the log has all
    with log.open("rb") as file:
        file.seek(start)
        octets = file.read()
    records = [json.loads(line) for line in octets.splitlines()]
    delays = sorted(each["delay_ms"] for each in records if _is_of_the_load(each))
    if not delays:
        raise BenchError("nothing was delivered")
    return delays, start + len(octets)


def _sent(log: Path) -> list[tuple[str, str]]:
    """Return message and recipient of what was delivered: reports are about these, over and over."""
    records = [json.loads(line) for line in log.read_bytes().splitlines()]
    return [(each["message"], each["recipient"]) for each in records if _is_of_the_load(each)]


def _is_of_the_load(record: dict[str, Any]) -> bool:
    """Whether it says that a message of ours arrived. What senders are told of bounces that came back arrives there,
    too: those notices come into being some dozens at a time, and wait for each other.
    """
    return record["event"] in ("delivered", "relayed") and bool(record.get("sender"))


def _summary(ordered: list[float]) -> dict[str, float]:
    found = {f"p{p}": ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 95, 99)}
    return {"mean": round(sum(ordered) / len(ordered), 2), **found, "messages": len(ordered)}


def _storm(
    port: int, keys: dict[int, bytes], sent: Sequence[tuple[str, str]], reports: int
) -> None:
    uvloop.run(_bring_all(port, ReferenceKeys(keys, 30), sent, reports))


async def _bring_all(
    port: int, keys: ReferenceKeys, sent: Sequence[tuple[str, str]], reports: int
) -> None:
    about = enumerate(itertools.islice(itertools.cycle(sent), reports))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(_bring(port, keys, about))


async def _bring(
    port: int, keys: ReferenceKeys, about: Iterator[tuple[int, tuple[str, str]]]
) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)

    async def said(*replies: bytes) -> None:
        for wanted in replies:
            while (line := await reader.readline())[3:4] == b"-":
                pass
            if not line.startswith(wanted):
                raise BenchError(f"the server said {line.decode()!r}")

    await said(b"220")
    writer.write(b"EHLO storm.test\r\n")
    await said(b"250")
    for number, (message, recipient) in about:
        now = wall_clock()
        subject = Subject(
            message_id=parse_message_id(message),
            index=0,
            address=recipient,
            tenant="default",
            stream="default",
        )
        to = f"{keys.local_part(subject, now)}@bounces.example.com".encode()
        writer.write(b"MAIL FROM:<>\r\nRCPT TO:<%b>\r\nDATA\r\n" % to)
        await said(b"250", b"250", b"354")
        writer.write(_report(number, subject.address.encode(), keys.token(subject, now).encode()))
        await said(b"250")
    writer.close()


def _report(number: int, address: bytes, token: bytes) -> bytes:
    content_type, part = PARTS["dsn" if number % 2 else "arf"]
    return (
        b"From: <mailer-daemon@example.net>\r\nSubject: report\r\nMIME-Version: 1.0\r\nContent-Type: %b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nYour message came back.\r\n--b\r\n%b\r\n--b\r\n"
        b"Content-Type: text/rfc822-headers\r\n\r\nFrom: <a@example.com>\r\nSubject: hello\r\n"
        b"X-Angarium-Reference: %b\r\n\r\n--b--\r\n.\r\n"
    ) % (content_type, part % address, token)
