"""Mirrors angarium/service/feedback/mailbox_files.py."""

from pathlib import Path

import pytest

from angarium.service.feedback.mailbox_files import read_mailbox


def mbox(tmp_path: Path, content: bytes) -> list[bytes]:
    file = tmp_path / "a.mbox"
    file.write_bytes(content)
    return list(read_mailbox(file))


@pytest.mark.parametrize(
    ("content", "mails"),
    [
        (b"", []),
        (b"From a@b date\nA: 1\n\nx\n", [b"A: 1\r\n\r\nx\r\n"]),
        (
            b"From a\nA: 1\n\nx\n\nFrom b\nA: 2\n\ny\n",
            [b"A: 1\r\n\r\nx\r\n\r\n", b"A: 2\r\n\r\ny\r\n"],
        ),
        # Not behind an empty line: of the mail
        (b"From a\nA: 1\n\nx\nFrom here on\n", [b"A: 1\r\n\r\nx\r\nFrom here on\r\n"]),
        (
            b"From a\nA: 1\n\n>From x\n>>From y\n> From z\n",
            [b"A: 1\r\n\r\nFrom x\r\n>From y\r\n> From z\r\n"],
        ),
        (b"From a\r\nA: 1\r\n\r\nx", [b"A: 1\r\n\r\nx"]),
        (b"A: 1\n\nx\n", [b"A: 1\r\n\r\nx\r\n"]),
    ],
)
def test_the_mails_of_an_mbox(tmp_path: Path, content: bytes, mails: list[bytes]) -> None:
    assert mbox(tmp_path, content) == mails


def test_a_folders_files_are_mails_in_their_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).write_bytes(name.encode() + b": 1\n\n")
    (tmp_path / "folder").mkdir()
    assert list(read_mailbox(tmp_path)) == [b"a: 1\r\n\r\n", b"b: 1\r\n\r\n"]


def test_of_a_maildir_what_is_whole_is_read(tmp_path: Path) -> None:
    for folder in ("new", "cur", "tmp"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1").write_bytes(folder.encode() + b": 1\n\n")
    assert list(read_mailbox(tmp_path)) == [b"new: 1\r\n\r\n", b"cur: 1\r\n\r\n"]
