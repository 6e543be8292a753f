"""Mirrors angarium/personal_data/table_files.py, on real files."""

import os
from pathlib import Path

import pytest

from angarium.personal_data.store import Subject
from angarium.personal_data.table_files import TableFiles
from angarium.queue.act import Actor
from angarium.queue.person import Person
from angarium.tables.examination import examine
from angarium.tables.table import Table

ANN = Subject(person=Person("ann@example.com", bytes(32)), by=Actor(who="tests"))
TEXT = (
    'email;name\nbob@example.com;Bob\nAnn@example.com;"Ann ""A"";\nÄnne"\ncarl@example.com;Carl\n'
)


def put(folder: Path, octets: bytes, name: str = "one.data") -> Path:
    file = folder / "uploads" / "shop" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(octets)
    return file


def store(folder: Path) -> TableFiles:
    return TableFiles(folder / "uploads", folder / "campaigns")


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_row_is_blanked_where_it_stands_and_the_others_are_read_as_before(
    tmp_path: Path, charset: str
) -> None:
    """PD3"""
    file = put(tmp_path, TEXT.encode(charset))
    layout = examine(file).layout
    (found,) = store(tmp_path).find(ANN)
    assert found.data["row"] == {"email": "Ann@example.com", "name": 'Ann "A";\nÄnne'}
    size = file.stat().st_size
    assert store(tmp_path).erase(ANN).changed == 1
    assert file.stat().st_size == size
    assert not list(store(tmp_path).find(ANN))
    with Table(file, layout).rows() as rows:
        cells = [str(getattr(each, "address", "")) for each in rows]
    assert [cells[0], cells[-1]] == ["bob@example.com", "carl@example.com"]
    assert "nn" not in file.read_bytes().decode(charset).replace("name", "")


def test_a_row_that_a_crash_left_half_blanked_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PD3"""
    file = put(tmp_path, TEXT.encode())
    whole, written = os.pwrite, 0

    def crash(fd: int, octets: bytes, at: int) -> int:
        nonlocal written
        written += 1
        if written == 2:
            raise KeyboardInterrupt
        return whole(fd, octets, at)

    monkeypatch.setattr(os, "pwrite", crash)
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path).erase(ANN)
    monkeypatch.undo()
    left = file.read_text()
    assert "Ann@example.com" in left
    assert "nne" not in left
    assert store(tmp_path).erase(ANN).changed == 1
    assert not list(store(tmp_path).find(ANN))


def test_what_is_no_table_is_blanked_by_its_lines(tmp_path: Path) -> None:
    file = put(tmp_path, b'a,b\n"open,ann@example.com,Ann\nc,d\n\0')
    assert store(tmp_path).erase(ANN).changed == 1
    assert b"nn" not in file.read_bytes()
    assert file.read_bytes().startswith(b"a,b\n")


def test_one_tenants_files_alone_are_touched_and_one_under_way_is_said_to_be_left(
    tmp_path: Path,
) -> None:
    mine = put(tmp_path, TEXT.encode())
    other = tmp_path / "uploads" / "other" / "two.data"
    other.parent.mkdir()
    other.write_bytes(mine.read_bytes())
    put(tmp_path, TEXT.encode(), "three.part")
    subject = Subject(person=ANN.person, tenant="shop", by=ANN.by)
    done = store(tmp_path).erase(subject)
    assert (done.changed, len(done.left)) == (1, 1)
    assert "three" in done.left[0]
    assert b"Ann" in other.read_bytes()


def test_a_campaigns_file_that_is_an_upload_too_is_one(tmp_path: Path) -> None:
    file = put(tmp_path, TEXT.encode())
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "c.csv").hardlink_to(file)
    assert len(list(store(tmp_path).find(ANN))) == 1
    file.unlink()
    assert store(tmp_path).erase(ANN).changed == 1
    assert b"Ann" not in (tmp_path / "campaigns" / "c.csv").read_bytes()
