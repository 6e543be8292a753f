"""The queue as a process has it: opened once, however many roles use it (LMDB refuses a second time)."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from angarium.config.schema import Queue
from angarium.host.sysexits import EX_CONFIG, EX_DATAERR, EX_NOPERM, StartError
from angarium.queue import DamagedQueueError, LmdbSpool, SchemaError, UnixMs


class SpoolShare:
    def __init__(self, path: Path, config: Queue, clock: Callable[[], UnixMs]) -> None:
        self._path = path
        self._config = config
        self._clock = clock
        self._spool: LmdbSpool | None = None
        self._users = 0

    def open(self) -> LmdbSpool:
        """Return the queue, opened by the first user. Blocks. Raises QueueError, StartError."""
        if self._spool is None:
            self._refuse_foreign_files()
            try:
                self._spool = LmdbSpool.open(
                    self._path, self._config, self._clock, asyncio.get_running_loop()
                )
            except SchemaError as error:
                raise StartError(str(error), EX_CONFIG) from error
            except DamagedQueueError as error:
                raise StartError(str(error), EX_DATAERR) from error
        self._users += 1
        return self._spool

    def close(self) -> None:
        """Give it back; the last user's commits what is pending and closes."""
        self._users -= 1
        if self._users == 0 and self._spool is not None:
            self._spool.close()
            self._spool = None

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
