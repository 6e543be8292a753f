"""One upload that is being written: from where it ended last, until it is complete. Blocks on disk."""

import contextlib
import hashlib
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final

from angarium.uploads.model import (
    DiskRoomError,
    UploadError,
    UploadMissingError,
    WrongContentError,
)

_READ_OCTETS: Final = 1 << 20
# Written and not yet on disk, at most: what a loss of power costs
_UNSYNCED_OCTETS: Final = 64 << 20


class Writing:
    """Owns the descriptor, whose lock says that nobody else writes. To be closed, or used as a context.

    Who is cancelled while a thread writes may close it: that waits for the thread.
    """

    def __init__(self, fd: int, part: Path, data: Path, size: int, sha256: str) -> None:
        self._fd = fd
        self._part = part
        self._data = data
        self._sha256 = sha256
        self._unsynced = 0
        self._lock = threading.Lock()
        self.size = size  # that it will have
        self.offset = os.fstat(fd).st_size  # octets that are there
        self.is_complete = False
        if self.offset > size:
            self.restart()

    def restart(self) -> None:
        """Forget what is there."""
        os.ftruncate(self._fd, 0)
        self.offset = 0

    def write(self, octets: bytes) -> None:
        """Append. Raises WrongContentError: there is more than was announced; DiskRoomError."""
        if self.offset + len(octets) > self.size:
            raise WrongContentError(
                f"there are more than the {self.size} octets that were announced", field="size"
            )
        rest = memoryview(octets)
        with self._lock:
            try:
                while rest:
                    written = os.pwrite(self._fd, rest, self.offset)
                    self.offset += written
                    rest = rest[written:]
                self._unsynced += len(octets)
                if self._unsynced >= _UNSYNCED_OCTETS:
                    self.sync()
            except OSError as error:
                raise DiskRoomError(f"it cannot be written: {error.strerror}") from error

    def sync(self) -> None:
        """All that was written is on disk when it returns."""
        os.fdatasync(self._fd)
        self._unsynced = 0

    def finish(self) -> None:
        """Verify, and complete it: then it is on disk under its name (UP1).

        Raises WrongContentError: the hash is another one, and nothing is left; UploadMissingError: it was removed
        meanwhile.
        """
        if self.offset != self.size:
            raise UploadError(f"there are {self.offset} of {self.size} octets", field="size")
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        if self._sha256 and (found := self._hash()) != self._sha256:
            self.restart()
            text = f"the content has the SHA-256 {found}, and {self._sha256} was announced: send it again"
            raise WrongContentError(text, field="sha256")
        os.fsync(self._fd)  # UP1
        try:
            self._part.rename(self._data)
        except FileNotFoundError:
            raise UploadMissingError("the upload was removed") from None
        sync_directory(self._data.parent)  # UP1
        self.is_complete = True

    def close(self) -> None:
        """What was written stays, to be continued."""
        with self._lock:
            if self._fd < 0:
                return
            with contextlib.suppress(OSError):
                self.sync()
            os.close(self._fd)
            self._fd = -1

    def _hash(self) -> str:
        digest = hashlib.sha256()
        at = 0
        while piece := os.pread(self._fd, _READ_OCTETS, at):
            digest.update(piece)
            at += len(piece)
        return digest.hexdigest()

    def __enter__(self) -> "Writing":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def sync_directory(path: Path) -> None:
    """Names in it are on disk when it returns."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
