"""Makes the file of an SQLite database, for nobody else to read. Blocks for microseconds.

SQLite's locks are POSIX's: whichever descriptor of the file a process closes, it loses all that it has on it, those of
SQLite too. Another process then believes itself alone, and takes the log away from under us. So a file that may be in
use is never opened here.
"""

import errno
import os
import secrets
import stat
from pathlib import Path


def make_database_file(path: Path) -> None:
    """Make an empty file, mode 0600, where there is none (P8). Raises OSError: also for a link (L1)."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        _make(path)
        return
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ELOOP, "it is a link, or no file", str(path))


def _make(path: Path) -> None:
    """It gets its name when its descriptor is closed: nobody can have locked it before."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass  # somebody was faster
    finally:
        unfinished.unlink()
