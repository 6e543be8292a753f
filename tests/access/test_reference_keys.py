"""Mirrors angarium/access/numbered_keys.py and reference_keys.py."""

import os
import stat
from pathlib import Path

import pytest

from angarium.access.reference_keys import ReferenceKeyError, make_key_file, read_keys
from angarium.host.identity import Identity

KEY = "ab" * 32


def written(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "feedback.key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_file_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "feedback.key"
    assert make_key_file(path, None, lambda n: bytes(range(n)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_keys(path) == {1: bytes(range(32))}
    assert not make_key_file(path, None)
    assert read_keys(path) == {1: bytes(range(32))}


def test_a_file_that_a_crash_left_empty_is_filled(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    assert make_key_file(path, None)
    assert len(read_keys(path)[1]) == 32


def test_no_link_in_its_place_is_followed_l1(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"")
    (tmp_path / "feedback.key").symlink_to(target)
    with pytest.raises(ReferenceKeyError, match="cannot be made"):
        make_key_file(tmp_path / "feedback.key", None)
    assert target.read_bytes() == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_it_belongs_to_who_the_server_becomes(tmp_path: Path) -> None:
    path = tmp_path / "feedback.key"
    make_key_file(path, Identity(uid=65534, gid=65534, groups=()))
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_the_newest_key_is_the_last_line(tmp_path: Path) -> None:
    keys = read_keys(written(tmp_path, f"# a remark\n\n7 {KEY}\n 2\t{KEY.upper()}\n"))
    assert list(keys) == [7, 2]
    assert keys[2] == bytes.fromhex(KEY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"0 {KEY}\n", ":1: no key"),
        (f"1 {KEY}\n128 {KEY}\n", ":2: no key"),
        (f"1 {KEY[:-1]}\n", "64 hexadecimal"),
        (f"1 {KEY}\n1 {KEY}\n", ":2: key 1 is there twice"),
        ("# nothing\n", "has no key"),
        ("#" * 70_000, "more than"),
    ],
)
def test_what_is_no_key_is_named_by_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ReferenceKeyError, match=words):
        read_keys(written(tmp_path, text))


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReferenceKeyError, match="chmod 0600"):
        read_keys(written(tmp_path, f"1 {KEY}\n", 0o640))


def test_a_file_that_is_gone_says_who_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ReferenceKeyError, match="makes it when it starts"):
        read_keys(tmp_path / "none")
