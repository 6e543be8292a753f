"""The queue as a model in memory: the same protocols in dictionaries. For tests of what uses a queue.

No await in here switches tasks, so that a test decides the order. ``crash`` is SIGKILL: what was acknowledged stays
and claims stay, and what the old objects would still write raises.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, assert_never

from angarium.queue.act import POLICY, Actor
from angarium.queue.destination import destination_of, kept_way, suppressed_destination
from angarium.queue.events.attempt_failed import AttemptFailed
from angarium.queue.events.bounced import Bounced
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.events.delivered import Delivered
from angarium.queue.events.expired import Expired
from angarium.queue.events.in_doubt import InDoubt
from angarium.queue.events.recipient_suppressed import RecipientSuppressed
from angarium.queue.events.relayed import Relayed
from angarium.queue.hold_rule import BindingRules
from angarium.queue.kept_source import source_after
from angarium.queue.memory.administration import MemoryAdministration
from angarium.queue.memory.keepsakes import MemoryKeepsakes
from angarium.queue.memory.ledger import MemoryLedger
from angarium.queue.memory.reports import MemoryReports
from angarium.queue.memory.scheduling import is_timed, is_untried, write_if_late
from angarium.queue.memory.state import MemoryDelivery, MemoryEventLog, MemoryState
from angarium.queue.memory.suppressions import MemorySuppressions
from angarium.queue.memory.terms import find_used, memory_quota_use, write_on_terms
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import (
    ClaimedMessage,
    Deferred,
    DeliveryId,
    Done,
    DueHead,
    MessageId,
    Moved,
    PartitionNumber,
    Released,
    RouteHint,
    Settlement,
    Spared,
    Submission,
    UnixMs,
)
from angarium.queue.quota import QuotaUse
from angarium.queue.spool import (
    Clock,
    Commit,
    DuePage,
    DuplicateMessageError,
    FencedError,
    LatestDue,
    NotClaimedError,
    QueueError,
    QueueFullError,
    position,
)
from angarium.queue.submission_check import check_submission
from angarium.queue.terms import AcceptOutcome, KeyReused, Repeated, Terms
from angarium.queue.terms_check import check_terms

_Ended = Delivered | Relayed | Bounced | Expired
_OUTCOMES: Final[dict[str, type[_Ended]]] = {
    "delivered": Delivered,
    "relayed": Relayed,
    "bounced": Bounced,
    "expired": Expired,
}


class MemorySpool:
    """Implements Spool. ``low_disk`` makes it refuse new mail, as the free-space mark does."""

    def __init__(
        self, clock: Clock, partitions: int = 16, state: MemoryState | None = None
    ) -> None:
        self._clock = clock
        self.state = state or MemoryState(partitions, clock)
        self._ring: Callable[[PartitionNumber], None] = lambda _partition: None
        self._dead = False
        self.low_disk = False
        self.once_limit = 1_000_000  # idempotency keys of a tenant
        self.missed_after_ms = 3_600_000
        self.events = MemoryEventLog(self.state)
        self.administration = MemoryAdministration(self.state, self.ring)
        self.keepsakes = MemoryKeepsakes(self.state)
        self.suppressions = MemorySuppressions(self.state)
        self.reports = MemoryReports(self.state, self.check_new, self.write)
        self.ledger = MemoryLedger(
            self.state, self._check_room, self.check_new, self.write, lambda: self.once_limit
        )

    def crash(self) -> "MemorySpool":
        """Die, and return what a new process finds."""
        self._dead = True
        return MemorySpool(self._clock, state=self.state)

    def close(self) -> None:
        self._dead = True

    def give_way(self) -> None:
        """Nothing ever waits."""

    async def accept(self, batch: Sequence[Submission]) -> None:
        self._check_room()
        self.write(batch)

    async def accept_on_terms(self, batch: Sequence[Submission], terms: Terms) -> AcceptOutcome:
        self._check_room()
        check_terms(terms)
        self.check_new(batch)
        limit = self.once_limit
        return write_on_terms(self.state, batch, terms, self._clock(), limit, self.write)

    async def record(self, events: Sequence[CataloguedKind]) -> None:
        self._check_room()
        for event in events:
            self.state.append(event)

    def find_answer(self, tenant: str, key: str, digest: bytes) -> Repeated | KeyReused | None:
        return find_used(self.state, tenant, key, digest, self._clock())

    async def forget_keys(self) -> None:
        now = self._clock()
        for key in [key for key, each in self.state.once.items() if each.expires <= now]:
            del self.state.once[key]

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]:
        return memory_quota_use(self.state, tenant, self._clock())

    def partitions(self) -> Sequence[PartitionNumber]:
        return [PartitionNumber(each) for each in range(self.state.partitions)]

    async def own(self, partition: PartitionNumber, node: str) -> "MemoryPartition":
        self.check()
        if not 0 <= partition < self.state.partitions:
            raise ValueError(f"no partition {partition}")
        epoch = self.state.epochs.get(partition, 0) + 1
        self.state.epochs[partition] = epoch
        return MemoryPartition(self, self._clock, partition, epoch)

    def wakeups(self, ring: Callable[[PartitionNumber], None]) -> None:
        self._ring = ring

    def find_route(self, domain: str) -> RouteHint | None:
        return self.state.routes.get(domain)

    def remember_routes(self, batch: Iterable[RouteHint]) -> None:
        self.state.routes.update({hint.domain: hint for hint in batch})

    def has_room(self) -> bool:
        return not self.low_disk

    def content(self, message_id: MessageId) -> bytes | None:
        found = self.state.messages.get(message_id)
        return None if found is None else found.content

    def _check_room(self) -> None:
        self.check()
        if self.low_disk:
            raise QueueFullError("the disk is below queue.min_free_octets")

    def check(self) -> None:
        if self._dead:
            raise QueueError("the queue is closed")

    def check_new(self, batch: Sequence[Submission]) -> None:
        """Raise before anything is written, if any of the batch cannot be accepted."""
        seen: set[MessageId] = set()
        for submission in batch:
            check_submission(submission, self.state.partitions)
            if submission.message_id in self.state.messages or submission.message_id in seen:
                raise DuplicateMessageError("the message is in the queue already")
            seen.add(submission.message_id)

    def write(self, batch: Sequence[Submission]) -> None:
        self.check_new(batch)
        ring = set()
        for submission in batch:
            ring |= self.state.accept(submission, self._clock())
        self.ring(ring)

    def ring(self, partitions: Iterable[PartitionNumber]) -> None:
        for partition in set(partitions):
            self._ring(partition)


class MemoryPartition:
    """Implements Partition."""

    def __init__(
        self, spool: MemorySpool, clock: Clock, number: PartitionNumber, epoch: int
    ) -> None:
        self._spool = spool
        self._state = spool.state
        self._clock = clock
        self._number = number
        self._epoch = epoch

    @property
    def number(self) -> PartitionNumber:
        return self._number

    @property
    def epoch(self) -> int:
        return self._epoch

    async def replay(self) -> int:
        self._check()
        now = self._clock()
        lost = [
            each
            for _, each in sorted(self._state.deliveries.items())
            if each.partition == self._number
            and each.epoch is not None
            and each.epoch < self._epoch
        ]
        for each in lost:
            each.epoch = None
            each.attempts += 1
            each.in_doubt += 1
            each.free_of = 0
            each.source = each.claimed_source or each.source
            each.due = now
            self._state.append(InDoubt(**self._state.event_fields(each, now)))
        if lost:
            self._spool.ring([self._number])
        return len(lost)

    def due(self, upto: UnixMs, limit: int, cursor: bytes | None = None) -> DuePage:
        self._spool.check()
        places = sorted(
            (position(each.due, each.id.message_id, each.id.index), each)
            for each in self._state.deliveries.values()
            if each.partition == self._number and each.state == "scheduled" and each.due <= upto
        )
        behind = [pair for pair in places if pair[0] >= (cursor or b"")]
        page = behind[: max(limit, 0)]
        more = len(behind) > len(page) > 0
        return DuePage(
            tuple(self._head(each) for _, each in page), page[-1][0] + b"\0" if more else None
        )

    async def claim(self, heads: Sequence[DueHead], source: str = "") -> list[ClaimedMessage]:
        for head in heads:
            if head.partition != self._number:
                raise ValueError("the recipient is of another partition")
        self._check()
        taken: dict[MessageId, list[MemoryDelivery]] = {}
        rules = BindingRules(rule for _, rule in sorted(self._state.hold_rules.items()))
        for head in heads:
            each = self._state.deliveries.get(head.id)
            if each is None or not self._is_at(each, head.due):
                continue
            if write_if_late(self._state, each, self._clock(), self._spool.missed_after_ms):
                continue
            rule = rules.find(_DueMail(self._state, each), self._clock())
            if rule is not None:
                self._state.hold(each, Actor(who=rule.who, reason=rule.why), rule.id)
            else:
                each.epoch = self._epoch
                each.claimed_source = source
                taken.setdefault(head.id.message_id, []).append(each)
        return [self._state.claimed(message_id, own) for message_id, own in taken.items()]

    async def commit(self, commit: Commit) -> None:
        self._check()
        for moved in commit.moved:
            if moved.partition != self._number or not 0 <= moved.to < self._state.partitions:
                raise ValueError("not a move of this owner's")
        settled = [self._held_claim(each.id) for each in commit.settled]
        if len({each.id for each in settled}) != len(settled):
            raise NotClaimedError("a recipient is settled twice")
        self._spool.check_new(commit.submissions)
        now = self._clock()
        ring: set[PartitionNumber] = set()
        for settlement, each in zip(commit.settled, settled, strict=True):
            self._settle(settlement, each, now)
            if each.epoch is None and each.due <= now and each.id in self._state.deliveries:
                ring.add(self._number)
        for moved in commit.moved:
            ring |= self._move(moved, now)
        self._spool.ring(ring)
        self._spool.write(commit.submissions)

    async def pull_in(self, latest: LatestDue) -> int:
        self._check()
        now, count = self._clock(), 0
        for each in self._state.deliveries.values():
            if each.partition != self._number or each.state != "scheduled" or each.due <= now:
                continue
            accepted = message_id_ms(each.id.message_id)
            due = max(latest(accepted, each.attempts, each.last is not None), now)
            if is_untried(each):
                due = max(due, self._state.messages[each.id.message_id].not_before)
            if each.due > due:
                each.due = due
                count += 1
        if count:
            self._spool.ring([self._number])
        return count

    async def disown(self) -> None:
        self._check()

    def _check(self) -> None:
        self._spool.check()
        if self._state.epochs[self._number] != self._epoch:
            raise FencedError(f"partition {self._number} has another owner")

    def _is_at(self, each: MemoryDelivery, due: UnixMs) -> bool:
        return each.partition == self._number and each.state == "scheduled" and each.due == due

    def _held_claim(self, delivery: DeliveryId) -> MemoryDelivery:
        each = self._state.deliveries.get(delivery)
        if each is None or each.partition != self._number or each.epoch != self._epoch:
            raise NotClaimedError("the recipient is not claimed, or settled already")
        return each

    def _settle(self, settlement: Settlement, each: MemoryDelivery, now: UnixMs) -> None:
        each.epoch = None
        each.was_suppressed = False
        match settlement:
            case Done(outcome=outcome, attempt=attempt):
                each.attempts += 1
                fields = self._state.attempt_fields(each, now)
                kind = _OUTCOMES[outcome]
                self._state.append(kind(**fields, attempts=each.attempts, attempt=attempt))
                self._state.remove(each.id)
            case Spared(attempt=attempt, cause=cause, scope=scope):
                fields = self._state.event_fields(each, now)
                fields |= {"attempts": each.attempts, "attempt": attempt}
                self._state.append(RecipientSuppressed(**fields, cause=cause, scope=scope))
                self._state.remove(each.id)
            case Deferred(
                due=due, attempt=attempt, delay_dsn_sent=delay_dsn_sent, in_doubt=in_doubt
            ):
                each.source = source_after(settlement, kept=each.source, in_doubt=each.in_doubt > 0)
                each.in_doubt += in_doubt
                each.last = attempt
                each.delay_dsn_sent |= delay_dsn_sent
                each.due = max(due, now)
                if settlement.attempted:
                    each.attempts += 1
                    each.free_of = 0
                    fields = self._state.attempt_fields(each, now)
                    self._state.append(
                        AttemptFailed(**fields, attempts=each.attempts, attempt=attempt, due=due)
                    )
            case Released(due=due):
                each.due = max(due, now)
            case _:
                assert_never(settlement)

    def _move(self, moved: Moved, now: UnixMs) -> set[PartitionNumber]:
        each = self._state.deliveries.get(moved.id)
        if each is None or not self._is_at(each, moved.due):
            return set()
        each.due = UnixMs(max(moved.due + bool(moved.via), now, moved.not_before))
        if not (moved.via and each.in_doubt):  # MV1
            each.partition = moved.to
            each.via = kept_way(moved.via) if moved.via else each.via
            if moved.via:
                by = Actor(who=POLICY, reason=moved.reason)
                self._state.append_act("reroute", each, by)
        return {each.partition} if each.due <= now else set()

    def _head(self, each: MemoryDelivery) -> DueHead:
        message = self._state.messages[each.id.message_id]
        return DueHead(
            partition=each.partition,
            due=each.due,
            id=each.id,
            tenant=message.tenant,
            domain=suppressed_destination(each.recipient.domain)
            if each.was_suppressed
            else destination_of(each.recipient.domain, each.via),
            octets=len(message.content),
            stream=message.stream,
            priority=message.priority,
            campaign=message.campaign,
            account=message.origin.user or message.origin.client,
            sender=message.envelope.reverse_path,
            in_doubt=each.in_doubt > 0,
            source=each.source,
            is_timed=is_untried(each) and is_timed(message),
        )


class _DueMail:
    """ClaimedMail."""

    def __init__(self, state: MemoryState, each: MemoryDelivery) -> None:
        self._state = state
        self._each = each
        self._message = state.messages[each.id.message_id]
        self.tenant = self._message.tenant
        self.domain = each.recipient.domain
        self.campaign = self._message.campaign

    def sender(self) -> str:
        return self._message.envelope.reverse_path

    def provider(self) -> str | None:
        hint = self._state.routes.get(self.domain)
        return None if hint is None else hint.provider

    def free_of(self) -> int:
        return self._each.free_of
