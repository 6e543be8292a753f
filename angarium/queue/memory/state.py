"""What the in-memory queue holds: what would be on disk, and its event log."""

from collections.abc import Container, Sequence
from hashlib import sha256
from typing import Any, assert_never

import msgspec

from angarium.queue.act import Act, Actor, bounce_attempt
from angarium.queue.destination import shown_way
from angarium.queue.entry import State
from angarium.queue.event_log import Departures, EventCursor, Position, check_consumer
from angarium.queue.events.accepted import accepted_event
from angarium.queue.events.bounced import Bounced
from angarium.queue.events.cancelled import Cancelled
from angarium.queue.events.catalogue import CataloguedKind, Departure, Event
from angarium.queue.events.operator_held import OperatorHeld
from angarium.queue.events.operator_released import OperatorReleased
from angarium.queue.events.operator_rerouted import OperatorRerouted
from angarium.queue.events.operator_retried import OperatorRetried
from angarium.queue.hold_rule import HoldRule
from angarium.queue.ledger.values import LedgerBatch, LedgerCampaign, LedgerRow
from angarium.queue.model import (
    Attempt,
    Claimed,
    ClaimedMessage,
    DeliveryId,
    MessageId,
    PartitionNumber,
    RouteHint,
    Submission,
    UnixMs,
)
from angarium.queue.reports import ReportedMail, Shelf
from angarium.queue.spool import Clock
from angarium.queue.suppression_key import address_key
from angarium.queue.suppressions import Scope, Suppression, scopes_of
from angarium.queue.terms import OnceKey, QuotaPeriod
from angarium.queue.trouble import Trouble
from angarium.smtp.envelope import Envelope, Recipient


class MemoryDelivery(msgspec.Struct, kw_only=True):
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
    rule: int = 0  # held by this hold rule
    free_of: int = 0  # hold rules up to this one let its next attempt pass
    via: str = ""
    claimed_source: str = ""  # while it is in flight
    source: str = ""  # to keep to
    was_suppressed: bool = False  # when it was accepted

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
        self.cursors: dict[str, EventCursor] = {}
        self.hold_rules: dict[int, HoldRule] = {}
        self.last_rule = 0
        self.keepsakes: dict[bytes, bytes] = {}
        self.suppressions: dict[bytes, Suppression] = {}
        self.troubles: dict[bytes, Trouble] = {}
        self.reports: dict[tuple[Shelf, MessageId], ReportedMail] = {}
        self.once: dict[tuple[str, str], OnceKey] = {}
        self.quotas: dict[tuple[str, QuotaPeriod, UnixMs], int] = {}
        self.last_campaign = 0
        self.campaigns: dict[int, LedgerCampaign] = {}
        self.campaign_batches: dict[tuple[int, int], LedgerBatch] = {}
        self.campaign_rows: dict[tuple[int, int], LedgerRow] = {}
        self.campaign_addresses: dict[tuple[int, bytes], int] = {}

    def accept(self, submission: Submission, now: UnixMs) -> set[PartitionNumber]:
        """Write one submission; returns the partitions where something is due by now."""
        if submission.sandbox:
            self.append(accepted_event(submission))
            return set()
        self.messages[submission.message_id] = submission
        due = max(submission.not_before, now)
        ring: set[PartitionNumber] = set()
        scopes = scopes_of(submission.tenant, submission.stream, submission.topic)
        pairs = zip(submission.envelope.recipients, submission.partitions, strict=True)
        for index, (recipient, partition) in enumerate(pairs):
            delivery = DeliveryId(submission.message_id, index)
            suppressed = self.find_suppression(recipient.forward_path, scopes)
            self.deliveries[delivery] = MemoryDelivery(
                id=delivery,
                recipient=recipient,
                partition=partition,
                due=due if suppressed is None else now,
                was_suppressed=suppressed is not None,
            )
            if suppressed is not None or due <= now:
                ring.add(partition)
        self.append(accepted_event(submission))
        return ring

    def forget_first_key(self, tenant: str, limit: int) -> None:
        """Make room for one more idempotency key of a tenant."""
        own = [each for each in self.once.values() if each.tenant == tenant]
        if len(own) >= limit:
            # Of those that end at once, the same one as on disk
            first = min(own, key=lambda each: (each.expires, sha256(each.key.encode()).digest()))
            del self.once[tenant, first.key]

    def acknowledge(self, consumer: str, position: int, state: bytes | None) -> bool:
        """Return whether that says something new."""
        before = self.cursors.get(consumer)
        if before is None or position < before.position:
            return False
        kept = before.state if state is None else state
        self.cursors[consumer] = EventCursor(position=position, state=kept)
        return position > before.position

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

    def hold(self, each: MemoryDelivery, by: Actor, rule: int) -> None:
        each.held = True
        each.rule = rule
        self.append_act("hold", each, by)

    def release(self, each: MemoryDelivery, by: Actor) -> None:
        self.append_act("release", each, by)
        each.held = False
        each.rule = 0
        each.due = max(each.due, self.clock())

    def append_act(self, act: Act, each: MemoryDelivery, by: Actor) -> None:
        fields = self.event_fields(each, self.clock())
        fields |= {"actor": by.who, "reason": by.reason}
        match act:
            case "hold":
                self.append(OperatorHeld(**fields, rule=each.rule))
            case "release":
                self.append(OperatorReleased(**fields, rule=each.rule))
            case "retry":
                self.append(OperatorRetried(**fields))
            case "cancel":
                self.append(Cancelled(**fields))
            case "reroute":
                self.append(OperatorRerouted(**fields, via=shown_way(each.via)))
            case "bounce":
                attempt = bounce_attempt(by, self.clock())
                fields["campaign"] = self.messages[each.id.message_id].campaign
                self.append(Bounced(**fields, attempts=each.attempts, attempt=attempt))
            case _:
                assert_never(act)

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

    def attempt_fields(self, each: MemoryDelivery, at: UnixMs) -> dict[str, Any]:
        """Return what every event of an attempt says besides."""
        campaign = self.messages[each.id.message_id].campaign
        return {**self.event_fields(each, at), "campaign": campaign}

    def claimed(self, message_id: MessageId, own: Sequence[MemoryDelivery]) -> ClaimedMessage:
        message = self.messages[message_id]
        recipients = tuple(
            Claimed(
                id=each.id,
                partition=each.partition,
                forward_path=each.recipient.forward_path,
                domain=each.recipient.domain,
                notify=each.recipient.notify,
                orcpt=each.recipient.orcpt,
                attempts=each.attempts,
                in_doubt=each.in_doubt,
                delay_dsn_sent=each.delay_dsn_sent,
                last=each.last,
            )
            for each in own
        )
        return ClaimedMessage(
            message_id=message_id,
            tenant=message.tenant,
            stream=message.stream,
            priority=message.priority,
            campaign=message.campaign,
            envelope=self.bare_envelope(message),
            content=message.content,
            header_octets=message.header_octets,
            has_dot_lines=message.has_dot_lines,
            header_from=message.header_from,
            message_id_header=message.message_id_header,
            accepted=message.accepted,
            expires=message.expires,
            origin=message.origin,
            recipients=recipients,
            not_before=message.not_before,
            personal=message.personal,
            topic=message.topic,
            language=message.language,
        )

    def find_suppression(self, address: str, scopes: Sequence[Scope]) -> Suppression | None:
        try:
            key = address_key(address)
        except ValueError:
            return None
        for scope in scopes:
            found = self.suppressions.get(key + scope.key)
            if found is not None and found.is_in_force(self.clock()):
                return found
        return None

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

    def first_at(self, at: int) -> int:
        late = (each.sequence for each in self._state.events if each.event.at >= at)
        return next(late, max(self.last(), 1))

    def departures(self, messages: Container[bytes], after: int, limit: int) -> Departures:
        behind = [each for each in self._state.events if each.sequence > after]
        looked = behind[:limit]
        return Departures(
            events=tuple(
                each.event
                for each in looked
                if isinstance(each.event, Departure) and each.event.message_id in messages
            ),
            last=looked[-1].sequence if looked else after,
            is_end=len(looked) == len(behind),
        )

    async def register(self, consumer: str) -> EventCursor:
        check_consumer(consumer)
        return self._state.cursors.setdefault(consumer, EventCursor(position=0))

    async def retire(self, consumer: str) -> None:
        self._state.cursors.pop(consumer, None)

    async def ack(
        self,
        consumer: str,
        position: int,
        state: bytes | None = None,
        events: Sequence[CataloguedKind] = (),
    ) -> None:
        if self._state.acknowledge(consumer, position, state):
            for event in events:
                self._state.append(event)  # EL2

    def consumers(self) -> dict[str, int]:
        return {name: each.position for name, each in self._state.cursors.items()}

    async def trim(self, before: UnixMs, keep: int) -> int:
        events = self._state.events
        newest = self.last()
        read = min(min(self.consumers().values(), default=0), newest - 1)
        count = 0
        for each in events:
            beyond = each.sequence <= newest - keep
            if each.sequence > read or not (beyond or each.event.at < before):
                break
            count += 1
        del events[:count]
        return count
