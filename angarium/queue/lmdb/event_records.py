"""Events as they are on disk, and back. Kinds are numbers that never change their meaning."""

from typing import Final

import msgspec

from angarium.queue.event import (
    AttemptFailed,
    Bounced,
    Cancelled,
    Delivered,
    Event,
    Expired,
    InDoubt,
    MessageAccepted,
    OperatorHeld,
    OperatorReleased,
    OperatorRetried,
    Relayed,
)
from angarium.queue.lmdb.records import (
    AttemptRecord,
    DeliveryRecord,
    MessageRecord,
    RecordError,
    attempt_of,
    decode,
    encode,
)
from angarium.queue.model import MessageId, Origin, Submission, UnixMs

ACCEPTED: Final = 1
DELIVERED: Final = 2
RELAYED: Final = 3
DEFERRED: Final = 4
BOUNCED: Final = 5
EXPIRED: Final = 6
IN_DOUBT: Final = 7
HELD: Final = 8
RELEASED: Final = 9
RETRIED: Final = 10
CANCELLED: Final = 11

FINAL_KINDS: Final = frozenset({DELIVERED, RELAYED, BOUNCED, EXPIRED, CANCELLED})
OUTCOME_KINDS: Final = {
    "delivered": DELIVERED,
    "relayed": RELAYED,
    "bounced": BOUNCED,
    "expired": EXPIRED,
}
_ATTEMPT_TYPES: Final[dict[int, type[Delivered | Relayed | Bounced | Expired]]] = {
    DELIVERED: Delivered,
    RELAYED: Relayed,
    BOUNCED: Bounced,
    EXPIRED: Expired,
}
_RECIPIENT_TYPES: Final[
    dict[int, type[InDoubt | OperatorHeld | OperatorReleased | OperatorRetried | Cancelled]]
] = {
    IN_DOUBT: InDoubt,
    HELD: OperatorHeld,
    RELEASED: OperatorReleased,
    RETRIED: OperatorRetried,
    CANCELLED: Cancelled,
}


class EventRecord(msgspec.Struct, frozen=True, array_like=True):
    """One shape for all kinds: `show` and trimming read the first fields of any."""

    kind: int
    at: int
    message_id: bytes
    tenant: str
    stream: str
    reverse_path: str
    index: int = 0
    recipient: str = ""
    in_doubt: int = 0
    attempts: int = 0
    due: int = 0
    attempt: AttemptRecord | None = None
    # of ACCEPTED only
    recipients: tuple[str, ...] = ()
    size_octets: int = 0
    message_id_header: str = ""
    listener: str = ""
    client: str = ""
    user: str = ""


_decoder = msgspec.msgpack.Decoder(EventRecord)


def decode_event(raw: bytes) -> EventRecord:
    return decode(raw, _decoder)


def accepted_event(submission: Submission) -> bytes:
    envelope, origin = submission.envelope, submission.origin
    return encode(
        EventRecord(
            ACCEPTED,
            submission.accepted,
            submission.message_id,
            submission.tenant,
            submission.stream,
            envelope.reverse_path,
            recipients=tuple(each.forward_path for each in envelope.recipients),
            size_octets=len(submission.content),
            message_id_header=submission.message_id_header,
            listener=origin.listener,
            client=origin.client,
            user=origin.user,
        )
    )


def recipient_event(
    kind: int,
    at: int,
    key: bytes,
    message: MessageRecord,
    delivery: DeliveryRecord,
    attempt: AttemptRecord | None = None,
    due: int = 0,
) -> bytes:
    """Encode what happened to a recipient; ``delivery`` is its record after it."""
    return encode(
        EventRecord(
            kind,
            at,
            key[:16],
            message.tenant,
            message.stream,
            message.reverse_path,
            int.from_bytes(key[16:18], "big"),
            delivery.forward_path,
            delivery.in_doubt,
            delivery.attempts,
            due,
            attempt,
        )
    )


def event_of(record: EventRecord) -> Event:
    at, message_id = UnixMs(record.at), MessageId(record.message_id)
    if record.kind == ACCEPTED:
        return MessageAccepted(
            at=at,
            message_id=message_id,
            tenant=record.tenant,
            stream=record.stream,
            reverse_path=record.reverse_path,
            recipients=record.recipients,
            size_octets=record.size_octets,
            message_id_header=record.message_id_header,
            origin=Origin(listener=record.listener, client=record.client, user=record.user),
        )
    if record.kind in _RECIPIENT_TYPES:
        return _RECIPIENT_TYPES[record.kind](
            at=at,
            message_id=message_id,
            tenant=record.tenant,
            stream=record.stream,
            index=record.index,
            recipient=record.recipient,
            reverse_path=record.reverse_path,
            in_doubt=record.in_doubt,
        )
    return _attempt_event(record)


def _attempt_event(record: EventRecord) -> Event:
    if record.attempt is None or (record.kind != DEFERRED and record.kind not in _ATTEMPT_TYPES):
        raise RecordError(f"event of kind {record.kind}")
    if record.kind == DEFERRED:
        return AttemptFailed(
            at=UnixMs(record.at),
            message_id=MessageId(record.message_id),
            tenant=record.tenant,
            stream=record.stream,
            index=record.index,
            recipient=record.recipient,
            reverse_path=record.reverse_path,
            in_doubt=record.in_doubt,
            attempts=record.attempts,
            attempt=attempt_of(record.attempt),
            due=UnixMs(record.due),
        )
    return _ATTEMPT_TYPES[record.kind](
        at=UnixMs(record.at),
        message_id=MessageId(record.message_id),
        tenant=record.tenant,
        stream=record.stream,
        index=record.index,
        recipient=record.recipient,
        reverse_path=record.reverse_path,
        in_doubt=record.in_doubt,
        attempts=record.attempts,
        attempt=attempt_of(record.attempt),
    )
