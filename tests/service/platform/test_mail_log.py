"""Mirrors angarium/service/platform/mail_log.py, mail_log_file.py and mail_record.py."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.queue import (
    Attempt,
    AttemptFailed,
    Bounced,
    Clicked,
    Complained,
    Event,
    Expired,
    Fetched,
    HoldRuleAdded,
    MessageAccepted,
    MessageId,
    OperatorHeld,
    Origin,
    Position,
    Relayed,
    ReportBounced,
    ReportKept,
    ReportUnmatched,
    UnixMs,
    UnknownEvent,
    Unsubscribed,
)
from angarium.service.platform.event_follower import EventFollower
from angarium.service.platform.mail_log import MailLog
from angarium.service.platform.mail_log_file import MailLogFile
from angarium.service.platform.mail_record import MailRecord, mail_record
from tests.service.fake_events import FakeEvents, follow

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


def attempt(code: int = 250, stage: str = "final_dot", tls_skipped: str = "") -> Attempt:
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
        tls_skipped=tls_skipped,
        tls_cipher="TLS_AES_256_GCM_SHA384",
        tls_verified=True,
        provider="gmail",
        dkim=("s1._domainkey.example.com",),
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


async def run_once(events: FakeEvents, path: Path) -> None:
    file = MailLogFile(str(path))
    try:
        await follow(events, MailLog(events, file))
    finally:
        file.close()


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
    assert (lines[1]["tls_cipher"], lines[1]["tls_verified"]) == ("TLS_AES_256_GCM_SHA384", True)
    assert (lines[1]["provider"], lines[1]["dkim"]) == ("gmail", ["s1._domainkey.example.com"])
    assert "unsigned" not in lines[1]
    assert events.position == 2


def test_what_was_mended_of_a_message_is_named() -> None:
    event = msgspec.structs.replace(accepted(1), repairs=("line_ends", "raw_utf8"))  # type: ignore[type-var]
    assert mail_record(Position(1, event)).repairs == ("line_ends", "raw_utf8")
    line = json.loads(msgspec.json.encode(mail_record(Position(2, accepted(2)))))
    assert "repairs" not in line


@pytest.mark.parametrize(
    ("kind", "code", "text", "bounce_class"),
    [
        (Bounced, 550, "550 5.1.1 no such user", "user_unknown"),
        (Expired, 452, "452 4.2.2 mailbox full", "mailbox_full"),
        (Bounced, 0, "returned to its sender by the administrator of the mail server", ""),
        (Relayed, 250, "250 no such user", ""),
    ],
)
def test_what_a_failure_means_is_told(kind: Any, code: int, text: str, bounce_class: str) -> None:
    met = msgspec.structs.replace(attempt(), code=code, enhanced="", text=text)
    record = mail_record(Position(1, recipient_event(kind, 1, attempts=1, attempt=met)))
    assert record.bounce_class == bounce_class
    line = json.loads(msgspec.json.encode(record))
    assert line.get("class", "") == bounce_class
    assert msgspec.json.decode(msgspec.json.encode(record), type=MailRecord) == record


async def test_why_tls_was_done_without_is_told(tmp_path: Path) -> None:
    skipped = attempt(tls_skipped="TLS handshake: timed out")
    events = FakeEvents([recipient_event(Relayed, 1, attempts=1, attempt=skipped)])
    await run_once(events, tmp_path / "mail.log")
    (line,) = [json.loads(line) for line in (tmp_path / "mail.log").read_text().splitlines()]
    assert line["tls_skipped"] == "TLS handshake: timed out"


async def test_ml2_a_crash_between_writing_and_acknowledging_repeats_nothing(
    tmp_path: Path,
) -> None:
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


async def test_ml1_a_full_disk_leaves_no_part_of_a_line_and_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mail.log"
    events = FakeEvents([accepted(1), accepted(2)])
    file = MailLogFile(str(path))
    follower = EventFollower(events, MailLog(events, file))
    real_write = os.write

    def write_part(fd: int, octets: bytes) -> int:
        if len(octets) < 200:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(fd, bytes(octets)[: len(octets) - 150])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write_part)
        assert not await follower.step()
    assert path.read_bytes() == b""
    assert events.position == 0
    await follower.step()
    file.close()
    assert sequences(path) == [1, 2]


def test_a_deferred_record_says_when_it_is_tried_next() -> None:
    event = recipient_event(
        AttemptFailed, 1, attempts=1, attempt=attempt(451), due=UnixMs(AT + 60_000)
    )
    record = mail_record(Position(9, event))
    assert record.due == "2026-11-18T11:07:40.000Z"
    assert record.sequence == 9


def test_an_operators_act_is_logged_with_who_and_why() -> None:
    event = recipient_event(OperatorHeld, 1, actor="root@host", reason="a complaint", rule=3)
    line = msgspec.to_builtins(mail_record(Position(9, event)))
    assert (line["event"], line["recipient"]) == ("held", "b@example.net")
    assert (line["actor"], line["reason"], line["rule"]) == ("root@host", "a complaint", 3)


def test_a_hold_rule_is_logged_with_its_conditions() -> None:
    event = HoldRuleAdded(
        at=AT,
        message_id=MessageId(b""),
        rule=3,
        actor="root@host",
        reason="a complaint",
        tenant=None,
        sender=None,
        domain="example.net",
        provider=None,
        until=UnixMs(AT + 60_000),
    )
    assert msgspec.to_builtins(mail_record(Position(9, event))) == {
        "sequence": 9,
        "ts": "2026-11-18T11:06:40.000Z",
        "event": "hold_rule_added",
        "message": "",
        "actor": "root@host",
        "reason": "a complaint",
        "rule": 3,
        "domain": "example.net",
        "until": "2026-11-18T11:07:40.000Z",
    }


REPORT = bytes(range(16))
REPORT_TEXT = "00010203-0405-0607-0809-0a0b0c0d0e0f"
ABOUT: dict[str, Any] = {
    "at": AT,
    "message_id": message_id(7),
    "tenant": "acme",
    "stream": "bulk",
    "campaign": "june",
    "recipient": "b@example.net",
    "sender_domain": "example.com",
    "report": REPORT,
}


def logged(event: Event) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(mail_record(Position(3, event)))
    return record


def test_a_bounce_that_came_back_is_logged_with_its_class_and_who_said_so() -> None:
    event = ReportBounced(
        **ABOUT,
        index=1,
        status="5.1.1",
        bounce_class="user_unknown",
        effect="suppress",
        reply="no such user",
        host="mx.example.net",
        sender_told="limit",
    )
    record = logged(event)
    assert record.pop("ts")
    assert record.pop("id").endswith(".1")
    assert record.pop("message") == logged(Complained(**ABOUT, index=-1, **COMPLAINT))["message"]
    assert record == {
        "sequence": 3,
        "event": "report_bounced",
        "recipient": "b@example.net",
        "tenant": "acme",
        "stream": "bulk",
        "campaign": "june",
        "report": REPORT_TEXT,
        "enhanced": "5.1.1",
        "reply": "no such user",
        "class": "user_unknown",
        "effect": "suppress",
        "host": "mx.example.net",
        "sender_told": "limit",
    }


COMPLAINT = {"feedback_type": "abuse", "host": "192.0.2.9"}


def test_complaints_and_unsubscribes_name_the_recipient_and_how_they_came() -> None:
    complained = logged(Complained(**ABOUT, index=-1, **COMPLAINT))
    assert "id" not in complained  # known by its address only
    assert (complained["feedback_type"], complained["host"]) == ("abuse", "192.0.2.9")
    unsubscribed = logged(Unsubscribed(**ABOUT, index=0, how="mail"))
    assert (unsubscribed["event"], unsubscribed["how"]) == ("unsubscribed", "mail")


def test_what_changed_nothing_says_why_and_what_was_kept_says_what_it_is() -> None:
    unmatched = ReportUnmatched(
        at=AT,
        message_id=MessageId(b""),
        report=REPORT,
        kind="bounce",
        why="forged",
        recipients=("b@example.net",),
        client="192.0.2.9",
    )
    assert logged(unmatched)["message"] == ""
    assert logged(unmatched)["reason"] == "forged"
    assert logged(unmatched)["recipients"] == ("b@example.net",)
    kept = ReportKept(
        at=AT,
        message_id=MessageId(b""),
        report=REPORT,
        kind="dmarc",
        sender="r@example.org",
        client="",
        size_octets=99,
    )
    assert logged(kept)["report"] == REPORT_TEXT
    assert (logged(kept)["kind"], logged(kept)["size_octets"]) == ("dmarc", 99)


async def test_an_event_of_a_newer_version_is_named_and_stops_nothing(tmp_path: Path) -> None:
    newer = UnknownEvent(at=AT, message_id=message_id(1), number=99, version=1)
    events = FakeEvents([accepted(1), newer, accepted(2)])
    await run_once(events, tmp_path / "mail.log")
    lines = [json.loads(line) for line in (tmp_path / "mail.log").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["accepted", "unknown_99", "accepted"]


def test_a_fetch_and_what_was_judged_of_it_are_one_line_each() -> None:
    shared: dict[str, Any] = {"at": AT, "message_id": MessageId(bytes(16)), "tenant": "acme"}
    fetched = Fetched(
        **shared,
        index=0,
        link_number=-2,
        link="",
        sent_s=1,
        network="192.0.2.0",
        agent="curl/8",
        method="GET",
        signs=("program",),
    )
    line = mail_record(Position(1, fetched))
    assert (line.event, line.kind, line.client) == ("fetched", "honeypot", "192.0.2.0 curl/8")
    assert line.signs == ("program",)
    clicked = Clicked(
        **shared,
        stream="news",
        campaign="",
        index=0,
        recipient="ann@example.net",
        sender_domain="",
        report=b"",
        client="192.0.2.0 curl/8",
        link="https://shop.example/",
        verdict="machine",
        reasons=("program",),
    )
    line = mail_record(Position(2, clicked))
    assert (line.event, line.verdict, line.reasons) == ("clicked", "machine", ("program",))
    assert (line.link, line.recipient) == ("https://shop.example/", "ann@example.net")
