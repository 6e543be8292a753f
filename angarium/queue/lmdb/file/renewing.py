"""Beginning anew where a queue is damaged: what is there is kept, under another name."""

from pathlib import Path
from typing import Final

import msgspec

from angarium.config.schema import Queue
from angarium.queue.lmdb.file.check import DATA_FILE, LOCK_FILE, check_pages
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.system import fsync_directory
from angarium.queue.lmdb.file.use_lock import UseLock
from angarium.queue.spool import DamagedQueueError, QueueBusyError, QueueError

KEPT_PREFIX: Final = "damaged-"


class SoundQueueError(QueueError):
    """There is nothing wrong with the queue's file. Nothing was done."""


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    why: str  # what is wrong with the old one
    kept: Path  # the directory that the old one is in now, or would be


def begin_anew(path: Path, config: Queue, stamp: str, *, dry_run: bool = False) -> Renewed:
    """Move a damaged queue's files below the queue's directory, and make an empty one. On disk when it returns.

    ``stamp`` makes the directory's name. Blocks for as long as reading the file takes. Raises SoundQueueError,
    QueueBusyError (a process has it open), FileNotFoundError (there is none); then nothing was done.
    """
    lock = UseLock(path)
    try:
        if not lock.try_exclusive():
            raise QueueBusyError("the queue is open: stop the server first")
        renewed = Renewed(why=_fault(path), kept=path / f"{KEPT_PREFIX}{stamp}")
        if dry_run:
            return renewed
        renewed.kept.mkdir(mode=0o700)
        for name in (
            DATA_FILE,
            LOCK_FILE,
        ):  # a crash in between: the lock's file alone is a damaged queue, too
            if (path / name).exists():
                (path / name).rename(renewed.kept / name)
        fsync_directory(renewed.kept)
        fsync_directory(path)
    finally:
        lock.close()
    QueueEnvironment.open(path, config).close()
    return renewed


def _fault(path: Path) -> str:
    if not any((path / name).exists() for name in (DATA_FILE, LOCK_FILE)):
        raise FileNotFoundError(f"no queue in {path}")
    if not (path / DATA_FILE).exists():
        return f"{DATA_FILE} is gone"
    try:
        faults = check_pages(path).faults
    except DamagedQueueError as error:
        return error.what
    if not faults:
        raise SoundQueueError(
            f"the file of the queue in {path} is sound: nothing was done. Single damaged recipients are set aside by"
            " the server; `postmaster queue verify` names them"
        )
    return faults[0]
