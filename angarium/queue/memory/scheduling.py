"""Starts in memory: what is too late for one, and what gets another."""

import msgspec

from angarium.queue.act import POLICY, Actor
from angarium.queue.events.rescheduled import Rescheduled
from angarium.queue.events.skipped import Skipped
from angarium.queue.lateness import find_lateness, start_of
from angarium.queue.memory.state import MemoryDelivery, MemoryState
from angarium.queue.model import MessageId, Submission, UnixMs
from angarium.queue.reschedule import (
    AfterExpiry,
    AlreadyLeaving,
    NotInQueue,
    RescheduleOutcome,
    StartMoved,
    check_start,
    expires_after,
)


def is_timed(message: Submission) -> bool:
    return message.expires_is_given or message.if_missed != "send"


def is_untried(each: MemoryDelivery) -> bool:
    return not each.attempts and each.last is None


def write_if_late(state: MemoryState, each: MemoryDelivery, now: UnixMs, grace_ms: int) -> bool:
    """Skip or hold a due recipient; False, and nothing written, if it is to be tried."""
    message = state.messages[each.id.message_id]
    if not is_untried(each):
        return False
    late = find_lateness(
        if_missed=message.if_missed,
        due=each.due,
        given_end=message.expires if message.expires_is_given else None,
        now=now,
        grace_ms=grace_ms,
    )
    if late is None:
        return False
    if late.act == "hold":
        state.hold(each, Actor(who=POLICY, reason=late.reason), 0)
        return True
    fields = state.event_fields(each, now)
    state.append(Skipped(**fields, reason=late.reason, campaign=message.campaign))
    state.remove(each.id)
    return True


def reschedule(
    state: MemoryState, message_id: MessageId, due: UnixMs, by: Actor, tenant: str | None
) -> RescheduleOutcome:
    check_start(due)
    now, message = state.clock(), state.messages.get(message_id)
    if message is None or tenant not in (None, message.tenant):
        return NotInQueue()
    waiting = [each for each in state.deliveries.values() if each.id.message_id == message_id]
    is_begun = len(waiting) < len(message.envelope.recipients) and message.not_before <= now
    if is_begun or any(each.attempts or each.epoch is not None for each in waiting):
        return AlreadyLeaving()
    due = UnixMs(max(due, now, message.quota_opens))
    expires = expires_after(
        expires=message.expires,
        is_given=message.expires_is_given,
        start=start_of(message.accepted, message.not_before),
        due=due,
    )
    if isinstance(expires, AfterExpiry):
        return expires
    state.messages[message_id] = msgspec.structs.replace(message, not_before=due, expires=expires)
    for each in waiting:
        each.due = due
        fields = state.event_fields(each, now) | {"actor": by.who, "reason": by.reason}
        state.append(Rescheduled(**fields, due=due, expires=expires))
    return StartMoved(due=due, expires=expires, recipients=len(waiting))
