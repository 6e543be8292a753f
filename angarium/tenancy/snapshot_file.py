"""``<data_dir>/platform.snapshot``: how the platform's state reaches the server's processes without SQL.

Whoever changes the database writes it anew, and so does the platform process when somebody else has; readers see a
new file by its inode. Mode 0600; it has digests and sealed keys, as the database. Blocks for microseconds.
"""

import contextlib
import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from angarium.host.exchanged_file import State, exchange, find_state
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.published_file import read_published
from angarium.tenancy.snapshot import EMPTY, FORMAT, Snapshot, SnapshotData

FILE_NAME: Final = "platform.snapshot"
MAX_OCTETS: Final = 512 * 1024 * 1024  # ours: some 100,000 domains and a million keys
_log: Final = logging.getLogger(__name__)


class _Read(NamedTuple):
    state: State
    snapshot: Snapshot


class SnapshotFile:
    """Invariant SNF1: ``current`` is always the whole of one file; a file that cannot be read changes nothing."""

    def __init__(self, data_dir: Path) -> None:
        """Reads it. Raises TenancySetupError."""
        self.path: Final = data_dir / FILE_NAME
        self._state = find_state(self.path)
        self._failed: State | None = None
        self.current = Snapshot(read_snapshot(self.path))
        # What ``newest`` has read already
        self._ahead: _Read | None = None
        self._reading = threading.Lock()
        self._on_changed: list[Callable[[Snapshot], None]] = []

    def on_changed(self, callback: Callable[[Snapshot], None]) -> None:
        """Have it called with the state of before, when ``current`` is another one."""
        self._on_changed.append(callback)

    def refresh(self) -> None:
        """Read the file again if it has changed (2 us if not). If that fails, one error is logged."""
        found = self._find_newer()
        if found is None:
            return
        before, self.current = self.current, found.snapshot  # SNF1
        self._state, self._failed, self._ahead = found.state, None, None
        for callback in self._on_changed:
            callback(before)

    def newest(self) -> Snapshot:
        """Return what the file says now, for any thread; ``current`` stays what it is until it is refreshed.

        For who has something of another process that may have looked at the file later than this one.
        """
        found = self._find_newer()
        return self.current if found is None else found.snapshot

    def _find_newer(self) -> _Read | None:
        """None: it is as in ``current``, or cannot be read."""
        with self._reading:
            state = find_state(self.path)
            if state in (self._state, self._failed) or state is None:
                return None
            if self._ahead is None or self._ahead.state != state:
                try:
                    data = read_snapshot(self.path)
                except TenancySetupError as error:
                    self._failed = state
                    _log.error("%s", error, extra={"event": "snapshot_unusable"})
                    return None
                self._ahead = _Read(state, Snapshot(data))
            return self._ahead


def read_snapshot(path: Path) -> SnapshotData:
    """Return what is in the file; where there is none, a platform where nothing was made. Raises TenancySetupError."""
    return read_published(path, EMPTY, format_=FORMAT, max_octets=MAX_OCTETS)


@contextlib.contextmanager
def writing(data_dir: Path) -> Iterator[Callable[[SnapshotData], None]]:
    """Give what writes the file; nobody else writes meanwhile, so what is read within the block is the newest.

    On disk when it returns, whole or not at all. Raises TenancySetupError.
    """
    path = data_dir / FILE_NAME
    try:
        lock = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lambda data: exchange(path, msgspec.msgpack.encode(data))
        finally:
            os.close(lock)
    except OSError as error:
        raise TenancySetupError(f"{path} cannot be written: {error.strerror}") from None
