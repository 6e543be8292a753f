"""Mirrors angarium/cli/queue/repair.py and what the other commands say of a damaged queue (L2)."""

import json
import os
from pathlib import Path

import pytest

from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_OK, EX_TEMPFAIL, EX_USAGE
from angarium.cli.main import run
from angarium.config.loader import load
from angarium.insight.checks.queue import check_queue
from angarium.queue import LmdbSpool
from angarium.service.data_dir import DataDir
from tests.queue.samples import FakeClock, make_ids, submission


class Rig:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = folder / "angarium.toml"
        self.config.write_text('[server]\nhostname = "mx.example.com"\ndata_dir = "data"\n')
        self.data_dir = folder / "data"
        self.file = self.data_dir / "queue" / "data.mdb"
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str]:
        code = run(["queue", *arguments, "--config", str(self.config)])
        output = self._capsys.readouterr()
        return code, output.out + output.err

    def verdicts(self) -> list[tuple[str, str]]:
        return [(each.verdict, each.text) for each in check_queue(load(self.config))]


@pytest.fixture
async def rig(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Rig:
    rig = Rig(tmp_path, capsys)
    rig.data_dir.mkdir(mode=0o700)
    clock = FakeClock()
    spool = LmdbSpool.open(rig.data_dir / "queue", load(rig.config).queue, clock)
    await spool.accept([submission(make_ids(clock)(), content=bytes(9000))])
    spool.close()
    return rig


def test_a_sound_queue(rig: Rig) -> None:
    code, text = rig("verify")
    assert code == EX_OK
    assert "1 message of 9.0 KB, 1 recipient, 1 event: 0 faults, 0 recipients set aside" in text
    code, text = rig("verify", "--json")
    assert (code, json.loads(text)["recipients"]) == (EX_OK, 1)
    code, text = rig("new")
    assert (code, "is sound: nothing was done" in text) == (EX_USAGE, True)
    assert [verdict for verdict, _ in rig.verdicts()] == ["ok"]


def test_a_file_that_was_cut_short_is_told_in_the_same_words_everywhere_l2(rig: Rig) -> None:
    os.truncate(rig.file, rig.file.stat().st_size // 2)
    for command in (("list",), ("verify",), ("release", "--domain", "example.net"), ("compact",)):
        code, text = rig(*command)
        assert code == EX_DATAERR, (command, text)
        assert text.startswith(f"postmaster: {rig.file} is damaged: it was cut short: ")
        assert "`postmaster queue new`" in text
    ((verdict, text),) = rig.verdicts()
    assert (verdict, "cut short" in text) == ("fail", True)
    code, text = rig("new", "--dry-run")
    assert (code, "would be kept" in text) == (EX_OK, True)
    code, text = rig("new")
    assert (code, "is kept in" in text, "start the server" in text) == (EX_OK, True, True)
    code, text = rig("list")
    assert (code, "0 recipients" in text) == (EX_OK, True)


def test_a_damaged_page_is_named_l2(rig: Rig) -> None:
    with rig.file.open("r+b") as data:
        for page in range(2, 30):
            data.seek(page * 4096)
            data.write(b"\xff")
    code, text = rig("verify")
    assert code == EX_DATAERR
    assert "has another's number" in text
    assert "no record was read" in text


def test_new_waits_for_no_server(rig: Rig) -> None:
    os.truncate(rig.file, 0)
    data_dir = DataDir(rig.data_dir)
    data_dir.prepare(None)
    lock = data_dir.acquire()
    try:
        code, text = rig("new")
    finally:
        os.close(lock)
    assert (code, "stop it first" in text) == (EX_TEMPFAIL, True)
    assert rig.file.stat().st_size == 0


def test_where_no_queue_is_there_is_nothing_to_verify(rig: Rig) -> None:
    for each in (rig.data_dir / "queue").iterdir():
        each.unlink()
    for command in ("verify", "new"):
        assert rig(command)[0] == EX_NOINPUT
    assert rig.verdicts() == []
