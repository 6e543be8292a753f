"""Mirrors angarium/personal_data/mail_log_store.py, on real files."""

import gzip
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.personal_data.mail_log_store import MailLogStore
from angarium.personal_data.store import StoreAwayError, Subject
from angarium.queue.act import Actor
from angarium.queue.person import Person

ANN = Subject(person=Person("ann@example.com", bytes(32)), by=Actor(who="tests"))


def lines(*recipients: str, **more: Any) -> bytes:
    rows = [
        {"sequence": at, "event": "opened", "recipient": each, "tenant": "a", **more}
        for at, each in enumerate(recipients)
    ]
    return b"".join(msgspec.json.encode(each) + b"\n" for each in rows)


def store(folder: Path, *, is_written: bool = False) -> MailLogStore:
    return MailLogStore(str(folder / "mail.log"), is_written=is_written)


def test_lines_stay_without_the_address_in_each_file(tmp_path: Path) -> None:
    """PD2"""
    text = lines("ann@example.com", "bob@example.com", client="192.0.2.0/24 Firefox")
    (tmp_path / "mail.log").write_bytes(text)
    packed, others = tmp_path / "mail.log.2.gz", tmp_path / "mail.log.3"
    packed.write_bytes(gzip.compress(text))
    others.write_bytes(lines("bob@example.com"))
    for file in (packed, others):
        os.utime(file, (1, 1))
        file.chmod(0o640)
    before = others.stat().st_ino
    assert len(list(store(tmp_path).find(ANN))) == 2
    assert store(tmp_path).erase(ANN).changed == 2
    assert list(store(tmp_path).find(ANN)) == []
    rows = [msgspec.json.decode(each) for each in gzip.decompress(packed.read_bytes()).splitlines()]
    assert [each["recipient"] for each in rows] == [ANN.person.token, "bob@example.com"]
    assert ["client" in each for each in rows] == [False, True]
    assert (packed.stat().st_mtime, packed.stat().st_mode & 0o777) == (1, 0o640)
    assert others.stat().st_ino == before


def test_the_file_that_a_server_writes_is_moved_away_first(tmp_path: Path) -> None:
    """PD2"""
    (tmp_path / "mail.log").write_bytes(lines("ann@example.com"))
    assert store(tmp_path, is_written=True).erase(ANN).changed == 1
    assert not (tmp_path / "mail.log").exists()
    (rotated,) = tmp_path.iterdir()
    assert rotated.name.startswith("mail.log-")


def test_a_crash_leaves_each_file_whole_and_the_next_try_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PD2"""
    text = lines("ann@example.com", "bob@example.com")
    for name in ("mail.log", "mail.log.1"):
        (tmp_path / name).write_bytes(text)
    replace, times = Path.replace, 0

    def crash(self: Path, target: Path) -> Path:
        nonlocal times
        times += 1
        if times == 2:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path).erase(ANN)
    monkeypatch.undo()
    files = [tmp_path / "mail.log", tmp_path / "mail.log.1"]
    assert [each.read_bytes().count(b"\n") for each in files] == [2, 2]
    assert sorted(each.read_bytes() == text for each in files) == [False, True]
    assert store(tmp_path).erase(ANN).changed == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mail.log", "mail.log.1"]


def test_a_file_that_cannot_be_read_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "mail.log.1.gz").write_bytes(b"no gzip")
    with pytest.raises(StoreAwayError, match=r"mail\.log\.1\.gz"):
        store(tmp_path).erase(ANN)


def test_another_tenants_lines_stay(tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_bytes(
        lines("ann@example.com") + lines("ann@example.com", tenant="b")
    )
    subject = Subject(person=ANN.person, tenant="b", by=ANN.by)
    assert store(tmp_path).erase(subject).changed == 1
    assert (tmp_path / "mail.log").read_bytes().count(b"ann@example.com") == 1


def test_who_fetched_something_is_known_by_their_place_in_the_message(tmp_path: Path) -> None:
    """Also where its other lines are in a file that was rotated, and are done already."""
    told = {"tenant": "a", "message": "m"}
    accepted = {**told, "event": "accepted", "recipients": ["bob@example.com", "ann@example.com"]}
    fetched = [
        {**told, "event": "fetched", "id": f"m.{at}", "client": "192.0.2.0/24 Firefox"}
        for at in (0, 1)
    ]
    (tmp_path / "mail.log.1").write_bytes(msgspec.json.encode(accepted) + b"\n")
    (tmp_path / "mail.log").write_bytes(
        b"".join(msgspec.json.encode(each) + b"\n" for each in fetched)
    )
    found = [dict(each.data) for each in store(tmp_path).find(ANN)]
    assert [each["event"] for each in found] == ["accepted", "fetched"]
    assert found[0]["recipients"] == ["ann@example.com"]
    kept = (tmp_path / "mail.log").read_bytes()
    assert store(tmp_path).erase(ANN).changed == 2
    after = (tmp_path / "mail.log").read_bytes()
    assert [b"Firefox" in each for each in after.splitlines()] == [True, False]
    (tmp_path / "mail.log").write_bytes(kept)
    assert store(tmp_path).erase(ANN).changed == 1
    assert list(store(tmp_path).find(ANN)) == []


def test_of_standard_output_it_is_said_who_keeps_it() -> None:
    assert "standard output" in MailLogStore("-", is_written=True).erase(ANN).left[0]
