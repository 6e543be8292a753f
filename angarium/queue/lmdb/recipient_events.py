"""Events about a recipient, put together from its records, encoded. Pure."""

from typing import Any, Final

from angarium.queue.act import Act, Actor
from angarium.queue.events.attempt_failed import AttemptFailed
from angarium.queue.events.bounced import Bounced
from angarium.queue.events.cancelled import Cancelled
from angarium.queue.events.catalogue import encode_event
from angarium.queue.events.delivered import Delivered
from angarium.queue.events.expired import Expired
from angarium.queue.events.in_doubt import InDoubt
from angarium.queue.events.operator_held import OperatorHeld
from angarium.queue.events.operator_released import OperatorReleased
from angarium.queue.events.operator_rerouted import OperatorRerouted
from angarium.queue.events.operator_retried import OperatorRetried
from angarium.queue.events.recipient_suppressed import RecipientSuppressed
from angarium.queue.events.relayed import Relayed
from angarium.queue.lmdb.records import DeliveryRecord, MessageRecord
from angarium.queue.model import Attempt, MessageId, Spared, UnixMs

_OUTCOMES: Final[dict[str, type[Delivered | Relayed | Bounced | Expired]]] = {
    "delivered": Delivered,
    "relayed": Relayed,
    "bounced": Bounced,
    "expired": Expired,
}


def ended_event(
    outcome: str,
    key: bytes,
    message: MessageRecord,
    before: DeliveryRecord,
    attempt: Attempt,
    at: UnixMs,
) -> bytes:
    """``before``: its record when the attempt began."""
    return encode_event(
        _OUTCOMES[outcome](
            at=at,
            message_id=MessageId(key[:16]),
            tenant=message.tenant,
            stream=message.stream,
            index=int.from_bytes(key[16:18], "big"),
            recipient=before.forward_path,
            reverse_path=message.reverse_path,
            in_doubt=before.in_doubt,
            attempts=before.attempts + 1,
            attempt=attempt,
            campaign=message.campaign,
        )
    )


def spared_event(
    spared: Spared, key: bytes, message: MessageRecord, before: DeliveryRecord, at: UnixMs
) -> bytes:
    """No attempt was made: those before count."""
    return encode_event(
        RecipientSuppressed(
            at=at,
            message_id=MessageId(key[:16]),
            tenant=message.tenant,
            stream=message.stream,
            index=int.from_bytes(key[16:18], "big"),
            recipient=before.forward_path,
            reverse_path=message.reverse_path,
            in_doubt=before.in_doubt,
            attempts=before.attempts,
            attempt=spared.attempt,
            cause=spared.cause,
            scope=spared.scope,
        )
    )


def bounced_event(
    key: bytes,
    message: MessageRecord,
    before: DeliveryRecord,
    attempt: Attempt,
    at: UnixMs,
    by: Actor,
) -> bytes:
    """By an operator: no attempt was made."""
    return encode_event(
        Bounced(
            at=at,
            message_id=MessageId(key[:16]),
            tenant=message.tenant,
            stream=message.stream,
            index=int.from_bytes(key[16:18], "big"),
            recipient=before.forward_path,
            reverse_path=message.reverse_path,
            in_doubt=before.in_doubt,
            attempts=before.attempts,
            attempt=attempt,
            actor=by.who,
            reason=by.reason,
            campaign=message.campaign,
        )
    )


def attempt_failed_event(
    key: bytes,
    message: MessageRecord,
    after: DeliveryRecord,
    attempt: Attempt,
    at: UnixMs,
    due: UnixMs,
) -> bytes:
    """``after``: its record with that attempt counted."""
    return encode_event(
        AttemptFailed(
            at=at,
            message_id=MessageId(key[:16]),
            tenant=message.tenant,
            stream=message.stream,
            index=int.from_bytes(key[16:18], "big"),
            recipient=after.forward_path,
            reverse_path=message.reverse_path,
            in_doubt=after.in_doubt,
            attempts=after.attempts,
            attempt=attempt,
            due=due,
            campaign=message.campaign,
        )
    )


def in_doubt_event(key: bytes, message: MessageRecord, after: DeliveryRecord, at: UnixMs) -> bytes:
    return encode_event(
        InDoubt(
            at=at,
            message_id=MessageId(key[:16]),
            tenant=message.tenant,
            stream=message.stream,
            index=int.from_bytes(key[16:18], "big"),
            recipient=after.forward_path,
            reverse_path=message.reverse_path,
            in_doubt=after.in_doubt,
        )
    )


def act_event(
    act: Act,
    key: bytes,
    message: MessageRecord,
    delivery: DeliveryRecord,
    at: UnixMs,
    by: Actor,
    rule: int = 0,
    via: str = "",
) -> bytes:
    """``rule``: the hold rule that holds it, or held it. ``via``: the way that was chosen."""
    fields: dict[str, Any] = {
        "at": at,
        "message_id": MessageId(key[:16]),
        "tenant": message.tenant,
        "stream": message.stream,
        "index": int.from_bytes(key[16:18], "big"),
        "recipient": delivery.forward_path,
        "reverse_path": message.reverse_path,
        "in_doubt": delivery.in_doubt,
        "actor": by.who,
        "reason": by.reason,
    }
    match act:
        case "hold":
            return encode_event(OperatorHeld(**fields, rule=rule))
        case "release":
            return encode_event(OperatorReleased(**fields, rule=rule))
        case "retry":
            return encode_event(OperatorRetried(**fields))
        case "cancel":
            return encode_event(Cancelled(**fields))
        case "reroute":
            return encode_event(OperatorRerouted(**fields, via=via))
        case "bounce":
            raise ValueError("what is bounced has an outcome: bounced_event")
