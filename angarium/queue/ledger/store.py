"""The ledger as its users see it: a protocol that the queue on disk and the one in memory implement."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from angarium.queue.ledger.rules import Change, Conflict
from angarium.queue.ledger.values import (
    LedgerBatch,
    LedgerCampaign,
    LedgerPage,
    LedgerRow,
    NewCampaign,
    Place,
    RowState,
    Told,
)
from angarium.queue.ledger.writing import PageRefused, PageRepeated, TooManyOpen
from angarium.queue.model import Submission, UnixMs
from angarium.queue.terms import KeyReused, OnceKey, OverQuota, Repeated, Stored, Terms

PageOutcome = Stored | OverQuota | PageRepeated | PageRefused
CreateOutcome = LedgerCampaign | Repeated | KeyReused | TooManyOpen


class NumberedRow(msgspec.Struct, frozen=True):
    number: int  # in the file, from 1 on
    row: LedgerRow


class RowsPage(msgspec.Struct, frozen=True):
    rows: tuple[NumberedRow, ...]
    next: int | None  # behind which row it goes on; None: that was all


class NumberedBatch(msgspec.Struct, frozen=True):
    number: int
    batch: LedgerBatch


class Ledger(Protocol):
    """Invariants:

    LG4. A row is in the ledger if and only if its submission was accepted, or it was refused: one transaction.
    LG5. A batch is accepted once, whoever repeats it, and none of a campaign that is paused, cancelled or failed.
    LG6. What events say of rows is written with the acknowledgement of those events: each counts once.

    Raises QueueFullError (nothing written) and QueueFailedError, of what writes.
    """

    def create(self, new: NewCampaign, once: OnceKey | None = None) -> Awaitable[CreateOutcome]:
        """Durable once awaited, with its event."""
        ...

    def change(self, number: int, asked: Change) -> Awaitable[LedgerCampaign | Conflict | None]:
        """Durable once awaited, with its event where one is due. None: there is none of this number."""
        ...

    def accept(
        self, page: LedgerPage, batch: Sequence[Submission], terms: Terms
    ) -> Awaitable[PageOutcome]:
        """Make rows and their submissions durable; ``batch``: in the order of the rows that have a message.

        A row whose address an earlier one has is refused there. If the waiter is cancelled, all of it or nothing is in
        the queue. Raises ValueError for a page that is none.
        """
        ...

    def tell(
        self, consumer: str, position: int, told: Sequence[tuple[Place, Told]]
    ) -> Awaitable[None]:
        """Write what events up to ``position`` say of rows, and acknowledge these for ``consumer``."""
        ...

    def locate(self, messages: Collection[bytes]) -> Mapping[bytes, Place]:
        """Say where the rows of messages are; what is no row's is left out. Reads mapped pages."""
        ...

    def find(self, campaign: bytes) -> LedgerCampaign | None: ...

    def at_work(self) -> list[LedgerCampaign]:
        """Return those that are not over, the oldest first."""
        ...

    def over(self, before: UnixMs, limit: int) -> list[LedgerCampaign]:
        """Return some that ended before, the oldest first."""
        ...

    def page(self, tenant: str, before: bytes, limit: int) -> list[LedgerCampaign]:
        """Return a tenant's, the newest first, older than the one of id ``before`` (b"": from the newest on)."""
        ...

    def batches(self, number: int, after: int, limit: int) -> list[NumberedBatch]: ...

    def rows(
        self,
        number: int,
        after: int,
        limit: int,
        states: Collection[RowState] = (),
        scan: int = 5000,
    ) -> RowsPage:
        """Return rows behind one of them, in those states (none: in any). Looks at ``scan`` rows at most: a page may be
        empty, and go on all the same."""
        ...

    def forget(self, number: int) -> Awaitable[bool]:
        """Delete a part of a campaign that is over; returns whether something of it is left."""
        ...
