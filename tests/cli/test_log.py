"""Mirrors angarium/cli/log.py and what it asks: on a queue and a mail log that a server left."""

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.cli.log import log_text
from angarium.cli.main import run
from angarium.queue import Position, QueueOperator
from angarium.queue.wall_clock import wall_clock
from angarium.service.platform.mail_record import MailRecord, mail_record
from tests.cli.queue.test_command import SETTINGS, Filled


class Logged(Filled):
    """The queue of three messages, and its mail log: bob@ deferred, ann@ only accepted, eve@ delivered."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.mail_log = directory / "data" / "mail.log"
        operator = QueueOperator.open(directory / "data" / "queue", SETTINGS, wall_clock)
        self.events = operator.read_events(0, 100)
        operator.close()

    def lines(self, events: Sequence[Position]) -> bytes:
        return b"".join(msgspec.json.encode(mail_record(each)) + b"\n" for each in events)


@pytest.fixture
def logged(tmp_path: Path) -> Logged:
    return Logged(tmp_path)


class Log:
    def __init__(self, logged: Logged, capsys: pytest.CaptureFixture[str]) -> None:
        self._config = str(logged.config)
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        found = run(["log", *arguments, "--config", self._config])
        output = self._capsys.readouterr()
        assert found == code, output.out + output.err
        return output.out + output.err

    def json(self, *arguments: str) -> list[dict[str, Any]]:
        lines = self(*arguments, "--json").splitlines()
        return [json.loads(each) for each in lines if not each.startswith("postmaster: ")]

    def sequences(self, *arguments: str) -> list[int]:
        return [each["sequence"] for each in self.json(*arguments)]


@pytest.fixture
def log(logged: Logged, capsys: pytest.CaptureFixture[str]) -> Log:
    return Log(logged, capsys)


def test_whether_mail_arrived_is_said_in_one_command(logged: Logged, log: Log) -> None:
    logged.mail_log.write_bytes(logged.lines(logged.events))
    text = log("--recipient", "eve@Example.org")
    assert "accepted from <alice@example.com>" in text
    assert "delivered <eve@example.org> by mx.example.net" in text
    assert f"({logged.id(logged.delivered)}.0)" in text
    assert text.splitlines()[-1] == "the last of each recipient: 1 delivered"
    assert "1 deferred" in log("--recipient", "bob@")
    assert "nothing of that" in log("--recipient", "nobody@example.org", code=66)


@pytest.mark.parametrize(
    ("arguments", "events"),
    [
        ([], ["accepted", "accepted", "accepted", "deferred", "delivered"]),
        (["--recipient", "@example.org"], ["accepted", "delivered"]),
        (["--recipient", "eve@"], ["accepted", "delivered"]),
        (["--sender", "<>"], ["accepted"]),
        (["--sender", "alice@example.com", "--recipient", "bob@"], ["accepted", "deferred"]),
        (["--recipient", "bob@", "--recipient", "ann@"], ["accepted", "accepted", "deferred"]),
        (["--message-id", "1@example.com"], ["accepted"] * 3 + ["deferred", "delivered"]),
        (["--since", "2h"], ["accepted", "accepted", "accepted", "deferred", "delivered"]),
        (["--since", "30m"], ["accepted", "deferred", "delivered"]),
        (["--since", "2020-01-01", "--sender", "<>"], ["accepted"]),
    ],
)
def test_lines_are_found_in_the_file_as_in_the_events(
    logged: Logged, log: Log, arguments: Sequence[str], events: list[str]
) -> None:
    """With a file of all, of some and of none: each line comes once."""
    for number in (0, 2, len(logged.events)):
        logged.mail_log.write_bytes(logged.lines(logged.events[:number]))
        assert [each["event"] for each in log.json(*arguments)] == events, number


def test_rotated_files_are_read_in_their_order(logged: Logged, log: Log) -> None:
    directory = logged.mail_log.parent
    parts = [logged.lines([each]) for each in logged.events]
    (directory / "mail.log-20260101.gz").write_bytes(gzip.compress(parts[0]))
    (directory / "mail.log.2.gz").write_bytes(gzip.compress(parts[1]))
    (directory / "mail.log.1").write_bytes(parts[2] + b"no line of ours\n")
    logged.mail_log.write_bytes(parts[3] + parts[4][:-9])  # a line is being written
    now = wall_clock() / 1000
    for age, name in enumerate(("mail.log.1", "mail.log.2.gz", "mail.log-20260101.gz"), 1):
        os.utime(directory / name, (now - age * 60, now - age * 60))
    (directory / "mail.logs").write_bytes(parts[0])  # somebody else's
    assert log.sequences() == [1, 2, 3, 4, 5]
    assert "1 lines or files cannot be read" in log()
    (directory / "mail.log.2.gz").write_bytes(gzip.compress(parts[1])[:-12])
    assert 4 in log.sequences("--recipient", "bob@")


def test_a_log_of_another_queue_hides_no_event(logged: Logged, log: Log) -> None:
    other = msgspec.structs.replace(mail_record(logged.events[-1]), message="other", sequence=99)
    logged.mail_log.write_bytes(msgspec.json.encode(other) + b"\n")
    assert log.sequences() == [99, 1, 2, 3, 4, 5]


def test_what_the_files_lost_is_in_the_events(logged: Logged, log: Log) -> None:
    logged.mail_log.write_bytes(logged.lines(logged.events[2:4]))
    assert log.sequences() == [1, 2, 3, 4, 5]


def test_an_id_may_be_cut_and_means_one_message(logged: Logged, log: Log) -> None:
    whole = logged.id(logged.delivered)
    events = [each["event"] for each in log.json("--id", whole[:-2])]
    assert events == ["accepted", "delivered"]
    assert len(log.json("--id", f"{whole[:-2]}.0")) == 2
    assert [each["event"] for each in log.json("--id", f"{whole}.1")] == ["accepted"]
    assert logged.id(logged.fresh) in log("--id", whole[:8], code=64)
    assert "not a message id" in log("--id", "xyz", code=64)


def test_a_cut_id_of_older_mail_means_one_message_too(logged: Logged, log: Log) -> None:
    old = [
        msgspec.structs.replace(
            mail_record(each), message=f"00000000-0000-7000-8000-00000000000{n}"
        )
        for n, each in enumerate(logged.events[:2])
    ]
    logged.mail_log.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in old))
    assert len(log.json("--id", "00000000-0000-7000-8000-000000000001")) == 1
    told = log("--id", "00000000", code=64)
    assert old[0].message in told
    assert old[1].message in told


def test_nothing_is_followed_where_no_server_runs(logged: Logged, log: Log) -> None:
    assert "no server runs" in log("--follow", code=69)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--recipient", "bob"], "name@ or @domain"),
        (["--sender", ""], "empty"),
        (["--since", "yesterday"], "no point of time"),
    ],
)
def test_what_cannot_be_meant_is_refused(log: Log, arguments: Sequence[str], told: str) -> None:
    assert told in log(*arguments, code=64)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (
            {
                "event": "rule_in_force",
                "name": "yahoo-ts04",
                "action": "suspend",
                "scope": "source",
                "subject": "ip1",
                "provider": "yahoo",
                "until": "2026-01-01",
                "reply": "421 later",
            },
            "rule_in_force yahoo-ts04: suspend for source ip1 at yahoo, until 2026-01-01: 421 later",
        ),
        (
            {
                "event": "rule_ended",
                "name": "yahoo-ts04",
                "action": "suspend",
                "scope": "source",
                "subject": "ip1",
                "provider": "yahoo",
                "how": "undone",
                "actor": "ann",
                "reason": "delisted",
            },
            "rule_ended yahoo-ts04: suspend for source ip1 at yahoo, undone by ann: delisted",
        ),
        (
            {
                "event": "warmup_changed",
                "source": "ip2",
                "provider": "gmail",
                "act": "hold",
                "day": 3,
                "actor": "ann",
            },
            "warmup_changed ip2 at gmail: hold, now at day 3 by ann",
        ),
        (
            {"event": "hold_rule_added", "rule": 7, "actor": "ann", "reason": "x"},
            "hold_rule_added 7 by ann: x  (rule 7)",
        ),
    ],
)
def test_what_is_about_no_message_is_said_in_words(told: dict[str, Any], text: str) -> None:
    record = MailRecord(sequence=1, ts="2026-01-01T00:00:00.000Z", message="", **told)
    assert log_text(record) == f"2026-01-01T00:00:00.000Z  {text}"
