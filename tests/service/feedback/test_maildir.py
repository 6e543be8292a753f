"""Mirrors angarium/service/feedback/maildir.py."""

import os
from pathlib import Path

import pytest

from angarium.queue import MessageId, QueueFullError, UnixMs
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.reports import WAITING_BOUNDS, ReportBounds
from angarium.service.feedback.maildir import BATCH, MaildirIntake
from tests.queue.samples import START, FakeClock, make_ids


class Rig:
    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("new", "cur", "tmp"):
            (path / name).mkdir()
        clock = FakeClock()
        self.spool = MemorySpool(clock)
        self.intake = MaildirIntake(path, self.spool.reports, make_ids(clock), clock)

    def put(self, name: str, content: bytes = b"A: b\n\nbody\n", folder: str = "new") -> Path:
        file = self.path / folder / name
        file.write_bytes(content)
        return file

    async def take(self, bounds: ReportBounds = WAITING_BOUNDS) -> int:
        return await self.intake.take(bounds)

    def contents(self) -> list[bytes]:
        return [each.content for each in self.spool.reports.pending(1000, 1 << 30)]


async def test_mail_in_new_is_taken_as_it_would_have_come_and_deleted(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    first, second = rig.put("1", b"A: 1\n\nx\n"), rig.put("2", b"A: 2\r\n\r\ny\n")
    assert await rig.take() == 2
    assert rig.contents() == [b"A: 1\r\n\r\nx\r\n", b"A: 2\r\n\r\ny\r\n"]
    assert not first.exists()
    assert not second.exists()
    assert await rig.take() == 0


async def test_what_is_half_written_or_was_looked_at_is_left(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    files = [rig.put("1", folder="tmp"), rig.put("2", folder="cur"), rig.put(".hidden")]
    assert await rig.take() == 0
    assert all(each.exists() for each in files)


async def test_no_link_is_followed_and_no_pipe_is_waited_for_l1(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "new" / "1").symlink_to(secret)
    os.mkfifo(tmp_path / "new" / "2")
    (tmp_path / "new" / "3").mkdir()
    rig.put("4")
    assert await rig.take() == 1
    assert rig.contents() == [b"A: b\r\n\r\nbody\r\n"]
    assert await rig.take() == 0
    assert secret.exists()


async def test_md1_a_file_stays_until_its_mail_is_durable(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    file = rig.put("1")
    with pytest.raises(QueueFullError):
        await rig.take(ReportBounds(reports=0, octets=0))
    assert file.exists()
    assert await rig.take() == 1
    assert not file.exists()


async def test_many_are_taken_a_lot_at_a_time(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for number in range(BATCH + 1):
        rig.put(f"{number:03}")
    assert (await rig.take(), await rig.take()) == (BATCH, 1)
    ids = [each.id for each in rig.spool.reports.pending(1000, 1 << 30)]
    assert len(set(ids)) == BATCH + 1


async def test_a_maildir_that_is_not_there_is_an_error_to_be_told(tmp_path: Path) -> None:
    clock = FakeClock()
    reports = MemorySpool(clock).reports
    intake = MaildirIntake(
        tmp_path / "none", reports, lambda: MessageId(bytes(16)), lambda: UnixMs(START)
    )
    with pytest.raises(FileNotFoundError):
        await intake.take(WAITING_BOUNDS)
