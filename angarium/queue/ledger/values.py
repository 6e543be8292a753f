"""Campaigns, their batches and rows, as the ledger has them. Pure values.

On disk as they stand, each an array of its fields: a field is only ever appended, with a default.
"""

import enum
from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs

# Ours, of one batch: one commit, and 12 bits of an id count its rows
MAX_BATCH_ROWS: Final = 1000
# Ours, of what is kept of a line that was refused
MAX_TEXT_CHARACTERS: Final = 2000
MAX_REASON_CHARACTERS: Final = 500
MAX_ASKED_OCTETS: Final = 512 * 1024
MAX_POSITION_OCTETS: Final = 4096
# Ours: campaigns that are not over, of one tenant
MAX_OPEN: Final = 100
# Ours: a file's rows
MAX_ROWS: Final = 1 << 40


class RowState(enum.IntEnum):
    """Where a row is. Those from SENT on are final, but for what comes back later. The numbers are on disk."""

    QUEUED = 0  # in the queue, and no attempt has ended yet
    DEFERRED = 1  # tried, and to be tried again
    SENT = 2  # a smart host took it
    DELIVERED = 3
    BOUNCED = 4
    EXPIRED = 5
    SUPPRESSED = 6
    CANCELLED = 7
    SKIPPED = 8  # its start was missed
    DAMAGED = 9  # the disk has damaged it: nothing is sent
    REFUSED = 10  # it never was in the queue: its reason says why
    CHECKED = 11  # of a dry run: it would have been sent
    DUPLICATE = 12  # it never was in the queue: an earlier row has its address

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def is_final(self) -> bool:
        return self >= RowState.SENT


# What may be sent again: whom nothing has reached, and not since somebody wanted it so
FAILED: Final = frozenset(
    {RowState.BOUNCED, RowState.EXPIRED, RowState.SKIPPED, RowState.DAMAGED, RowState.REFUSED}
)


class Flag(enum.IntFlag):
    """What its recipient did, or what was met on the way. The numbers are on disk."""

    NONE = 0
    OPENED = 1
    CLICKED = 2
    COMPLAINED = 4
    UNSUBSCRIBED = 8
    DELAYED = 16  # an attempt of it has failed for now
    MACHINE_OPENED = 32  # a machine fetched its picture, or followed a link of it; a person may have done so as well
    MACHINE_CLICKED = 64
    UNNAMED = 128  # that it was opened or clicked counts, and is said of nobody


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One line of the file, and what became of it."""

    line: int  # in the file, from 1 on: where the row begins
    address: str  # as it was written; "": none could be read
    state: RowState
    at: UnixMs  # of its last change
    message: bytes = b""  # its id in the queue; b"": it never was there
    flags: int = 0
    reason: str = ""  # why it is as it is: of what failed, what the other side said
    text: str = ""  # the line itself, where it was refused


class LedgerBatch(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Rows that were accepted in one transaction."""

    first_row: int
    rows: int
    base: UnixMs  # when its ids were made: all of them have this time
    at: UnixMs  # when it was accepted
    accepted: int
    refused: int
    tried: int = 0  # of the accepted ones: an attempt has ended, or it is over without one
    ended: int = 0  # likewise: with a final state
    ended_at: UnixMs = UnixMs(0)  # when the last one ended


class Tally(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Rows by where they are, in the order of RowState, and by what their recipients did."""

    queued: int = 0
    deferred: int = 0
    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    expired: int = 0
    suppressed: int = 0
    cancelled: int = 0
    skipped: int = 0
    damaged: int = 0
    refused: int = 0
    checked: int = 0
    duplicate: int = 0
    opened: int = 0
    clicked: int = 0
    complained: int = 0
    unsubscribed: int = 0
    delayed: int = 0
    machine_opened: int = 0
    machine_clicked: int = 0

    @property
    def rows(self) -> int:
        return self.accepted + self.refused + self.checked + self.duplicate

    @property
    def accepted(self) -> int:
        """All that are, or were, in the queue."""
        return self.untried + self.deferred + self.ended

    @property
    def untried(self) -> int:
        return self.queued

    @property
    def ended(self) -> int:
        """Of those that were in the queue."""
        return (
            self.sent
            + self.delivered
            + self.bounced
            + self.expired
            + self.suppressed
            + self.cancelled
            + self.skipped
            + self.damaged
        )


# accept: nobody has looked at its file. scheduled: it waits for its start. processing: rows are read and accepted.
# ready_to_send: all are in the queue. sent: each was tried, or is over. completed: each has its final outcome.
# cancelled, failed: no more rows are read.
Phase = Literal[
    "accept",
    "scheduled",
    "processing",
    "ready_to_send",
    "sent",
    "completed",
    "cancelled",
    "failed",
]
OPEN_PHASES: Final = frozenset({"accept", "scheduled", "processing"})


class LedgerCampaign(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One transaction. What was asked is not the ledger's: the runner reads it."""

    number: int  # given by the ledger, never twice
    id: bytes  # a UUIDv7
    tenant: str
    created: UnixMs
    asked: bytes
    secret: bytes  # of its messages' ids
    phase: Phase = "accept"
    is_paused: bool = False
    # Whether the queue was told: "held" where what waits in it is held, "cancelled" where nothing of it waits any more
    told: Literal["", "held", "cancelled"] = ""
    start: UnixMs = UnixMs(0)  # no row is read before
    position: bytes = b""  # of the source, behind the last row that is in the ledger
    rows: int = 0  # in the ledger
    batches: int = 0
    is_read: bool = False  # the source has no more rows
    tally: Tally = Tally()
    waits: str = ""  # why nothing is accepted just now
    reason: str = ""  # why it failed
    changed: UnixMs = UnixMs(0)
    began: UnixMs = UnixMs(0)  # the first time that it was processing
    finished: UnixMs = UnixMs(0)  # when the last row got its final outcome; 0: not yet
    parent: bytes = b""  # the id of the campaign whose failed rows these are
    callback_url: str = ""
    is_dry: bool = False  # nothing is sent

    @property
    def is_over(self) -> bool:
        """Nothing of it is read any more, and nothing waits in the queue."""
        return (self.is_read or self.phase in ("cancelled", "failed")) and (
            self.tally.ended == self.tally.accepted
        )


class PageRow(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    address: str
    message: bytes = b""  # of the submission that it became; b"": it is refused, or only checked
    reason: str = ""  # of one that is refused
    text: str = ""
    key: bytes = b""  # of its address, where no address is to get it twice
    is_suppressed: bool = False  # its address is; it has no message


class LedgerPage(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of rows, to be accepted with their submissions in one transaction, once."""

    number: int  # the campaign's
    batch: int  # from 1 on: the one behind those that are in the ledger
    base: UnixMs  # of the ids of its messages
    rows: tuple[PageRow, ...]  # in the order of the file
    position: bytes
    is_last: bool = False


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says of a message that is a row's."""

    message: bytes
    at: UnixMs
    state: RowState | None = None
    flag: Flag = Flag.NONE
    reason: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message's row is."""

    number: int
    batch: int
    row: int


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True):
    id: bytes
    tenant: str
    asked: bytes
    secret: bytes
    start: UnixMs = UnixMs(0)
    parent: bytes = b""
    callback_url: str = ""
    is_dry: bool = False
