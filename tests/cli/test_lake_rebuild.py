"""Mirrors angarium/cli/lake/rebuild.py: what it says, leaves, and ends with."""

import json
from pathlib import Path
from typing import Any

import pytest

from angarium.cli.main import run
from angarium.lake.catalogue import FILE_NAME
from tests.cli.test_json_keys import keys, odd
from tests.history.samples import Log
from tests.lake.conftest import House, fill

CONFIG = """
[server]
hostname = "mx.example.com"
data_dir = "data"

[lake]
enabled = true
"""


class Site:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = folder / "angarium.toml"
        self.config.write_text(CONFIG)
        log = Log()
        fill(log, messages=12, hours=3)
        house = House(folder / "data", log)
        house.catch_up(flush=9)
        self.folder, self.files, self.last = house.folder, house.files, log.last
        house.close()
        self._capsys = capsys

    def lose_catalogue(self) -> None:
        for each in self.folder.path.glob(f"{FILE_NAME}*"):
            each.unlink()

    def break_one(self) -> str:
        path = self.folder.locate(self.files[1].path)
        path.write_bytes(path.read_bytes()[:-9])
        return self.files[1].path

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--config", str(self.config)])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def rebuild(self, *more: str) -> tuple[int, dict[str, Any]]:
        code, told, error = self.run("lake", "rebuild", "--json", *more)
        return code, json.loads(told or json.dumps({"error": error}))


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


def test_a_whole_lake_is_made_anew_and_the_audit_has_it(site: Site) -> None:
    site.lose_catalogue()
    code, told = site.rebuild("--dry-run")
    assert (code, told["dry_run"], told["events"]) == (0, True, site.last)
    assert not (site.folder.path / FILE_NAME).exists()
    assert site.run("lake", "status")[0] == 74
    code, told = site.rebuild()
    assert (code, told["files"], told["events"]) == (0, len(site.files), site.last)
    assert not odd(keys(told))
    assert json.loads(site.run("lake", "status", "--json")[1])["events"] == site.last
    audit = site.run("audit", "list")[1]
    assert audit.count("lake.rebuilt") == 1
    assert str(site.folder.path) in audit


def test_what_is_lost_or_left_out_is_said_and_makes_it_65(site: Site) -> None:
    broken = site.break_one()
    (site.folder.path / "notes.txt").write_text("mine")
    site.lose_catalogue()
    code, told, _ = site.run("lake", "rebuild")
    assert code == 65
    assert f"left out, and left: {broken}: it is broken: " in told
    lost = f"{site.files[1].rows} events are in no file, and the event log has them no more."
    assert f"{lost} (era 1: {site.files[1].first} to {site.files[1].last})" in told
    assert "not of the lake, and left: notes.txt" in told
    status = json.loads(site.run("lake", "status", "--json")[1])
    assert (status["left_out"], status["to_be_written"]) == (1, 0)
    assert json.loads(site.run("lake", "verify", "--json")[1])["problems"] == []


def test_a_damaged_catalogue_is_kept(site: Site) -> None:
    (site.folder.path / FILE_NAME).write_bytes(b"nothing of SQLite's" * 100)
    code, told = site.rebuild()
    assert code == 0
    assert Path(told["damaged_catalogue"]).read_bytes().startswith(b"nothing of SQLite's")
    assert json.loads(site.run("lake", "status", "--json")[1])["events"] == site.last


def test_without_any_file_nothing_is_made(site: Site) -> None:
    site.lose_catalogue()
    for each in site.files:
        site.folder.remove(each.path)
    code, _, error = site.run("lake", "rebuild")
    assert (code, "no file of a lake is there" in error) == (66, True)
    assert not (site.folder.path / FILE_NAME).exists()
