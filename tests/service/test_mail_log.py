"""Mirrors angarium/service/mail_log.py, mail_log_file.py, mail_record.py and event_counts.py."""

import asyncio
import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from angarium.queue import (
    Attempt,
    AttemptFailed,
    Bounced,
    Event,
    InDoubt,
    MessageAccepted,
    MessageId,
    Origin,
    Position,
    Relayed,
    UnixMs,
)
from angarium.service.mail_log import MailLog
from angarium.service.mail_log_file import MailLogFile
from angarium.service.mail_record import mail_record
from angarium.telemetry.metrics import Metrics

AT = UnixMs(1_795_000_000_000)


def message_id(number: int) -> MessageId:
    return MessageId(AT.to_bytes(6, "big") + number.to_bytes(10, "big"))


def accepted(number: int) -> Event:
    return MessageAccepted(
        at=AT,
        message_id=message_id(number),
        tenant="default",
        stream="default",
        reverse_path="a@example.com",
        recipients=("b@example.net",),
        size_octets=100,
        message_id_header="<1@example.com>",
        origin=Origin(kind="submission", listener="127.0.0.1:25", client="127.0.0.1", user="u"),
    )


def attempt(code: int = 250, stage: str = "final_dot") -> Attempt:
    return Attempt(
        at=UnixMs(AT + 40),
        host="mx.example.net",
        address="192.0.2.1",
        source="ip1",
        code=code,
        enhanced="2.0.0",
        text=f"{code} ok",
        tls="TLSv1.3",
        stage=stage,
    )


def recipient_event(kind: Any, number: int, **more: Any) -> Event:
    event: Event = kind(
        at=UnixMs(AT + 50),
        message_id=message_id(number),
        tenant="default",
        stream="default",
        index=0,
        recipient="b@example.net",
        reverse_path="a@example.com",
        **more,
    )
    return event


class FakeEvents:
    """An event log in memory; acknowledgements may be lost, as by a crash."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.position = 0
        self.loses_acks = False
        self.trimmed: tuple[int, int] | None = None

    def read(self, after: int, limit: int) -> list[Position]:
        found = [Position(number, event) for number, event in enumerate(self.events, 1)]
        return found[after : after + limit]

    async def ack(self, consumer: str, position: int) -> None:
        assert consumer == "mail_log"
        if not self.loses_acks:
            self.position = position

    def acked(self, consumer: str) -> int:
        return self.position

    async def trim(self, before: UnixMs, keep: int) -> int:
        self.trimmed = (before, keep)
        return 0


async def run_once(events: FakeEvents, path: Path, metrics: Metrics | None = None) -> None:
    log = MailLog(events, MailLogFile(str(path)), metrics or Metrics(), lambda: AT)
    stop = asyncio.Event()
    task = asyncio.create_task(log.run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(task, 10)


def sequences(path: Path) -> list[int]:
    return [json.loads(line)["sequence"] for line in path.read_text().splitlines()]


async def test_each_event_is_a_line_and_is_acknowledged(tmp_path: Path) -> None:
    events = FakeEvents([accepted(1), recipient_event(Relayed, 1, attempts=1, attempt=attempt())])
    await run_once(events, tmp_path / "mail.log")
    lines = [json.loads(line) for line in (tmp_path / "mail.log").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["accepted", "relayed"]
    assert lines[1]["id"] == lines[0]["message"] + ".0"
    assert (lines[1]["code"], lines[1]["host"], lines[1]["tls"]) == (
        250,
        "mx.example.net",
        "TLSv1.3",
    )
    assert (lines[1]["delay_ms"], lines[1]["queue_ms"]) == (50, 40)
    assert events.position == 2


async def test_a_crash_between_writing_and_acknowledging_repeats_nothing(tmp_path: Path) -> None:
    events = FakeEvents([accepted(number) for number in range(1, 6)])
    events.loses_acks = True
    await run_once(events, tmp_path / "mail.log")
    events.loses_acks = False
    events.events.append(accepted(6))
    await run_once(events, tmp_path / "mail.log")
    assert sequences(tmp_path / "mail.log") == [1, 2, 3, 4, 5, 6]


async def test_a_torn_last_line_is_cut_off_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    events = FakeEvents([accepted(number) for number in range(1, 4)])
    events.loses_acks = True
    await run_once(events, path)
    octets = path.read_bytes()
    for length in range(len(octets) - 1):
        path.write_bytes(octets[:length])
        await run_once(events, path)
        assert path.read_bytes() == octets


async def test_the_log_of_another_queue_does_not_hide_events(tmp_path: Path) -> None:
    """The queue was made anew, the log was not: its sequence numbers mean nothing."""
    path = tmp_path / "mail.log"
    await run_once(FakeEvents([accepted(number) for number in range(1, 6)]), path)
    await run_once(FakeEvents([accepted(number) for number in range(101, 107)]), path)
    assert sequences(path) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]


async def test_a_rotated_file_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    file = MailLogFile(str(path))
    file.open()
    file.append(b"one\n")
    path.rename(tmp_path / "mail.log.1")
    file.append(b"two\n")
    file.close()
    assert path.read_bytes() == b"two\n"
    assert (tmp_path / "mail.log.1").read_bytes() == b"one\n"


async def test_a_full_disk_leaves_no_part_of_a_line_and_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mail.log"
    events = FakeEvents([accepted(1), accepted(2)])
    file = MailLogFile(str(path))
    log = MailLog(events, file, Metrics(), lambda: AT)
    real_write = os.write

    def write_part(fd: int, octets: bytes) -> int:
        if len(octets) < 200:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(fd, bytes(octets)[: len(octets) - 150])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write_part)
        assert not await log.write_batch()
    assert path.read_bytes() == b""
    assert events.position == 0
    await log.write_batch()
    file.close()
    assert sequences(path) == [1, 2]


async def test_events_are_counted_for_the_metrics(tmp_path: Path) -> None:
    metrics = Metrics()
    events = FakeEvents(
        [
            accepted(1),
            recipient_event(
                AttemptFailed, 1, attempts=1, attempt=attempt(451, "rcpt"), due=UnixMs(AT + 60_000)
            ),
            recipient_event(InDoubt, 1),
            recipient_event(Bounced, 1, attempts=2, attempt=attempt(550, "made up")),
        ]
    )
    await run_once(events, tmp_path / "mail.log", metrics)
    text = metrics.render().decode()
    assert "angarium_accepted_octets_total 100.0" in text
    assert 'angarium_deliveries_total{outcome="deferred"} 1.0' in text
    assert 'angarium_deliveries_total{outcome="bounced"} 1.0' in text
    assert 'angarium_attempts_total{reply="4",stage="rcpt"} 1.0' in text
    assert 'angarium_attempts_total{reply="5",stage="other"} 1.0' in text
    assert "angarium_in_doubt_total 1.0" in text


async def test_trimming_keeps_what_the_configuration_says(tmp_path: Path) -> None:
    events = FakeEvents([])
    log = MailLog(events, MailLogFile(str(tmp_path / "mail.log")), Metrics(), lambda: AT)
    await log.trim(1000, 7)
    assert events.trimmed == (AT - 1000, 7)


def test_a_deferred_record_says_when_it_is_tried_next() -> None:
    event = recipient_event(
        AttemptFailed, 1, attempts=1, attempt=attempt(451), due=UnixMs(AT + 60_000)
    )
    record = mail_record(Position(9, event))
    assert record.due == "2026-11-18T11:07:40.000Z"
    assert record.sequence == 9
