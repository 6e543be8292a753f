"""Giving free pages back to the disk: LMDB's file never shrinks by itself. Needs the queue to itself.

The live pages are copied into a new file, which is fsynced and renamed over the old one: a crash at any moment
leaves one of the two, whole.
"""

import contextlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

import lmdb
import msgspec

from angarium.queue.lmdb.file.check import DATA_FILE, LOCK_FILE, check_file
from angarium.queue.lmdb.file.system import fsync_directory
from angarium.queue.lmdb.file.use_lock import UseLock
from angarium.queue.spool import QueueBusyError, QueueFullError

COPY_DIRECTORY: Final = "compact.tmp"
NEW_DIRECTORY: Final = "new.tmp"  # where the file of a new queue is made

# At a start: only what is worth it and quick. Copying 256 MiB takes about a second.
START_FILE_OCTETS: Final = 1 << 30
START_FREE_SHARE: Final = 0.9
START_USED_OCTETS: Final = 256 << 20

PROGRESS_S: Final = 0.2

Progress = Callable[[int, int], None]  # octets done, octets in all


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    before_octets: int
    after_octets: int


def compact(path: Path, progress: Progress | None = None) -> Compacted:
    """Compact the queue in ``path``. Blocks. Raises DamagedQueueError, QueueBusyError: a process has it open."""
    lock = UseLock(path)
    try:
        if not lock.try_exclusive():
            raise QueueBusyError("the queue is open: stop the server first")
        remove_leftovers(path)
        check_file(path)
        return _compact(path, progress or _ignore)
    finally:
        lock.close()


def compact_if_mostly_free(path: Path) -> Compacted | None:
    """Compact at a start, if there is much to win and little to copy. The caller holds the lock alone."""
    file = path / DATA_FILE
    if not file.exists() or file.stat().st_size < START_FILE_OCTETS:
        return None
    check_file(path)
    with lmdb.open(str(path), max_dbs=64, create=False, mode=0o600) as env:
        used = used_octets(env)
    size = file.stat().st_size
    if used > START_USED_OCTETS or used > size * (1 - START_FREE_SHARE):
        return None
    return _compact(path, _ignore)


def remove_leftovers(path: Path) -> None:
    """Remove what a compaction, or the making of a queue, has left that was killed. The caller holds the lock alone."""
    for name in (COPY_DIRECTORY, NEW_DIRECTORY):
        if (path / name).exists():
            shutil.rmtree(path / name)


def used_octets(env: lmdb.Environment) -> int:
    """Return what the live pages of all sub-databases take."""
    handles = {}
    with env.begin() as txn:
        names = [bytes(name) for name in txn.cursor().iternext(keys=True, values=False)]
    for name in names:
        handles[name] = env.open_db(name, create=False)
    with env.begin() as txn:
        stats = [txn.stat(handle) for handle in handles.values()]
    pages = sum(s["branch_pages"] + s["leaf_pages"] + s["overflow_pages"] for s in stats)
    return (int(pages) + 3) * int(env.stat()["psize"])


def _compact(path: Path, progress: Progress) -> Compacted:
    data, copy = path / DATA_FILE, path / COPY_DIRECTORY
    before = data.stat().st_size
    copy.mkdir(mode=0o700)
    try:
        with lmdb.open(str(path), max_dbs=64, create=False, mode=0o600) as env:
            used = used_octets(env)
            free = os.statvfs(path)
            if free.f_bavail * free.f_frsize < used + (1 << 20):
                raise QueueFullError(f"compaction needs {used} octets of free disk")
            _copy(env, copy, used, progress)
        _fsync_file(copy / DATA_FILE)
        (copy / DATA_FILE).chmod(0o600)
        (copy / DATA_FILE).replace(data)
        (path / LOCK_FILE).unlink(missing_ok=True)  # it speaks of the old file; nobody has it open
        fsync_directory(path)
        after = data.stat().st_size
        progress(used, used)
        return Compacted(before_octets=before, after_octets=after)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _copy(env: lmdb.Environment, copy: Path, used: int, progress: Progress) -> None:
    """LMDB tells nothing on its way: the growing file does."""
    progress(0, used)
    with ThreadPoolExecutor(1, "compact") as thread:
        copying = thread.submit(env.copy, str(copy), compact=True)
        while wait([copying], PROGRESS_S).not_done:
            with contextlib.suppress(FileNotFoundError):
                progress(min(used, (copy / DATA_FILE).stat().st_size), used)
        copying.result()


def _fsync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ignore(_done: int, _total: int) -> None: ...
