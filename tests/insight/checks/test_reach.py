"""Mirrors angarium/insight/checks/reach.py."""

import os
import pwd
from pathlib import Path

import pytest

from angarium.config.loader import load
from angarium.host.identity import Identity
from angarium.insight.checks.reach import check_reach, find_barrier

STRANGER = Identity(uid=64_123, gid=64_124, groups=(64_124, 64_125))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A file of ours in a directory that everybody may pass, below directories that nobody else may."""
    tmp_path.chmod(0o711)
    file = tmp_path / "key.pem"
    file.write_text("secret")
    return file


def open_the_way(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Let the directories above be passed, as /etc would be: pytest's own are 0700."""
    stat = Path.stat

    def open_above(self: Path, **options: bool) -> os.stat_result:
        found = stat(self, **options)
        if directory.is_relative_to(self) and self != directory:
            return os.stat_result((found.st_mode | 0o111, *found[1:]))
        return found

    monkeypatch.setattr(Path, "stat", open_above)


@pytest.mark.parametrize(("mode", "is_open"), [(0o600, False), (0o604, True), (0o640, False)])
def test_a_stranger_needs_the_bit_of_others(
    key: Path, monkeypatch: pytest.MonkeyPatch, mode: int, is_open: bool
) -> None:
    open_the_way(monkeypatch, key.parent)
    key.chmod(mode)
    assert find_barrier(key, STRANGER) == (None if is_open else key)


def test_the_owner_and_a_member_need_theirs(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_the_way(monkeypatch, key.parent)
    found = key.stat()
    owner = Identity(uid=found.st_uid or 64_123, gid=64_124, groups=())
    if found.st_uid == 0:
        os.chown(key, owner.uid, found.st_gid)
    key.chmod(0o600)
    assert find_barrier(key, owner) is None
    member = Identity(uid=64_200, gid=64_200, groups=(key.stat().st_gid,))
    assert find_barrier(key, member) == key
    key.chmod(0o640)
    assert find_barrier(key, member) is None


def test_a_closed_directory_on_the_way_is_named(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_the_way(monkeypatch, key.parent)
    key.chmod(0o644)
    key.parent.chmod(0o700)
    assert find_barrier(key, STRANGER) == key.parent


def test_a_missing_file_is_not_our_business(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_the_way(monkeypatch, key.parent)
    assert find_barrier(key.parent / "none.pem", STRANGER) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_check_names_the_file_and_what_to_do(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_the_way(monkeypatch, key.parent)
    key.chmod(0o600)
    user = pwd.getpwall()[-1].pw_name
    file = key.parent / "angarium.toml"
    file.write_text(
        f'[server]\nhostname = "mx1.example.com"\nuser = "{user}"\n'
        '[dkim]\nkeys = [{ domain = "example.com", selector = "s1", file = "key.pem" }]\n'
    )
    (finding,) = check_reach(load(file))
    assert finding.verdict == "fail"
    assert finding.text.endswith(f"chown {user} {key}")
