"""The event log's records: all history is a projection of them. Append-only; a field never changes its meaning."""

from typing import Protocol

import msgspec

from angarium.queue.model import Attempt, MessageId, Origin, UnixMs


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    at: UnixMs
    message_id: MessageId
    tenant: str
    stream: str


class MessageAccepted(_Event, frozen=True, kw_only=True, tag="accepted"):
    reverse_path: str
    recipients: tuple[str, ...]
    size_octets: int
    message_id_header: str
    origin: Origin


class _RecipientEvent(_Event, frozen=True, kw_only=True):
    index: int
    recipient: str
    reverse_path: str
    in_doubt: int = 0


class _AttemptEvent(_RecipientEvent, frozen=True, kw_only=True):
    attempts: int  # made, this one included
    attempt: Attempt


class Delivered(_AttemptEvent, frozen=True, kw_only=True, tag="delivered"):
    """The recipient's MX took it."""


class Relayed(_AttemptEvent, frozen=True, kw_only=True, tag="relayed"):
    """A smart host took it."""


class AttemptFailed(_AttemptEvent, frozen=True, kw_only=True, tag="deferred"):
    due: UnixMs  # of the next attempt


class Bounced(_AttemptEvent, frozen=True, kw_only=True, tag="bounced"):
    """Permanently refused, or cannot be delivered at all."""


class Expired(_AttemptEvent, frozen=True, kw_only=True, tag="expired"):
    """Tried for as long as its message may be queued."""


class InDoubt(_RecipientEvent, frozen=True, kw_only=True, tag="in_doubt"):
    """We died during an attempt: it may have been delivered, and is tried again."""


class OperatorHeld(_RecipientEvent, frozen=True, kw_only=True, tag="held"): ...


class OperatorReleased(_RecipientEvent, frozen=True, kw_only=True, tag="released"): ...


class OperatorRetried(_RecipientEvent, frozen=True, kw_only=True, tag="retried"): ...


class Cancelled(_RecipientEvent, frozen=True, kw_only=True, tag="cancelled"): ...


Event = (
    MessageAccepted
    | Delivered
    | Relayed
    | AttemptFailed
    | Bounced
    | Expired
    | InDoubt
    | OperatorHeld
    | OperatorReleased
    | OperatorRetried
    | Cancelled
)


class Position(msgspec.Struct, frozen=True):
    sequence: int
    event: Event


class EventLog(Protocol):
    """Appending is the queue's own business, in the transaction of the change itself."""

    def read(self, after: int, limit: int) -> list[Position]:
        """Return up to ``limit`` events behind sequence ``after`` (0: from the oldest kept), in order."""
        ...

    async def ack(self, consumer: str, position: int) -> None:
        """Remember that ``consumer`` needs nothing up to ``position``: only read events are ever trimmed."""
        ...

    def acked(self, consumer: str) -> int: ...

    async def trim(self, before: UnixMs, keep: int) -> int:
        """Delete read events older than ``before`` or beyond the newest ``keep``; returns how many."""
        ...
