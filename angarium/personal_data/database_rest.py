"""What SQLite leaves behind of what was overwritten: old pages in its write-ahead log. Blocks."""

import sqlite3
import time
from pathlib import Path
from typing import Final

_WAIT_S: Final = 10.0
_PAUSE_S: Final = 0.1


def clear_rest(path: Path) -> tuple[str, ...]:
    """Have the write-ahead log written into the file and cut off; returns what is left, if a reader is in the way.

    Raises sqlite3.Error.
    """
    end = time.monotonic() + _WAIT_S
    db = sqlite3.connect(path, timeout=1)
    try:
        while True:
            busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy:
                return ()
            if time.monotonic() >= end:
                return (f"old pages in {path.name}-wal, until it is written over: erase again",)
            time.sleep(_PAUSE_S)
    finally:
        db.close()
