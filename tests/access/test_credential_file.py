"""Mirrors angarium/access/credential_file.py."""

import os
import subprocess
import sys
from pathlib import Path

import argon2
import pytest

from angarium.access.credential_file import (
    HASHER,
    CredentialError,
    CredentialFileError,
    add_user,
    credential_path,
    find_user,
    list_users,
    read_users,
    remove_user,
    set_password,
)

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def add(
    path: Path, name: str, password: str = "x", senders: tuple[str, ...] = ("*",), tenant: str = "t"
) -> None:
    add_user(path, name, password, senders=senders, created="2026", tenant=tenant, hasher=CHEAP)


def test_users_are_kept(tmp_path: Path) -> None:
    path = credential_path(tmp_path / "data")
    add(path, "b", senders=("@b.example", "b@c.example"))
    add(path, "a")
    assert [each.name for each in list_users(path)] == ["a", "b"]
    assert find_user(path, "b").senders == ("@b.example", "b@c.example")
    before = find_user(path, "b").hash
    set_password(path, "b", "y", hasher=CHEAP)
    assert find_user(path, "b").hash != before
    assert CHEAP.verify(find_user(path, "b").hash, "y")
    remove_user(path, "b")
    assert [each.name for each in list_users(path)] == ["a"]


def test_p8_the_file_and_its_directory_are_private(tmp_path: Path) -> None:
    path = credential_path(tmp_path / "data")
    umask = os.umask(0)
    try:
        add(path, "a")
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert b"secret" not in path.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_adds_is_the_owners_of_the_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 64_123, 64_124)
    add(credential_path(tmp_path), "a")
    assert {(each.stat().st_uid, each.stat().st_gid) for each in tmp_path.iterdir()} == {
        (64_123, 64_124)
    }


def test_hashes_are_argon2id_with_the_parameters_of_rfc_9106() -> None:
    parameters = argon2.extract_parameters(HASHER.hash("x"))
    assert parameters.type is argon2.Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (65536, 3, 4)


@pytest.mark.parametrize(
    ("name", "password", "senders", "tenant"),
    [
        *(
            ("", "x", ("*",), "t"),
            ("a\nb", "x", ("*",), "t"),
            (" a", "x", ("*",), "t"),
            ("a" * 300, "x", ("*",), "t"),
        ),
        *(("a", "", ("*",), "t"), ("a", "x\0", ("*",), "t"), ("a", "x" * 2000, ("*",), "t")),
        *(("a", "x", (), "t"), ("a", "x", ("nonsense",), "t"), ("a", "x", ("*@b.example",), "t")),
        *(("a", "x", ("*",), ""), ("a", "x", ("*",), "a b"), ("a", "x", ("*",), "../x")),
    ],
)
def test_what_is_not_usable_is_refused(
    tmp_path: Path, name: str, password: str, senders: tuple[str, ...], tenant: str
) -> None:
    path = credential_path(tmp_path)
    with pytest.raises(CredentialError):
        add(path, name, password, senders, tenant)
    assert not path.exists()


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = credential_path(tmp_path)
    add(path, "a")
    before = path.read_bytes()
    with pytest.raises(CredentialError, match="exists"):
        add(path, "a")
    for change in (
        lambda: remove_user(path, "b"),
        lambda: set_password(path, "b", "x", hasher=CHEAP),
    ):
        with pytest.raises(CredentialError, match="no user"):
            change()
    assert path.read_bytes() == before


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = credential_path(tmp_path)
    add(path, "a")
    before = path.read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CredentialFileError, match="No space left"):
        add(path, "b")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["credentials.jsonl"]


@pytest.mark.parametrize(
    "content",
    [
        *(b"rubbish", b'{"format":2}\n', b'{"format":1}\n{}\n', b'{"format":1}\n\xff\n', b"[]\n"),
        b'{"format":1}\n{"name":"a","hash":"x","senders":["nonsense"],"created":""}\n',
        b'{"format":1}\n{"name":"a","hash":"x","senders":["*"],"created":"","more":1}\n',
        b'{"name":"a","hash":"x","senders":["*"],"created":""}\n',
    ],
)
def test_a_file_that_is_not_ours_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = credential_path(tmp_path)
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(CredentialFileError, match=r"credentials\.jsonl"):
        read_users(path)
    with pytest.raises(CredentialFileError):
        add(path, "b")
    assert path.read_bytes() == content


def test_changes_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    path = credential_path(tmp_path)
    script = (
        "import sys, argon2; from pathlib import Path\n"
        "from angarium.access.credential_file import add_user\n"
        "hasher = argon2.PasswordHasher(1, 8, 1)\n"
        "for n in range(20):\n"
        "    add_user(Path(sys.argv[1]), f'{sys.argv[2]}{n}', 'x', senders=['*'], created='', hasher=hasher)\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, str(path)]
    children = [subprocess.Popen([*command, name], cwd=root) for name in ("a", "b")]
    assert [child.wait(30) for child in children] == [0, 0]
    assert len(list_users(path)) == 40


def test_a_name_that_differs_only_in_case_is_taken_already(tmp_path: Path) -> None:
    path = credential_path(tmp_path)
    add(path, "Joe")
    with pytest.raises(CredentialError, match="'Joe' exists already"):
        add(path, "jOE")
    set_password(path, "JOE", "other", hasher=CHEAP)
    assert find_user(path, "joe").name == "Joe"
    assert CHEAP.verify(find_user(path, "joe").hash, "other")
    remove_user(path, "joe")
    assert not list_users(path)
