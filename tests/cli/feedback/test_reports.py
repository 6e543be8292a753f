"""Mirrors angarium/cli/feedback/reports.py and angarium/queue/lmdb/administration/report_operator.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from angarium.access.reference_keys import make_key_file, read_keys
from angarium.cli.main import run
from angarium.config.loader import load
from angarium.feedback.reference import ReferenceKeys, Subject
from angarium.queue import MessageId, UnixMs, message_id_text
from angarium.queue.lmdb.administration.report_operator import ReportOperator
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.reporting import SettleReports
from angarium.queue.lmdb.transaction import Transactor
from angarium.queue.reports import KEPT_BOUNDS, WAITING_BOUNDS, ReportedMail, SettledReport, Shelf
from angarium.queue.wall_clock import wall_clock

CONFIG = """
[server]
hostname = "mx1.example.com"
data_dir = "data"
[queue]
map_octets = 1_048_576
min_free_octets = 0
[feedback]
return_path_domain = "b.example.com"
waiting_reports = 3
"""
BOUNCE = (
    b"From: MAILER-DAEMON@oak.example\r\nContent-Type: multipart/report;"
    b" report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mx.oak.example\r\n\r\nFinal-Recipient: rfc822; bob@oak.example\r\n"
    b"Action: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
    b"From: ann@example.com\r\nX-Angarium-Reference: %b\r\n\r\n--b--\r\n"
)


class Rig:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = folder / "angarium.toml"
        self.file.write_text(CONFIG)
        self.config = load(self.file)
        self.queue = Path(self.config.server.data_dir) / "queue"
        QueueEnvironment.open(self.queue, self.config.queue).close()
        key_file = Path(self.config.feedback.key_file)
        make_key_file(key_file, None)
        self.keys = ReferenceKeys(read_keys(key_file), 30)
        self._capsys = capsys

    def run(self, *arguments: str, code: int = 0) -> str:
        assert run(["-c", str(self.file), "feedback", *arguments]) == code
        return self._capsys.readouterr().out

    def keep(self, *contents: bytes, shelf: Shelf = Shelf.REVIEW) -> list[str]:
        """Put these on a shelf; returns their ids."""
        mails = [
            ReportedMail(
                id=MessageId(bytes(15) + bytes([number])),
                received=UnixMs(1_800_000_000_000),
                via="smtp",
                client="192.0.2.9",
                content=content,
            )
            for number, content in enumerate(contents, 1)
        ]
        operator = ReportOperator.open(self.queue, self.config.queue, wall_clock)
        operator.accept(mails, WAITING_BOUNDS)
        operator.close()
        env = QueueEnvironment.open(self.queue, self.config.queue)
        settled = [SettledReport(id=each.id, keep=shelf) for each in mails]
        Transactor(env, wall_clock).run(
            [SettleReports(settled, (), (), KEPT_BOUNDS, (), env.partitions)]
        )
        env.close()
        return [message_id_text(each.id) for each in mails]

    def waiting(self) -> list[ReportedMail]:
        operator = ReportOperator.open(self.queue, self.config.queue, wall_clock)
        try:
            return operator.kept(Shelf.WAITING, b"", 100)
        finally:
            operator.close()


@pytest.fixture
def rig(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Rig:
    return Rig(tmp_path, capsys)


def test_what_is_kept_is_listed_with_what_it_says(rig: Rig) -> None:
    first, second = rig.keep(BOUNCE % b"x", b"Subject: hello\r\n\r\n")
    listed = [json.loads(line) for line in rig.run("list", "--json").splitlines()]
    assert [each["id"] for each in listed] == [first, second]
    assert (listed[0]["kind"], listed[0]["addresses"]) == ("bounce", ["bob@oak.example"])
    assert rig.run("list", "--shelf", "dmarc") == ""
    line = rig.run("list", "--limit", "1")
    assert f"{first}  2027-01-15" in line
    assert "bounce about bob@oak.example" in line
    assert second not in line


def test_a_report_is_shown_with_what_its_references_are(rig: Rig) -> None:
    message = MessageId(bytes(16))
    subject = Subject(message_id=message, index=2, address="al@oak.example", tenant="t", stream="s")
    token = rig.keys.token(subject, wall_clock())
    (report,) = rig.keep(BOUNCE % token.encode())
    shown: dict[str, Any] = json.loads(rig.run("show", report))
    assert {"text": token, "is": "valid", "message": message_id_text(message), "index": 2} in (
        shown["references"]
    )
    assert token in rig.run("show", report, "--content")
    rig.run("show", message_id_text(bytes(16)), code=66)
    rig.run("show", "nonsense", code=64)


def test_reports_are_forgotten_by_name_or_all(rig: Rig) -> None:
    first, *_ = rig.keep(b"A: 1\r\n\r\n", b"A: 2\r\n\r\n", b"A: 3\r\n\r\n")
    assert "1 report forgotten" in rig.run("forget", first)
    rig.run("forget", first, code=66)
    rig.run("forget", code=64)
    rig.run("forget", "--shelf", "waiting", "--all", code=64)
    assert "2 reports forgotten" in rig.run("forget", "--all")
    assert rig.run("list") == ""


def test_an_mbox_is_imported_and_waits_for_the_server(rig: Rig, tmp_path: Path) -> None:
    mbox = tmp_path / "old.mbox"
    mbox.write_bytes(b"From a\nA: 1\n\nx\n\nFrom b\nA: 2\n\ny\n")
    assert "2 mails taken" in rig.run("import", str(mbox))
    assert [each.content[:4] for each in rig.waiting()] == [b"A: 1", b"A: 2"]
    assert {each.via for each in rig.waiting()} == {"import"}
    rig.run("import", str(mbox), code=75)  # feedback.waiting_reports
    assert len(rig.waiting()) == 2
