"""The queue as its users see it: protocols that LMDB, the in-memory model and later engines implement.

Every call is batch-first. Times are UnixMs of the clock that the implementation was given. Nothing here blocks
the event loop: what waits for a disk is a coroutine; what is not one reads memory-mapped pages for microseconds.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.model import (
    ClaimedMessage,
    DueHead,
    Moved,
    PartitionNumber,
    Settlement,
    Submission,
    UnixMs,
)
from angarium.queue.quota import QuotaUse
from angarium.queue.terms import AcceptOutcome, KeyReused, Repeated, Terms

# How long ``Spool.record`` waits for company
RECORD_WITHIN_S: Final = 0.3


class QueueError(Exception):
    """Base of what the queue raises."""


class QueueFullError(QueueError):
    """No room: the disk is below its free-space mark, or full. Nothing was written."""


class QueueFailedError(QueueError):
    """The disk failed. What was asked may or may not be on disk; the process must stop and start anew."""


class FencedError(QueueError):
    """The partition has another owner by now. Nothing was written."""


class NotClaimedError(QueueError):
    """A settlement of something that this owner has not claimed: a defect of the caller. Nothing was written."""


class DuplicateMessageError(QueueError):
    """The message id is in the queue already. Nothing was written."""


class QueueBusyError(QueueError):
    """The queue is being compacted, or is open elsewhere and may not be compacted."""


class EmptyFilterError(QueueError):
    """An operator's act would have met every recipient in the queue. Nothing was done."""


class UnknownHoldRuleError(QueueError):
    """No hold rule has this id (any more). Nothing was done."""


class TooManyHoldRulesError(QueueError):
    """Every claim asks all rules, so there is a limit to them. Nothing was done."""


class DamagedQueueError(QueueError):
    """The queue's file cannot be used; says what to do. Nothing was changed."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__(text)
        self.what = what  # is wrong with it


class SchemaError(QueueError):
    """The queue on disk was written by a newer Angarium; says by which."""


class DuePage(msgspec.Struct, frozen=True):
    heads: tuple[DueHead, ...]  # by due time, then id
    cursor: bytes | None  # the position behind the last one; None: nothing more is due


def position(due: int, message_id: bytes = b"", index: int | None = None) -> bytes:
    """Where a recipient stands in the order of ``due``: positions compare as octets.

    Without an id: where the first one due at that time would stand.
    """
    return (
        due.to_bytes(8, "big") + message_id + (b"" if index is None else index.to_bytes(2, "big"))
    )


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner records as one atomic unit."""

    settled: Sequence[Settlement] = ()  # of claims of this owner
    moved: Sequence[Moved] = ()
    submissions: Sequence[Submission] = ()  # DSNs, in the transaction that ends their recipient


class LatestDue(Protocol):
    """Says until when a recipient may have to wait at most, from now on."""

    def __call__(self, accepted: UnixMs, attempts: int, was_tried: bool, /) -> UnixMs:
        """``accepted`` is by the clock of then, which may have been wrong. Not ``was_tried``: it had no attempt yet."""
        ...


class Partition(Protocol):
    """A share of the queue with one owner, fenced by an epoch: each write raises FencedError once it is lost."""

    @property
    def number(self) -> PartitionNumber: ...

    async def replay(self) -> int:
        """Put recipients claimed by an earlier owner back as due now, each marked in doubt, with its event.

        Returns how many. Call once, before the first ``due``.
        """
        ...

    def due(self, upto: UnixMs, limit: int, cursor: bytes | None = None) -> DuePage:
        """Return up to ``limit`` recipients due at ``upto`` or before, at ``cursor`` (a position) or behind it.

        They are not claimed yet. What is accepted, released or retried for "now" gets its due time inside the write
        transaction (never earlier than the clock there), so that nothing appears in front of what was already read.
        """
        ...

    async def claim(self, heads: Sequence[DueHead], source: str = "") -> list[ClaimedMessage]:
        """Record that attempts of these begin, then return them grouped by message, content included.

        ``source``: the egress source that they are to leave by: what is in doubt one day keeps to it.

        On disk when it returns: each returned recipient is in flight. One that is no longer due at ``head.due``
        (cancelled, held, retried) is left out.
        """
        ...

    async def commit(self, commit: Commit) -> None:
        """Record outcomes, moves and new submissions with their events, all or nothing, durable on return."""
        ...

    async def pull_in(self, latest: LatestDue) -> int:
        """Make what is due too late due when it may be at the latest; returns how many.

        Reads all that is not due yet, in small parts with pauses between them.
        """
        ...

    async def disown(self) -> None:
        """Give the partition up cleanly. Claims must have been settled or released before."""
        ...


class Spool(Protocol):
    def accept(self, batch: Sequence[Submission]) -> Awaitable[None]:
        """Make the submissions durable once awaited: all or nothing, with content, recipients and `accepted` events.

        Raises QueueFullError (nothing written) or QueueFailedError, at once or when awaited. If the waiter is
        cancelled, nothing of it stays in the queue but what is in flight by then.
        """
        ...

    def accept_on_terms(
        self, batch: Sequence[Submission], terms: Terms
    ) -> Awaitable[AcceptOutcome]:
        """The same if nobody has done so with the key before, and quotas have room; key and counts are one with it.

        Whatever the outcome, it is durable once awaited, in all processes: of concurrent twins one is stored. If the
        waiter is cancelled, all of it or nothing is in the queue; what has no key is withdrawn as with ``accept``.
        Raises ValueError for terms that cannot be, too.
        """
        ...

    def record(self, events: Sequence[CataloguedKind]) -> Awaitable[None]:
        """Append events that are of no message in the queue, such as what strangers fetched; durable once awaited.

        Not urgent: they go with the next transaction that others need, or after RECORD_WITHIN_S. All or nothing.
        Raises QueueFullError (nothing written) or QueueFailedError, at once or when awaited.
        """
        ...

    def find_answer(self, tenant: str, key: str, digest: bytes) -> Repeated | KeyReused | None:
        """Say what an idempotency key stands for now; None: it is free. Reads mapped pages.

        Before it is accepted once more: what was accepted is answered as it was, though it would be refused by now.
        """
        ...

    async def forget_keys(self) -> None:
        """Forget idempotency keys whose time is over, in small parts."""
        ...

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]:
        """Return what is counted of a tenant in the present periods, the shortest first. Reads mapped pages."""
        ...

    def partitions(self) -> Sequence[PartitionNumber]: ...

    async def own(self, partition: PartitionNumber, node: str) -> Partition:
        """Become the owner: the epoch moves on, and the earlier owner's writes raise FencedError."""
        ...

    def give_way(self) -> None:
        """Let a transaction of this process go first that waits for its thread. Cheap.

        Who keeps the event loop busy calls it between two pieces of work: that transaction has the queue's write
        lock, which other processes wait for.
        """
        ...

    def wakeups(self, ring: Callable[[PartitionNumber], None]) -> None:
        """Call ``ring`` on the event loop after this process committed something due in a partition. A hint only."""
        ...


class Clock(Protocol):
    def __call__(self) -> UnixMs: ...
