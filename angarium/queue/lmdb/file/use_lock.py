"""The lock that says a queue is in use: shared by whoever has it open, exclusive to swap its file."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from angarium.queue.spool import QueueBusyError

FILE_NAME: Final = "use.lock"
WAIT_S: Final = 60.0  # a compaction at start is bounded to well below this
_POLL_S: Final = 0.02


class UseLock:
    """Held for as long as the object lives; the kernel frees it when the process dies."""

    def __init__(self, directory: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(directory / FILE_NAME, flags, 0o600)

    def try_exclusive(self) -> bool:
        """Take it alone; False when somebody has the queue open."""
        return self._try(fcntl.LOCK_EX)

    def shared(self, wait_s: float = WAIT_S) -> None:
        """Take it with others, or step down from exclusive. Blocks while a compaction runs."""
        until = time.monotonic() + wait_s
        while not self._try(fcntl.LOCK_SH):
            if time.monotonic() >= until:
                raise QueueBusyError("the queue is being compacted; try again when that has ended")
            time.sleep(_POLL_S)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
