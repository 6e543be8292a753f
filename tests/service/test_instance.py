"""Mirrors angarium/service/instance.py."""

import errno
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from angarium.queue.model import UnixMs
from angarium.service.instance import COPIED, FILE_NAME, OLDER, InstanceFiles

NOW = UnixMs(1_800_000_000_000)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    return path


def used(data_dir: Path, last_event: int = 100) -> InstanceFiles:
    files = InstanceFiles(data_dir)
    assert files.claim(0, NOW) == ""
    assert files.tell(last_event)
    return files


def test_a_directory_that_nobody_owned_is_taken(data_dir: Path) -> None:
    files = used(data_dir)
    assert files.claim(100, NOW) == ""
    assert files.claim(5000, NOW) == ""
    assert (data_dir / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("tool", ["copytree", "tar"])
def test_a_copy_is_held(data_dir: Path, tmp_path: Path, tool: str) -> None:
    used(data_dir)
    copy = tmp_path / "copy"
    if tool == "copytree":
        shutil.copytree(data_dir, copy)
    else:
        name = shutil.make_archive(str(tmp_path / "a"), "tar", data_dir)
        shutil.unpack_archive(name, copy)
    assert InstanceFiles(copy).claim(100, NOW) == COPIED
    assert InstanceFiles(data_dir).claim(100, NOW) == ""


def test_what_was_put_back_in_place_is_held(data_dir: Path) -> None:
    files = used(data_dir, last_event=100)
    held = files.claim(97, NOW)
    assert held == f"{OLDER}: 3 events are missing"
    assert files.find() is not None


def test_what_is_held_stays_so_whatever_happens_in_it(data_dir: Path) -> None:
    """IS1. Mail that comes in meanwhile makes its queue as long as the lost one was."""
    files = used(data_dir, last_event=100)
    held = files.claim(97, NOW)
    assert not files.tell(10_000)
    assert files.claim(10_000, NOW) == held
    assert files.held() == held


def test_who_adopts_it_makes_it_the_one(data_dir: Path, tmp_path: Path) -> None:
    used(data_dir)
    copy = tmp_path / "copy"
    shutil.copytree(data_dir, copy)
    files = InstanceFiles(copy)
    files.claim(100, NOW)
    assert files.adopt(NOW) == COPIED
    assert files.held() == ""
    assert files.claim(100, NOW) == ""
    assert files.tell(100)
    assert files.claim(99, NOW).startswith(OLDER)


def test_the_witness_of_another_directory_says_nothing(data_dir: Path) -> None:
    """As where the data directory was removed and made anew."""
    used(data_dir, last_event=100)
    shutil.rmtree(data_dir)
    data_dir.mkdir()
    assert used(data_dir, last_event=3).claim(3, NOW) == ""


def test_without_a_witness_a_directory_in_its_place_is_no_copy(data_dir: Path) -> None:
    """As in a container that is made anew, with the data directory in a volume."""
    files = used(data_dir)
    files.witness_path.unlink()
    assert files.claim(1, NOW) == ""


@pytest.mark.parametrize("octets", [b"", b"{}", b"\xff" * 600, b'{"id": 1}'])
def test_what_is_written_in_the_files_harms_nothing(data_dir: Path, octets: bytes) -> None:
    files = used(data_dir)
    files.witness_path.write_bytes(octets)
    assert files.claim(1, NOW) == ""
    (data_dir / FILE_NAME).write_bytes(octets)
    assert files.claim(1, NOW) == COPIED


def test_no_link_is_followed(data_dir: Path, tmp_path: Path) -> None:
    """L1."""
    foreign = tmp_path / "foreign"
    foreign.write_text("theirs")
    files = InstanceFiles(data_dir)
    files.witness_path.symlink_to(foreign)
    files.claim(1, NOW)
    assert not files.tell(5)
    files.prepare(None)
    (data_dir / FILE_NAME).unlink()
    (data_dir / FILE_NAME).symlink_to(foreign)
    with pytest.raises(OSError, match=r"link|symbolic|plain"):
        files.claim(1, NOW)
    assert foreign.read_text() == "theirs"


def test_processes_that_start_at_once_agree(data_dir: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: InstanceFiles(data_dir).claim(1, NOW), range(200)))
    assert set(said) == {""}
    assert [each.name for each in data_dir.iterdir()] == [FILE_NAME]
    assert InstanceFiles(data_dir).claim(1, NOW) == ""


def test_what_cannot_be_written_is_judged_all_the_same(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk, where a server must start."""
    used(data_dir)
    copy = tmp_path / "copy"
    shutil.copytree(data_dir, copy)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("angarium.service.instance.os.fsync", full)
    assert InstanceFiles(copy).claim(100, NOW) == COPIED
    assert [each.name for each in copy.iterdir()] == [FILE_NAME]
    (copy / FILE_NAME).unlink()
    assert InstanceFiles(copy).claim(100, NOW) == ""
