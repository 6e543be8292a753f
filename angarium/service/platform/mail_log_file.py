"""The mail log as a file: appended, synced, rotated by others. Blocks; call it off the event loop."""

import os
from pathlib import Path
from typing import Final

import msgspec

_TAIL_OCTETS: Final = 131_072  # more than the longest line: 1,000 recipients of an accepted message


class LastLine(msgspec.Struct, frozen=True):
    sequence: int
    message: str


class MailLogFile:
    """Holds the file open, and opens it anew once it was moved away (logrotate without copytruncate)."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._fd = -1
        self._inode: tuple[int, int] | None = None

    def open(self) -> LastLine | None:
        """Open the file or make it, cut off what a crash left of a line, and return the last whole one.

        Raises OSError.
        """
        self.close()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(
            self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o640
        )
        found = os.fstat(self._fd)
        self._inode = (found.st_dev, found.st_ino)
        return self._mend(found.st_size)

    def append(self, lines: bytes) -> None:
        """On disk when it returns. Raises OSError; then no part of a line is left behind."""
        if self._fd < 0 or not self._is_in_place():
            self.open()
        size = os.fstat(self._fd).st_size
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, size)
            self.close()
            raise

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _is_in_place(self) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self._inode

    def _mend(self, size: int) -> LastLine | None:
        tail = os.pread(self._fd, _TAIL_OCTETS, max(0, size - _TAIL_OCTETS))
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            os.ftruncate(self._fd, size - len(tail) + whole)
        lines = tail[:whole].splitlines()
        if not lines:
            return None
        try:
            return msgspec.json.decode(lines[-1], type=LastLine)
        except msgspec.MsgspecError:
            # Not a line of ours, or one longer than the tail: the acknowledgement counts
            return None


class StandardOutput:
    """The same for ``mail_log = "-"``: what reads it keeps it."""

    def open(self) -> LastLine | None:
        return None

    def append(self, lines: bytes) -> None:
        view = memoryview(lines)
        while view:
            view = view[os.write(1, view) :]

    def close(self) -> None:
        """Standard output stays open."""
