"""The one thread of a process that writes: it drains everything pending into one transaction (group commit).

py-lmdb gives up the GIL in each put; beside a busy event loop each one then waits a GIL switch interval (measured:
64 messages/s). So the committer asks the loop to park while it puts, and lets it run again during the fsync
(12,700 messages/s).
"""

import asyncio
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from angarium.queue.lmdb.transaction import Batch, Operation, OperationFailure, Transactor
from angarium.queue.model import PartitionNumber
from angarium.queue.spool import QueueError, QueueFailedError

MAX_OPERATIONS: Final = 512  # of one transaction: bounds how long the loop is parked
MAX_OCTETS: Final = 16 << 20  # of one transaction; a larger operation goes alone
# A loop that does not park by then is busy, stopping or gone: go on without
PARK_WAIT_S: Final = 0.02
READER_CHECK_S: Final = 60.0
HOUSEKEEPING_S: Final = 1.0  # while nothing is committed
SWITCH_INTERVAL_S: Final = 1e-4  # CPython's 5 ms is what each hand-over of the GIL could cost

_log = logging.getLogger(__name__)


class _Park:
    """One request that the loop thread stands still. Served at most once, on that thread."""

    __slots__ = ("_parked", "_resume", "_taken")

    def __init__(self) -> None:
        self._parked = threading.Lock()
        self._resume = threading.Lock()
        self._parked.acquire()
        self._resume.acquire()
        self._taken = False

    def serve(self) -> None:
        """On the loop thread: stand still until released; at once if that has happened already."""
        if not self._taken:
            self._taken = True
            self._parked.release()
            self._resume.acquire()

    def wait(self) -> None:
        self._parked.acquire(timeout=PARK_WAIT_S)

    def release(self) -> None:
        self._resume.release()


class Committer:
    """Submits from the loop thread, commits on its own.

    Invariant CM1: a waiter is resolved only after the transaction with its operation was committed, or aborted.
    Invariant CM2: what is submitted goes in that order, in as many transactions as it takes.
    Invariant CM3: a transaction is made for what is urgent, or has waited for its time, and for nothing else.
    """

    def __init__(
        self,
        transactor: Transactor,
        loop: asyncio.AbstractEventLoop,
        reader_check: Callable[[], int],
        give_back_memory: Callable[[], object],
    ) -> None:
        self._transactor = transactor
        self._loop = loop
        self._reader_check = reader_check
        self._give_back_memory = give_back_memory
        self._pending: deque[tuple[Operation, asyncio.Future[Any]]] = deque()
        self._lazy: asyncio.TimerHandle | None = None  # wakes for operations that wait for company
        # CM3: how often somebody wanted all that is pending on disk; and the last time that it then was. The loop's
        # thread counts the one, after it has appended, and ours copies it to the other, before it drains
        self._wanted = 0
        self._served = 0
        self._wake = threading.Event()
        self._closing = False
        self._park: _Park | None = None
        self._loop_thread = threading.get_ident()
        self._ring: Callable[[PartitionNumber], None] | None = None
        self._checked = time.monotonic()
        self.transactions = 0  # committed, for metrics and benchmarks
        self.observe: Callable[[float, int], None] | None = None  # seconds, operations; our thread
        self.failure: asyncio.Future[QueueFailedError] = loop.create_future()  # the disk's, once
        self._thread = threading.Thread(target=self._run, name="queue-committer", daemon=True)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    def on_due(self, ring: Callable[[PartitionNumber], None]) -> None:
        self._ring = ring

    def submit(self, operation: Operation) -> asyncio.Future[Any]:
        """Queue the operation; the future has its result when it is durable. On the loop thread only.

        An operation may have ``abandoned(result)``: called when it was done for a waiter that was cancelled.
        """
        if self._closing:
            raise QueueError("the queue is closed")
        future = self._loop.create_future()
        self._pending.append((operation, future))
        self._want()
        return future

    def submit_lazily(self, operation: Operation, within_s: float) -> asyncio.Future[Any]:
        """Queue what is not urgent: it goes with the next transaction that others need, or after ``within_s``."""
        if self._closing:
            raise QueueError("the queue is closed")
        future = self._loop.create_future()
        self._pending.append((operation, future))
        at = self._loop.time() + within_s
        if self._lazy is None or at < self._lazy.when():
            if self._lazy is not None:
                self._lazy.cancel()
            self._lazy = self._loop.call_at(at, self._wake_lazily)
        return future

    def close(self) -> None:
        """Commit what is pending, then stop. Blocks for as long as that takes."""
        if not self._closing:
            self._closing = True
            if self._lazy is not None:
                self._lazy.cancel()
            self._want()
            self._thread.join()

    def give_way(self) -> None:
        """Park now, if that was asked. On the loop thread only."""
        park = self._park
        if park is not None:
            park.serve()

    def serve_park(self) -> None:
        """Let a thread that waits for the writer park as asked, if it is the loop's."""
        if threading.get_ident() == self._loop_thread:
            self.give_way()

    def _wake_lazily(self) -> None:
        self._lazy = None
        self._want()

    def _want(self) -> None:
        self._wanted += 1
        if not self._wake.is_set():
            self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(HOUSEKEEPING_S)
            self._wake.clear()
            self._give_back_memory()
            while self._is_wanted():
                self._commit_pending()
            if self._closing and not self._pending:
                return
            if time.monotonic() - self._checked >= READER_CHECK_S:
                self._checked = time.monotonic()
                self._reader_check()

    def _is_wanted(self) -> bool:
        wanted = self._wanted
        if self._pending:
            return wanted != self._served
        self._served = wanted
        return False

    def _commit_pending(self) -> None:
        futures: list[asyncio.Future[Any]] = []

        def drain() -> list[Operation]:
            return self._drain(futures)

        operations: list[Operation] = []
        started = time.perf_counter()
        try:
            batch = self._transactor.run(
                operations, more=drain, before_writes=self._ask_to_park, after_writes=self._unpark
            )
        except Exception as error:  # noqa: BLE001 - the boundary of this thread: logged, and the waiters told
            # a defect of ours: the waiters must not wait for ever
            _log.exception("commit failed", extra={"event": "queue_commit_failed"})
            failure = QueueFailedError(f"the queue's committer failed: {error!r}")
            batch = Batch(operations, [OperationFailure(failure)] * len(futures), set())
        self.transactions += 1
        self._give_back_memory()
        if self.observe is not None:
            self.observe(time.perf_counter() - started, len(futures))
        if not futures:  # failed before anything was drained: everything pending fails the same way
            operations = self._drain(futures)
            refused = self._transactor.run(operations)
            batch = refused
        try:
            self._loop.call_soon_threadsafe(self._resolve, batch, futures)  # CM1
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def _drain(self, futures: list[asyncio.Future[Any]]) -> list[Operation]:
        wanted = self._wanted
        operations: list[Operation] = []
        octets = 0
        while self._pending:
            octets += self._pending[0][0].octets
            if len(operations) == MAX_OPERATIONS or (operations and octets > MAX_OCTETS):
                return operations  # the rest is wanted as before
            operation, future = self._pending.popleft()  # CM2
            operations.append(operation)
            futures.append(future)
        self._served = wanted
        return operations

    def _ask_to_park(self, _count: int) -> None:
        if self._closing:
            return
        self._park = park = _Park()
        try:
            self._loop.call_soon_threadsafe(park.serve)
        except RuntimeError:  # closed
            self._park = None
            return
        park.wait()

    def _unpark(self) -> None:
        park, self._park = self._park, None
        if park is not None:
            park.release()

    def _resolve(self, batch: Batch, futures: list[asyncio.Future[Any]]) -> None:
        for operation, outcome, future in zip(
            batch.operations, batch.outcomes, futures, strict=True
        ):
            if isinstance(outcome, OperationFailure):
                _fail(future, outcome.error)
                if isinstance(outcome.error, QueueFailedError) and not self.failure.done():
                    self.failure.set_result(outcome.error)
            elif not future.done():
                future.set_result(outcome)
            elif (abandoned := getattr(operation, "abandoned", None)) is not None:
                abandoned(outcome)
        if self._ring is not None:
            for partition in batch.newly_due:
                self._ring(partition)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
