"""What the operator does to the queue in memory: the same acts, for tests."""

from collections.abc import Callable

from angarium.queue.act import IDS_REPORTED
from angarium.queue.entry import Affected, CompiledFilter, EntryPage, QueueEntry, refuse_empty
from angarium.queue.event import Cancelled, OperatorHeld, OperatorReleased, OperatorRetried
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.memory.state import MemoryDelivery
from angarium.queue.model import Filter, PartitionNumber, UnixMs

_Act = Callable[[MemoryDelivery, UnixMs], bool]  # False: nothing to do


class MemoryOperator:
    def __init__(self, spool: MemorySpool) -> None:
        self._spool = spool
        self._state = spool.state

    def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage:
        compiled = self._compile(wanted)
        start = after or b""
        found = []
        for delivery, each in sorted(self._state.deliveries.items()):
            key = delivery.message_id + delivery.index.to_bytes(2, "big")
            if key > start and compiled.matches(entry := self._entry(each)):
                found.append((key, entry))
        page = found[:limit]
        cursor = page[-1][0] if len(found) > len(page) > 0 else None
        return EntryPage(tuple(entry for _, entry in page), cursor)

    def hold(self, wanted: Filter, *, dry_run: bool = False) -> Affected:
        return self._act(wanted, self._hold, dry_run)

    def release(self, wanted: Filter, *, dry_run: bool = False) -> Affected:
        return self._act(wanted, self._release, dry_run)

    def retry(self, wanted: Filter, *, dry_run: bool = False) -> Affected:
        return self._act(wanted, self._retry, dry_run)

    def cancel(self, wanted: Filter, *, dry_run: bool = False) -> Affected:
        return self._act(wanted, self._cancel, dry_run)

    def _act(self, wanted: Filter, act: _Act, dry_run: bool) -> Affected:
        refuse_empty(wanted)
        compiled = self._compile(wanted)
        now = self._state.clock()
        done, in_flight, unchanged = [], 0, 0
        ring: set[PartitionNumber] = set()
        for delivery, each in sorted(self._state.deliveries.items()):
            if not compiled.matches(self._entry(each)):
                continue
            if each.state == "in_flight":
                in_flight += 1
            elif self._applies(act, each):
                done.append(delivery)
                if not dry_run and act(each, now) and each.due <= now:
                    ring.add(each.partition)
            else:
                unchanged += 1
        self._spool.ring(ring)
        return Affected(
            count=len(done),
            ids=tuple(done[:IDS_REPORTED]),
            in_flight=in_flight,
            unchanged=unchanged,
        )

    def _applies(self, act: _Act, each: MemoryDelivery) -> bool:
        if act == self._release:
            return each.held
        return act == self._cancel or not each.held

    def _hold(self, each: MemoryDelivery, now: UnixMs) -> bool:
        each.held = True
        self._state.append(OperatorHeld(**self._state.event_fields(each, now)))
        return False

    def _release(self, each: MemoryDelivery, now: UnixMs) -> bool:
        each.held = False
        each.due = max(each.due, now)
        self._state.append(OperatorReleased(**self._state.event_fields(each, now)))
        return True

    def _retry(self, each: MemoryDelivery, now: UnixMs) -> bool:
        each.due = now
        self._state.append(OperatorRetried(**self._state.event_fields(each, now)))
        return True

    def _cancel(self, each: MemoryDelivery, now: UnixMs) -> bool:
        self._state.append(Cancelled(**self._state.event_fields(each, now)))
        self._state.remove(each.id)
        return False

    def _compile(self, wanted: Filter) -> CompiledFilter:
        def find_provider(domain: str) -> str | None:
            hint = self._spool.find_route(domain)
            return None if hint is None else hint.provider

        return CompiledFilter(wanted, self._state.clock(), find_provider)

    def _entry(self, each: MemoryDelivery) -> QueueEntry:
        message = self._state.messages[each.id.message_id]
        return QueueEntry(
            id=each.id,
            state=each.state,
            partition=each.partition,
            tenant=message.tenant,
            stream=message.stream,
            sender=message.envelope.reverse_path,
            recipient=each.recipient.forward_path,
            domain=each.recipient.domain,
            accepted=message.accepted,
            expires=message.expires,
            due=each.due,
            attempts=each.attempts,
            in_doubt=each.in_doubt,
            last=each.last,
            size_octets=len(message.content),
        )
