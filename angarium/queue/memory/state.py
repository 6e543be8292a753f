"""What the in-memory queue holds: what would be on disk, and its event log."""

from typing import Any

import msgspec

from angarium.queue.entry import State
from angarium.queue.event import Event, MessageAccepted, Position
from angarium.queue.model import (
    Attempt,
    DeliveryId,
    MessageId,
    PartitionNumber,
    RouteHint,
    Submission,
    UnixMs,
)
from angarium.queue.spool import Clock
from angarium.smtp.envelope import Envelope, Recipient


class MemoryDelivery(msgspec.Struct, order=False):
    """One recipient: scheduled, held, or in flight (then ``epoch`` is its claimer's)."""

    id: DeliveryId
    recipient: Recipient
    partition: PartitionNumber
    due: UnixMs
    held: bool = False
    epoch: int | None = None
    attempts: int = 0
    in_doubt: int = 0
    delay_dsn_sent: bool = False
    last: Attempt | None = None

    @property
    def state(self) -> State:
        if self.epoch is not None:
            return "in_flight"
        return "held" if self.held else "scheduled"


class MemoryState:
    """Survives ``MemorySpool.crash``."""

    def __init__(self, partitions: int, clock: Clock) -> None:
        self.partitions = partitions
        self.clock = clock
        self.messages: dict[MessageId, Submission] = {}
        self.deliveries: dict[DeliveryId, MemoryDelivery] = {}
        self.epochs: dict[PartitionNumber, int] = {}
        self.routes: dict[str, RouteHint] = {}
        self.events: list[Position] = []
        self.acked: dict[str, int] = {}

    def accept(self, submission: Submission, now: UnixMs) -> set[PartitionNumber]:
        """Write one submission; returns the partitions where something is due by now."""
        self.messages[submission.message_id] = submission
        due = max(submission.not_before, now)
        pairs = zip(submission.envelope.recipients, submission.partitions, strict=True)
        for index, (recipient, partition) in enumerate(pairs):
            delivery = DeliveryId(submission.message_id, index)
            self.deliveries[delivery] = MemoryDelivery(delivery, recipient, partition, due)
        self.append(
            MessageAccepted(
                at=submission.accepted,
                message_id=submission.message_id,
                tenant=submission.tenant,
                stream=submission.stream,
                reverse_path=submission.envelope.reverse_path,
                recipients=tuple(each.forward_path for each in submission.envelope.recipients),
                size_octets=len(submission.content),
                message_id_header=submission.message_id_header,
                origin=submission.origin,
            )
        )
        return set(submission.partitions) if due <= now else set()

    def append(self, event: Event) -> None:
        last = self.events[-1].sequence if self.events else 0
        self.events.append(Position(last + 1, event))

    def remove(self, delivery: DeliveryId) -> None:
        """Delete a recipient, and its message with the last one."""
        del self.deliveries[delivery]
        count = len(self.messages[delivery.message_id].envelope.recipients)
        rest = (DeliveryId(delivery.message_id, index) for index in range(count))
        if not any(each in self.deliveries for each in rest):
            del self.messages[delivery.message_id]

    def event_fields(self, each: MemoryDelivery, at: UnixMs) -> dict[str, Any]:
        """Return what every event of a recipient says."""
        message = self.messages[each.id.message_id]
        return {
            "at": at,
            "message_id": each.id.message_id,
            "tenant": message.tenant,
            "stream": message.stream,
            "reverse_path": message.envelope.reverse_path,
            "index": each.id.index,
            "recipient": each.recipient.forward_path,
            "in_doubt": each.in_doubt,
        }

    def bare_envelope(self, message: Submission) -> Envelope:
        return msgspec.structs.replace(message.envelope, recipients=())


class MemoryEventLog:
    """Implements EventLog."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def read(self, after: int, limit: int) -> list[Position]:
        return [each for each in self._state.events if each.sequence > after][: max(limit, 0)]

    def last(self) -> int:
        return self._state.events[-1].sequence if self._state.events else 0

    async def ack(self, consumer: str, position: int) -> None:
        self._state.acked[consumer] = max(position, self.acked(consumer))

    def acked(self, consumer: str) -> int:
        return self._state.acked.get(consumer, 0)

    async def trim(self, before: UnixMs, keep: int) -> int:
        events = self._state.events
        newest = self.last()
        read = min(min(self._state.acked.values(), default=0), newest - 1)
        count = 0
        for each in events:
            beyond = each.sequence <= newest - keep
            if each.sequence > read or not (beyond or each.event.at < before):
                break
            count += 1
        del events[:count]
        return count
