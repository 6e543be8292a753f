"""The queue as a process has it: opened once, however many roles use it (LMDB refuses a second time)."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.config.schema import Queue
from angarium.host.sysexits import (
    EX_CONFIG,
    EX_DATAERR,
    EX_IOERR,
    EX_NOPERM,
    EX_TEMPFAIL,
    StartError,
)
from angarium.queue import (
    DamagedQueueError,
    LmdbSpool,
    QueueBusyError,
    QueueError,
    QueueFullError,
    SchemaError,
    UnixMs,
)

# Less room than this, and that may be why it cannot be opened: there may be more later.
_NO_ROOM_OCTETS: Final = 1024 * 1024


class SpoolShare:
    def __init__(self, path: Path, config: Queue, clock: Callable[[], UnixMs]) -> None:
        self._path = path
        self._config = config
        self._clock = clock
        self._spool: LmdbSpool | None = None
        self._users = 0

    def open(self) -> LmdbSpool:
        """Return the queue, opened by the first user. Blocks. Raises StartError, with the code of `queue list`."""
        if self._spool is None:
            self._refuse_foreign_files()
            try:
                self._spool = LmdbSpool.open(
                    self._path, self._config, self._clock, asyncio.get_running_loop()
                )
            except QueueError as error:
                raise StartError(str(error), self._code(error)) from error
        self._users += 1
        return self._spool

    def close(self) -> None:
        """Give it back; the last user's commits what is pending and closes."""
        self._users -= 1
        if self._users == 0 and self._spool is not None:
            self._spool.close()
            self._spool = None

    def _code(self, error: QueueError) -> int:
        if isinstance(error, SchemaError):
            return EX_CONFIG
        if isinstance(error, DamagedQueueError):
            return EX_DATAERR
        if isinstance(error, (QueueBusyError, QueueFullError)):
            return EX_TEMPFAIL
        free = os.statvfs(self._path)
        return EX_TEMPFAIL if free.f_bavail * free.f_frsize < _NO_ROOM_OCTETS else EX_IOERR

    def _refuse_foreign_files(self) -> None:
        """Somebody else's files, as of a copy made by root, would fail every start the same: to try again is no use."""
        for file in sorted(self._path.glob("*")):
            try:
                is_ours = file.stat().st_uid == os.geteuid()
            except FileNotFoundError:
                continue  # another process of the server compacts
            if not is_ours and not os.access(file, os.R_OK | os.W_OK, effective_ids=True):
                raise StartError(
                    f"{file} is closed to the server's user (uid {os.geteuid()}):"
                    f" chown -R that user {self._path}",
                    EX_NOPERM,
                )
