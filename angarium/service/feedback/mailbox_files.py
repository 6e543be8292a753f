"""Mail in files, for who imports it: an mbox, a Maildir, or a folder of single mails. Reads; deletes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from angarium.service.feedback.maildir import MAX_OCTETS, with_crlf

_SEPARATOR: Final = b"From "
_QUOTE: Final = b">"


def read_mailbox(path: Path) -> Iterator[bytes]:
    """Yield each mail as it would have come by SMTP, in order; what is larger than ``MAX_OCTETS`` is left out.

    Raises OSError.
    """
    if path.is_dir():
        for file in _files(path):
            if file.stat().st_size <= MAX_OCTETS:
                yield with_crlf(file.read_bytes())
        return
    with path.open("rb") as mbox:
        yield from _of_mbox(mbox)


def _files(folder: Path) -> Iterator[Path]:
    """Yield a folder's files, sorted; of a Maildir those that are whole."""
    is_maildir = (folder / "new").is_dir() and (folder / "cur").is_dir()
    for each in [folder / "new", folder / "cur"] if is_maildir else [folder]:
        yield from sorted(file for file in each.iterdir() if file.is_file())


def _of_mbox(file: IO[bytes]) -> Iterator[bytes]:
    """A mail begins at a line of "From " behind an empty one; a file without any is one mail."""
    lines: list[bytes] = []
    octets = 0
    is_after_blank = True
    while line := file.readline(MAX_OCTETS):
        if is_after_blank and line.startswith(_SEPARATOR):
            if lines and octets <= MAX_OCTETS:
                yield _mail(lines)
            lines, octets = [], 0
        elif octets <= MAX_OCTETS:
            octets += len(line)
            lines.append(line)
        is_after_blank = line in (b"\n", b"\r\n")
    if lines and octets <= MAX_OCTETS:
        yield _mail(lines)


def _mail(lines: list[bytes]) -> bytes:
    unquoted = [
        line[1:] if line.startswith(_QUOTE) and line.lstrip(_QUOTE).startswith(_SEPARATOR) else line
        for line in lines
    ]
    return with_crlf(b"".join(unquoted))
