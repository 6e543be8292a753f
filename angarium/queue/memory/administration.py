"""The administration of the queue in memory: the same acts and rules, for tests."""

from collections.abc import Callable
from itertools import groupby

from angarium.queue.act import (
    NAMED_LIMIT,
    Act,
    Actor,
    Notify,
    Part,
    applies,
    bounce_attempt,
    part_of,
)
from angarium.queue.administration import Progress
from angarium.queue.breakdown import Breakdown, BreakdownCount, Quality
from angarium.queue.destination import check_via
from angarium.queue.entry import (
    Affected,
    AffectedRecipient,
    CompiledFilter,
    EntryPage,
    FindProvider,
    QueueEntry,
    ShownMessage,
    refuse_empty,
)
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.content_shown import ContentShown
from angarium.queue.events.hold_rule_added import HoldRuleAdded
from angarium.queue.events.hold_rule_removed import HoldRuleRemoved
from angarium.queue.hold_rule import HOLD_RULE_LIMIT, HoldRule, check_rule
from angarium.queue.memory.scheduling import reschedule
from angarium.queue.memory.state import MemoryDelivery, MemoryState
from angarium.queue.memory.terms import memory_quota_use
from angarium.queue.message_id import IdRange, message_id_ms
from angarium.queue.model import DeliveryId, Filter, MessageId, PartitionNumber, RouteHint, UnixMs
from angarium.queue.quota import QuotaUse
from angarium.queue.reschedule import RescheduleOutcome, StartMoved
from angarium.queue.spool import TooManyHoldRulesError, UnknownHoldRuleError
from angarium.queue.summary import QueueSummary

_NO_MESSAGE = MessageId(b"")


class MemoryAdministration:
    """Implements QueueAdministration. Each call is one transaction."""

    def __init__(self, state: MemoryState, ring: Callable[[set[PartitionNumber]], None]) -> None:
        self._state = state
        self._ring = ring
        self._told_provider: FindProvider = lambda _: None

    def tell_providers(self, told: FindProvider) -> None:
        self._told_provider = told

    def summary(self) -> QueueSummary:
        states = [each.state for each in self._state.deliveries.values()]
        return QueueSummary(
            messages=len(self._state.messages),
            scheduled=states.count("scheduled"),
            in_flight=states.count("in_flight"),
            held=states.count("held"),
            events=len(self._state.events),
            file_octets=0,
            map_octets=0,
            used_octets=0,
            free_disk_octets=0,
            readers=0,
            reader_limit=0,
            low_disk=False,
            oldest_at=min(
                (
                    max(message_id_ms(id_), each.not_before)
                    for id_, each in self._state.messages.items()
                ),
                default=None,
            ),
        )

    async def show_content(self, message_id: MessageId, part: Part, by: Actor) -> bytes | None:
        by, found = by.bounded(), self._state.messages.get(message_id)
        if found is None:
            return None
        self._state.append(
            ContentShown(
                at=self._state.clock(),
                message_id=message_id,
                tenant=found.tenant,
                stream=found.stream,
                actor=by.who,
                reason=by.reason,
                part=part,
            )
        )
        return part_of(found.content, part)

    def find_route(self, domain: str) -> RouteHint | None:
        return self._state.routes.get(domain)

    def quota_use(self, tenant: str) -> tuple[QuotaUse, ...]:
        return memory_quota_use(self._state, tenant, self._state.clock())

    def hold_rules(self) -> tuple[HoldRule, ...]:
        return tuple(rule for _, rule in sorted(self._state.hold_rules.items()))

    async def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage:
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

    async def breakdown(self, wanted: Filter, by: Quality, limit: int) -> Breakdown:
        compiled = self._compile(wanted)
        count = BreakdownCount(by, self._state.clock(), self._find_provider)
        for each in self._state.deliveries.values():
            if compiled.matches(entry := self._entry(each)):
                count.add(entry)
        return count.breakdown(limit)

    async def show(self, message_id: MessageId) -> ShownMessage | None:
        message = self._state.messages.get(message_id)
        events = [each for each in self._state.events if each.event.message_id == message_id]
        if message is None and not events:
            return None
        accepted = next((e.event for e in events if isinstance(e.event, MessageAccepted)), None)
        return ShownMessage(
            message_id=message_id,
            queued=message is not None,
            origin=None if accepted is None else accepted.origin,
            message_id_header="" if accepted is None else accepted.message_id_header,
            header_from="" if message is None else message.header_from,
            entries=tuple(
                self._entry(each)
                for delivery, each in sorted(self._state.deliveries.items())
                if delivery.message_id == message_id
            ),
            events=tuple(events),
        )

    async def find_messages(self, wanted: IdRange, limit: int) -> tuple[MessageId, ...]:
        known = {*self._state.messages, *(each.event.message_id for each in self._state.events)}
        return tuple(sorted(each for each in known if each in wanted)[:limit])

    async def act(
        self,
        act: Act,
        wanted: Filter,
        by: Actor,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
        via: str = "",
    ) -> Affected:
        refuse_empty(wanted)
        if act == "reroute":
            via = check_via(via)
        affected = self._act(act, wanted, by.bounded(), 0, via, dry_run=dry_run)
        if progress is not None:
            progress(affected.count)
        return affected

    async def bounce(
        self,
        wanted: Filter,
        by: Actor,
        notify: Notify,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Affected:
        by, state = by.bounded(), self._state
        done, in_flight, unchanged = self._find("bounce", wanted)
        named = self._named(done)[:NAMED_LIMIT]
        rung: set[PartitionNumber] = set()
        for message_id, own in groupby([] if dry_run else done, lambda each: each.message_id):
            deliveries = [state.deliveries[each] for each in own]
            notice = notify(
                state.claimed(message_id, deliveries), bounce_attempt(by, state.clock())
            )
            for each in deliveries:
                state.append_act("bounce", each, by)
                state.remove(each.id)
            if notice is not None:
                rung |= state.accept(notice, state.clock())
        self._ring(rung)
        if progress is not None:
            progress(len(done))
        return Affected(
            count=len(done),
            named=named,
            in_flight=in_flight,
            unchanged=unchanged,
            who=by.who,
            reason=by.reason,
        )

    async def reschedule(
        self, message_id: MessageId, due: UnixMs, by: Actor, tenant: str | None = None
    ) -> RescheduleOutcome:
        outcome = reschedule(self._state, message_id, due, by.bounded(), tenant)
        own = [each for each in self._state.deliveries if each.message_id == message_id]
        if isinstance(outcome, StartMoved):
            self._ring_for(own)
        return outcome

    async def add_hold_rule(self, rule: HoldRule, by: Actor) -> HoldRule:
        state, by = self._state, by.bounded()
        new = check_rule(rule, state.clock())
        if len(state.hold_rules) >= HOLD_RULE_LIMIT:
            raise TooManyHoldRulesError("there are too many hold rules already")
        state.last_rule += 1
        added = HoldRule(
            id=state.last_rule,
            tenant=new.tenant,
            sender=new.sender,
            domain=new.domain,
            provider=new.provider,
            campaign=new.campaign,
            who=by.who,
            why=by.reason,
            since=state.clock(),
            until=new.until,
        )
        state.hold_rules[added.id] = added
        state.append(
            HoldRuleAdded(
                at=state.clock(),
                message_id=_NO_MESSAGE,
                rule=added.id,
                actor=by.who,
                reason=by.reason,
                tenant=new.tenant,
                sender=new.sender,
                domain=new.domain,
                provider=new.provider,
                until=new.until,
                campaign=new.campaign,
            )
        )
        self._act("hold", added.wanted, by, added.id)
        return added

    async def remove_hold_rule(self, rule_id: int, by: Actor, *, release: bool) -> Affected:
        return self._end(rule_id, by.bounded(), release=release)

    async def expire_hold_rules(self) -> int:
        now = self._state.clock()
        over = [rule.id for rule in self.hold_rules() if not rule.is_in_force(now)]
        for rule_id in over:
            by = Actor(who="angarium", reason=f"the time of hold rule {rule_id} is over")
            self._end(rule_id, by, release=True)
        return len(over)

    def _act(
        self,
        act: Act,
        wanted: Filter,
        by: Actor,
        rule: int,
        via: str = "",
        *,
        dry_run: bool = False,
    ) -> Affected:
        done, in_flight, unchanged = self._find(act, wanted)
        named = self._named(done)
        if not dry_run:
            for delivery in done:
                self._do(act, self._state.deliveries[delivery], by, rule, via)
            self._ring_for(done)
        return Affected(
            count=len(done),
            named=named[:NAMED_LIMIT],
            in_flight=in_flight,
            unchanged=unchanged,
            who=by.who,
            reason=by.reason,
        )

    def _find(self, act: Act, wanted: Filter) -> tuple[list[DeliveryId], int, int]:
        """Return whom the act is for, and how many are in flight or need no change."""
        refuse_empty(wanted)
        compiled = self._compile(wanted)
        done, in_flight, unchanged = [], 0, 0
        for delivery, each in sorted(self._state.deliveries.items()):
            if not compiled.matches(self._entry(each)):
                continue
            if each.state == "in_flight":
                in_flight += 1
            elif applies(act, each.held):
                done.append(delivery)
            else:
                unchanged += 1
        return done, in_flight, unchanged

    def _do(self, act: Act, each: MemoryDelivery, by: Actor, rule: int, via: str) -> None:
        state, now = self._state, self._state.clock()
        match act:
            case "hold":
                state.hold(each, by, rule)
            case "release":
                free_of = state.last_rule if each.rule else each.free_of
                state.release(each, by)
                each.free_of = free_of
            case "retry":
                each.due = now
                state.append_act("retry", each, by)
            case "cancel":
                state.append_act("cancel", each, by)
                state.remove(each.id)
            case "reroute":
                each.via = via
                if not each.held:
                    each.due = UnixMs(now if now != each.due else now + 1)
                state.append_act("reroute", each, by)
            case "bounce":
                raise ValueError("what is bounced is returned to its sender: bounce()")

    def _end(self, rule_id: int, by: Actor, *, release: bool) -> Affected:
        state = self._state
        if state.hold_rules.pop(rule_id, None) is None:
            raise UnknownHoldRuleError(f"no hold rule {rule_id}")
        state.append(
            HoldRuleRemoved(
                at=state.clock(),
                message_id=_NO_MESSAGE,
                rule=rule_id,
                actor=by.who,
                reason=by.reason,
                releases=release,
            )
        )
        held = [each for _, each in sorted(state.deliveries.items()) if each.rule == rule_id]
        for each in held:
            if release:
                state.release(each, by)
            each.rule = 0
        done = [each.id for each in held] if release else []
        self._ring_for(done)
        return Affected(
            count=len(done),
            named=self._named(done)[:NAMED_LIMIT],
            in_flight=0,
            unchanged=0,
            who=by.who,
            reason=by.reason,
        )

    def _named(self, found: list[DeliveryId]) -> tuple[AffectedRecipient, ...]:
        deliveries = self._state.deliveries
        return tuple(
            AffectedRecipient(id=each, recipient=deliveries[each].recipient.forward_path)
            for each in found
        )

    def _ring_for(self, done: list[DeliveryId]) -> None:
        now = self._state.clock()
        found = [self._state.deliveries.get(each) for each in done]
        self._ring({each.partition for each in found if each and not each.held and each.due <= now})

    def _compile(self, wanted: Filter) -> CompiledFilter:
        return CompiledFilter(wanted, self._state.clock(), self._find_provider)

    def _find_provider(self, domain: str) -> str | None:
        told, hint = self._told_provider(domain), self._state.routes.get(domain)
        return hint.provider if told is None and hint is not None else told

    def _entry(self, each: MemoryDelivery) -> QueueEntry:
        message = self._state.messages[each.id.message_id]
        return QueueEntry(
            id=each.id,
            state=each.state,
            partition=each.partition,
            tenant=message.tenant,
            stream=message.stream,
            campaign=message.campaign,
            topic=message.topic,
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
            not_before=message.not_before,
            if_missed=message.if_missed,
            rule=each.rule,
            via=each.via,
        )
