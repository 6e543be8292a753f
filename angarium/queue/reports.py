"""Mails that came back, durable before they are acknowledged: values, and the protocol of their store.

The store does not look into them.
"""

from collections.abc import Awaitable, Sequence
from enum import IntEnum
from typing import Final, Protocol

import msgspec

from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.model import MessageId, Submission, UnixMs
from angarium.queue.spool import QueueError
from angarium.queue.suppression_changes import SuppressionChange


class Shelf(IntEnum):
    """Where a report is. On disk as it stands; never given twice."""

    WAITING = 0  # not read yet
    REVIEW = 1  # not known to be about mail of ours: for people
    DMARC = 2  # for the analytics
    TLS_RPT = 3
    SES = 4  # notifications that were settled: one that is repeated counts once


# How a report came of which the disk has damaged the record: of it only the id is known
DAMAGED: Final = "damaged"


class ReportBounds(msgspec.Struct, frozen=True, kw_only=True):
    """Of one shelf. A waiting report beyond them is refused; on the others the oldest make room."""

    reports: int
    octets: int  # of their content


# Ours: where nobody says otherwise
WAITING_BOUNDS: Final = ReportBounds(reports=200_000, octets=2 << 30)
KEPT_BOUNDS: Final = ReportBounds(reports=10_000, octets=256 << 20)


class ReportedMail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, as it came."""

    id: MessageId  # UUIDv7, of its own: made when it was taken in
    received: UnixMs
    via: str  # how it came: "smtp", "maildir", "import", "ses"; DAMAGED: the disk has changed it
    client: str = ""  # the address of who brought it by SMTP
    reverse_path: str = ""
    recipients: tuple[str, ...] = ()  # of its envelope; none in a Maildir
    content: bytes  # CRLF line ends, no dot-stuffing


class SettledReport(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a waiting report."""

    id: MessageId
    keep: Shelf | None = None  # None: nothing of it is kept


class ReportCount(msgspec.Struct, frozen=True, kw_only=True):
    reports: int = 0
    octets: int = 0


class NotWaitingError(QueueError):
    """A report is not waiting (any more): somebody has settled it. Nothing was written."""


class Reports(Protocol):
    """Invariants:

    RPT1. What ``accept`` has returned of waits until it is settled, whatever crashes.
    RPT2. A report leaves the waiting ones in the transaction that has all that it changed, its events, and what is
        sent because of it.
    RPT3. The shelves hold no more than their bounds.
    """

    def accept(
        self, batch: Sequence[ReportedMail], bounds: ReportBounds = WAITING_BOUNDS
    ) -> Awaitable[None]:
        """Make the reports durable once awaited, all or nothing.

        Raises QueueFullError (as many wait as may, or no room on the disk; nothing was written) or QueueFailedError,
        at once or when awaited.
        """
        ...

    def pending(self, limit: int, octets: int) -> list[ReportedMail]:
        """Return the oldest waiting ones: at most so many, and so many octets, but at least one if any waits."""
        ...

    def settle(
        self,
        settled: Sequence[SettledReport],
        changes: Sequence[SuppressionChange] = (),
        events: Sequence[CataloguedKind] = (),
        bounds: ReportBounds = KEPT_BOUNDS,
        submissions: Sequence[Submission] = (),
    ) -> Awaitable[None]:
        """Make it durable once awaited, all or nothing. ``bounds``: of each shelf that something is put on.

        ``submissions`` are accepted with it, in the last place, as ``Spool.accept`` does, also where the disk is low.

        Raises NotWaitingError, DuplicateMessageError and QueueFullError (nothing was written), QueueFailedError;
        ValueError for a change that is none, and a submission that no caller may hand over.
        """
        ...

    def kept(self, shelf: Shelf, after: bytes, limit: int) -> list[ReportedMail]:
        """Return up to ``limit`` of a shelf behind the report of id ``after``, the oldest first, content included."""
        ...

    def find(self, shelf: Shelf, report: MessageId) -> ReportedMail | None: ...

    def forget(self, shelf: Shelf, reports: Sequence[MessageId]) -> Awaitable[int]:
        """Delete some that are kept; returns how many there were."""
        ...

    def forget_before(self, shelf: Shelf, before: UnixMs, limit: int) -> Awaitable[int]:
        """Delete up to ``limit`` that were taken in before; returns how many."""
        ...

    def count(self, shelf: Shelf) -> ReportCount: ...

    def oldest(self, shelf: Shelf) -> UnixMs | None:
        """Return when the first one that is there was taken in; None: there is none."""
        ...

    async def find_sent(self, reply: str, at: UnixMs) -> MessageId | None:
        """Return the message of which a smart host said this when it took it, at about that time. Reads the log so."""
        ...

    async def find_accepted(self, message_id: MessageId) -> MessageAccepted | None:
        """Return how a message was accepted, if the event log still has it. Reads some of the log, in short parts."""
        ...
