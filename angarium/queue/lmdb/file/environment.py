"""The LMDB environment: opened once per process, grown by itself, refused after a fork or a failed disk.

Knows nothing of what is queued.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, cast

import lmdb

from angarium.config.schema import Queue
from angarium.queue.lmdb.file import migration
from angarium.queue.lmdb.file.check import DATA_FILE, check_file, damaged, has_file
from angarium.queue.lmdb.file.compaction import (
    NEW_DIRECTORY,
    compact_if_mostly_free,
    remove_leftovers,
)
from angarium.queue.lmdb.file.handles import Database, Databases, RawTransaction, ReadTransaction
from angarium.queue.lmdb.file.system import DiskSpace, find_remote_kind, fsync_directory
from angarium.queue.lmdb.file.use_lock import UseLock
from angarium.queue.spool import (
    QueueError,
    QueueFailedError,
    SchemaError,
)

NAMES: Final = (
    *("body", "message", "delivery", "due", "claim", "event", "route", "meta"),
    *("hold_rule", "rule_held", "damaged", "keepsake"),
    *("suppression", "suppression_end", "trouble", "report"),
    *("once", "once_end", "quota"),
    *("campaign", "campaign_row", "campaign_address"),
)
# Each growth doubles the map
OPEN_TRIES: Final = 20
# Ours: slots are per read transaction, of all processes; LMDB's 126 is few
MAX_READERS: Final = 1024
# Ours: the names above and room for later ones
_MAX_DBS: Final = 32
_RESIZE_TRIES: Final = 200  # of 1 ms


class QueueEnvironment:
    """Opens, reads and resizes. Writing is the transactor's business.

    Invariants:

    EN1. No read transaction outlives ``read()``'s block, and none is open in this process while the map is resized.
    EN2. One write transaction at a time in this process, between ``begin_write`` and ``end_write``.
    EN3. Once ``fail`` was called, everything raises QueueFailedError: a failed fsync is never believed later.
    EN4. A process that inherited it by fork cannot use it.
    """

    def __init__(
        self,
        env: lmdb.Environment,
        path: Path,
        config: Queue,
        lock: UseLock,
        *,
        read_only: bool = False,
    ) -> None:
        self._env = env
        self._config = config
        self.read_only = read_only
        self._lock = lock
        self._pid = os.getpid()
        self._reading = threading.Lock()  # EN1
        self._reader = 0  # the thread that reads, to tell a defect from a wait
        self._writing = threading.Lock()  # EN2
        self._failure: str | None = None
        self.path = path
        self.space = DiskSpace(path, config.min_free_octets)
        # Called by a reader that waits for a writer
        self.while_waiting: Callable[[], None] = _nothing
        self.databases: Databases = {name: self._open_database(name) for name in NAMES}
        self.body = self.databases["body"]
        self.message = self.databases["message"]
        self.delivery = self.databases["delivery"]
        self.due = self.databases["due"]
        self.claim = self.databases["claim"]
        self.event = self.databases["event"]
        self.route = self.databases["route"]
        self.meta = self.databases["meta"]
        self.hold_rule = self.databases["hold_rule"]
        self.rule_held = self.databases["rule_held"]
        self.damaged = self.databases["damaged"]
        self.keepsake = self.databases["keepsake"]
        self.suppression = self.databases["suppression"]
        self.suppression_end = self.databases["suppression_end"]
        self.trouble = self.databases["trouble"]
        self.report = self.databases["report"]
        self.once = self.databases["once"]
        self.once_end = self.databases["once_end"]
        self.quota = self.databases["quota"]
        self.campaign = self.databases["campaign"]
        self.campaign_row = self.databases["campaign_row"]
        self.campaign_address = self.databases["campaign_address"]
        self.partitions = config.partitions  # what is on disk wins, see _prepare
        self.once_limit = config.idempotency_keys
        self.missed_after_ms = round(config.missed_after_s * 1000)

    @classmethod
    def open(
        cls,
        path: Path,
        config: Queue,
        *,
        may_compact: bool = False,
        read_only: bool = False,
        steps: Mapping[int, migration.Step] = migration.STEPS,
        current: int = migration.SCHEMA_VERSION,
    ) -> "QueueEnvironment":
        """Open, make or migrate the queue in directory ``path``. Blocks; on disk when it returns.

        ``read_only``: it is there, and not an octet of its file is written. Raises DamagedQueueError, SchemaError,
        QueueBusyError, QueueError (a remote file system).
        """
        if (kind := find_remote_kind(path)) is not None:
            raise QueueError(f"{path} is on a remote file system ({kind}), where LMDB is not safe")
        if not read_only:
            _make_directory(path)
        lock = UseLock(path)
        try:
            if not read_only:
                _make_ready(path, config, lock, may_compact=may_compact)
            lock.shared()
            check_file(path)  # before LMDB has it open
            self = cls._open_while_it_grows(path, config, lock, read_only=read_only)
        except lmdb.Error as error:
            lock.close()
            raise QueueError(f"the queue in {path} cannot be opened: {error}") from error
        except BaseException:
            lock.close()
            raise
        try:
            if read_only:
                self._look(current)
                return self
            self.reader_check()
            self._prepare(config, steps, current)
            fsync_directory(path)
        except BaseException:
            self.close()
            raise
        return self

    @classmethod
    def _open_while_it_grows(
        cls, path: Path, config: Queue, lock: UseLock, *, read_only: bool
    ) -> "QueueEnvironment":
        """Open anew when another process has grown the map between our look at its size and our first transaction."""
        for _ in range(OPEN_TRIES - 1):
            with contextlib.suppress(lmdb.MapResizedError):
                return cls._open_once(path, config, lock, read_only=read_only)
        return cls._open_once(path, config, lock, read_only=read_only)

    @classmethod
    def _open_once(
        cls, path: Path, config: Queue, lock: UseLock, *, read_only: bool
    ) -> "QueueEnvironment":
        raw = _open_lmdb(path, config, read_only=read_only)
        try:
            return cls(raw, path, config, lock, read_only=read_only)
        except BaseException:
            raw.close()
            raise

    def open_to_write(self) -> "QueueEnvironment":
        """Close this one, and open the same to write. Raises as ``open`` does."""
        self.close()
        return self.open(self.path, self._config)

    def close(self) -> None:
        if os.getpid() == self._pid:
            with self._reading:
                self._env.close()
        self._lock.close()

    def check(self) -> None:
        """Raise when the environment must not be used."""
        if os.getpid() != self._pid:  # EN4
            raise QueueError(
                "the queue was opened before a fork: open it in the process that uses it"
            )
        if self._failure is not None:  # EN3
            raise QueueFailedError(self._failure)

    def fail(self, reason: str) -> None:
        self._failure = reason

    def read(self) -> "Reading":
        """A read transaction for a ``with`` block, which must be short and must not await (a long one bloats the
        file).
        """
        return Reading(self)

    def begin_write(self) -> RawTransaction:
        """Wait for the write lock of all processes. ``end_write`` must follow, whatever happens."""
        self._wait_to_write()
        try:
            self.check()
            while True:
                try:
                    return cast(RawTransaction, self._env.begin(write=True))
                except lmdb.MapResizedError:
                    self._set_mapsize(0)
        except BaseException:
            self._writing.release()
            raise

    def end_write(self) -> None:
        self._writing.release()

    def grow(self) -> None:
        """Double the map. Only between ``begin_write`` and ``end_write``, after the transaction was aborted."""
        self._set_mapsize(self.map_octets() * 2)

    def map_octets(self) -> int:
        return int(self._env.info()["map_size"])

    def readers(self) -> int:
        """Return how many slots of MAX_READERS were ever in use at a time."""
        return int(self._env.info()["num_readers"])

    def file_octets(self) -> int:
        return (int(self._env.info()["last_pgno"]) + 1) * self.page_octets

    @property
    def page_octets(self) -> int:
        return int(self._env.stat()["psize"])

    def used_octets(self, txn: ReadTransaction) -> int:
        """Return what the live pages take: the rest of the file is free for use."""
        pages = 2  # meta
        for name in NAMES:
            stat = txn.stat(self.databases[name])
            pages += stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        return pages * self.page_octets

    def reader_check(self) -> int:
        """Free the slots of readers that were killed; returns how many."""
        return int(self._env.reader_check())

    def begin_read(self) -> ReadTransaction:
        """Only for ``Reading``; ``end_read`` must follow."""
        self.check()
        checked = False
        while True:
            if not self._reading.acquire(blocking=False):
                if self._reader == threading.get_ident():
                    # Would wait for itself
                    raise RuntimeError("a read transaction inside another one")
                self._reading.acquire()
            self._reader = threading.get_ident()
            try:
                return cast(ReadTransaction, self._env.begin())
            except lmdb.MapResizedError:  # another process has grown the map
                self._reading.release()
                self._adopt_mapsize()
            except lmdb.ReadersFullError:
                self._reading.release()
                if checked:
                    raise
                checked = True
                self.reader_check()
            except BaseException:
                self._reading.release()
                raise

    def end_read(self) -> None:
        self._reader = 0
        self._reading.release()

    def _adopt_mapsize(self) -> None:
        self._wait_to_write()
        try:
            self._set_mapsize(0)
        finally:
            self._writing.release()

    def _open_database(self, name: str) -> Database:
        while True:
            try:
                return self._env.open_db(name.encode(), create=not self.read_only)
            except (lmdb.NotFoundError, lmdb.ReadonlyError):
                raise _older() from None
            except lmdb.MapResizedError:  # another process grows it just now
                self._set_mapsize(0)
            except lmdb.MapFullError:
                self.grow()

    def _wait_to_write(self) -> None:
        if not self._writing.acquire(blocking=False):
            while not self._writing.acquire(timeout=0.001):
                self.while_waiting()  # the committer may be waiting for this very thread to park

    def _set_mapsize(self, octets: int) -> None:
        with self._reading:  # EN1: LMDB itself would unmap pages under a reader
            for attempt in range(_RESIZE_TRIES):
                try:
                    self._env.set_mapsize(octets)
                except lmdb.Error:
                    if attempt == _RESIZE_TRIES - 1:
                        raise
                    time.sleep(0.001)
                else:
                    return

    def _look(self, current: int) -> None:
        """Raise SchemaError unless the queue can be read as it is."""
        with self.read() as txn:
            if not migration.is_current(txn, self.databases, current):
                raise _older()
            raw = txn.get(migration.PARTITIONS_KEY, db=self.meta) or b""
        self.partitions = int.from_bytes(raw, "big")

    def _prepare(self, config: Queue, steps: Mapping[int, migration.Step], current: int) -> None:
        done = False
        while not done:
            txn = self.begin_write()
            try:
                done = migration.prepare(txn, self.databases, config.partitions, steps, current)
                raw = txn.get(migration.PARTITIONS_KEY, db=self.meta) or b""
                self.partitions = int.from_bytes(raw, "big")
                txn.commit()
            except lmdb.MapFullError:
                txn.abort()
                self.grow()
            except BaseException:
                txn.abort()
                raise
            finally:
                self.end_write()


class Reading:
    """The block of a read transaction. A class: contextlib's generator would cost more than the transaction."""

    __slots__ = ("_env", "_txn")

    def __init__(self, env: QueueEnvironment) -> None:
        self._env = env

    def __enter__(self) -> ReadTransaction:
        self._txn = self._env.begin_read()
        return self._txn

    def __exit__(self, *_error: object) -> None:
        self._txn.abort()
        self._env.end_read()


def _nothing() -> None: ...


def _make_directory(path: Path) -> None:
    made = not path.exists()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077 and path.stat().st_uid == os.geteuid():
        path.chmod(0o700)  # P8: bodies are other people's letters
    if made:
        fsync_directory(path.parent)


def _older() -> SchemaError:
    return SchemaError(
        "the queue was last used by an older Angarium, and reading changes nothing: start the server, which brings it"
        " up to date"
    )


def _make_ready(path: Path, config: Queue, lock: UseLock, *, may_compact: bool) -> None:
    """Make the queue's file if there is none, or compact it: what needs the directory alone."""
    while not lock.try_exclusive():
        if has_file(path):
            return
        lock.shared()  # another process makes it just now
        if not has_file(path):
            raise damaged(path, f"{DATA_FILE} is gone, and a process has it open")
    remove_leftovers(path)
    if not has_file(path):
        _make_file(path, config)
    elif may_compact:
        compact_if_mostly_free(path)


def _make_file(path: Path, config: Queue) -> None:
    """An empty queue, whole or not at all: what is found later without its first pages was damaged."""
    new = path / NEW_DIRECTORY
    new.mkdir(mode=0o700)
    with _open_lmdb(new, config, read_only=False) as env:
        env.sync(True)
    (new / DATA_FILE).replace(path / DATA_FILE)
    fsync_directory(path)
    remove_leftovers(path)


def _open_lmdb(path: Path, config: Queue, *, read_only: bool) -> lmdb.Environment:
    return lmdb.open(
        str(path),
        map_size=config.map_octets,
        max_dbs=_MAX_DBS,
        max_readers=MAX_READERS,
        mode=0o600,
        sync=config.sync,
        metasync=config.sync,
        max_spare_txns=2,
        readonly=read_only,
        create=not read_only,
    )
