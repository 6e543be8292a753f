"""Files that are exchanged whole: who reads one has the state of before or the new one, also after a crash."""

import os
import secrets
from pathlib import Path

State = tuple[int, int, int]  # differs once a file was exchanged


def exchange(path: Path, octets: bytes) -> None:
    """Put a file in the place of what has the name, mode 0600; on disk when it returns, whole or not at all.

    Blocks. Raises OSError.
    """
    write_whole(path, octets)
    sync_directory(path.parent)


def write_whole(path: Path, octets: bytes) -> None:
    """The same, but its name is on disk only when the directory is synced. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(fd)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def sync_directory(path: Path) -> None:
    """Have the names in it on disk. Raises OSError."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def find_state(path: Path) -> State | None:
    """Return what tells whether the file is still the one of before (2 us); None: there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size)
