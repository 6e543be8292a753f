"""Schema 1 as it was, and the step from it to schema 2. Frozen: it describes files that exist.

Schema 2 keeps stream, priority and campaign in due hints, what a message came by as a field of its own, and each event
in the form of the catalogue; consumers of events may have a state.
"""

from collections.abc import Callable
from typing import Final, cast

import msgspec

from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.attempt_failed import AttemptFailed
from angarium.queue.events.bounced import Bounced
from angarium.queue.events.cancelled import Cancelled
from angarium.queue.events.catalogue import CataloguedKind, encode_event
from angarium.queue.events.delivered import Delivered
from angarium.queue.events.expired import Expired
from angarium.queue.events.in_doubt import InDoubt
from angarium.queue.events.operator_held import OperatorHeld
from angarium.queue.events.operator_released import OperatorReleased
from angarium.queue.events.operator_retried import OperatorRetried
from angarium.queue.events.relayed import Relayed
from angarium.queue.lmdb.file.handles import Databases, RawTransaction
from angarium.queue.lmdb.records import (
    DueHint,
    MessageRecord,
    RecordError,
    decode,
    decode_message,
    encode_hint,
    encode_message,
)
from angarium.queue.model import Attempt, MessageId, Origin, OriginKind, UnixMs

# Records of one part, and octets: some 20 MB of memory, a fifth of a second
PART_RECORDS: Final = 20_000
PART_OCTETS: Final = 8 << 20


class MessageRecord1(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    tenant: str
    stream: str
    reverse_path: str
    ret: str | None
    envid: str | None
    smtputf8: bool
    body_8bit: bool
    header_octets: int
    header_from: str
    message_id_header: str
    accepted: int
    expires: int
    listener: str  # "submission 127.0.0.1:2525", "dsn"
    client: str
    user: str
    size_octets: int
    recipients: int
    has_dot_lines: bool | None = None


class EventRecord1(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One shape for all kinds."""

    kind: int
    at: UnixMs
    message_id: MessageId
    tenant: str
    stream: str
    reverse_path: str
    index: int = 0
    recipient: str = ""
    in_doubt: int = 0
    attempts: int = 0
    due: UnixMs = UnixMs(0)
    attempt: Attempt | None = None
    recipients: tuple[str, ...] = ()
    size_octets: int = 0
    message_id_header: str = ""
    listener: str = ""
    client: str = ""
    user: str = ""


_message_decoder = msgspec.msgpack.Decoder(MessageRecord1)
_event_decoder = msgspec.msgpack.Decoder(EventRecord1)
_ENDED: Final[dict[int, type[Delivered | Relayed | Bounced | Expired]]] = {
    2: Delivered,
    3: Relayed,
    5: Bounced,
    6: Expired,
}
_TOLD: Final[
    dict[int, type[InDoubt | OperatorHeld | OperatorReleased | OperatorRetried | Cancelled]]
] = {
    7: InDoubt,
    8: OperatorHeld,
    9: OperatorReleased,
    10: OperatorRetried,
    11: Cancelled,
}


def step(txn: RawTransaction, databases: Databases, place: bytes) -> bytes | None:
    """Rewrite messages, due hints, then events. ``place``: which of these, then the last key done."""
    phase = place[0] if place else 0
    name, convert = _PHASES[phase]
    last_key = _rewrite(txn, databases, name, convert, place[1:])
    if last_key is not None:
        return bytes([phase]) + last_key
    if phase + 1 < len(_PHASES):
        return bytes([phase + 1])
    _register_metrics(txn, databases)
    return None


def _rewrite(
    txn: RawTransaction,
    databases: Databases,
    name: str,
    convert: "_Convert",
    after: bytes,
) -> bytes | None:
    """Rewrite a part of a sub-database behind the key ``after``; return the last key of it, None at the end."""
    database = databases[name]
    part: list[tuple[bytes, bytes]] = []
    octets = 0
    cursor = txn.cursor(database)
    more = cursor.set_range(after + b"\0") if after else cursor.first()
    while more and len(part) < PART_RECORDS and octets < PART_OCTETS:
        part.append((cursor.key(), cursor.value()))
        octets += len(part[-1][1])
        more = cursor.next()
    for key, raw in part:
        txn.put(key, convert(txn, databases, key, raw), db=database)
    return part[-1][0] if more else None


_Convert = Callable[[RawTransaction, Databases, bytes, bytes], bytes]


def _message(_txn: RawTransaction, _databases: Databases, _key: bytes, raw: bytes) -> bytes:
    old = decode(raw, _message_decoder)
    origin = _origin(old.listener, old.client, old.user)
    return encode_message(
        MessageRecord(
            tenant=old.tenant,
            stream=old.stream,
            reverse_path=old.reverse_path,
            ret=old.ret,
            envid=old.envid,
            smtputf8=old.smtputf8,
            body_8bit=old.body_8bit,
            header_octets=old.header_octets,
            header_from=old.header_from,
            message_id_header=old.message_id_header,
            accepted=old.accepted,
            expires=old.expires,
            origin_kind=origin.kind,
            listener=origin.listener,
            client=origin.client,
            user=origin.user,
            size_octets=old.size_octets,
            recipients=old.recipients,
            has_dot_lines=old.has_dot_lines,
            priority=0,
            campaign="",
        )
    )


def _hint(txn: RawTransaction, databases: Databases, key: bytes, raw: bytes) -> bytes:
    """It was octets u48, tenant, NUL, domain; the stream is in the message, which has its new form by now."""
    tenant, _, domain = raw[6:].decode().partition("\0")
    message = decode_message(txn.get(key[10:26], db=databases["message"]) or b"")
    hint = DueHint(tenant=tenant, domain=domain, stream=message.stream, priority=0, campaign="")
    return encode_hint(int.from_bytes(raw[:6], "big"), hint)


def _event(_txn: RawTransaction, _databases: Databases, _key: bytes, raw: bytes) -> bytes:
    return encode_event(_event_of(decode(raw, _event_decoder)))


def _event_of(old: EventRecord1) -> CataloguedKind:
    if old.kind == MessageAccepted.number:
        return MessageAccepted(
            at=old.at,
            message_id=old.message_id,
            tenant=old.tenant,
            stream=old.stream,
            reverse_path=old.reverse_path,
            recipients=old.recipients,
            size_octets=old.size_octets,
            message_id_header=old.message_id_header,
            origin=_origin(old.listener, old.client, old.user),
        )
    if old.kind in _TOLD:
        return _TOLD[old.kind](
            at=old.at,
            message_id=old.message_id,
            tenant=old.tenant,
            stream=old.stream,
            index=old.index,
            recipient=old.recipient,
            reverse_path=old.reverse_path,
            in_doubt=old.in_doubt,
        )
    return _attempt_event(old)


def _attempt_event(old: EventRecord1) -> CataloguedKind:
    if old.attempt is None or (old.kind != AttemptFailed.number and old.kind not in _ENDED):
        raise RecordError(f"event of kind {old.kind}")
    if old.kind == AttemptFailed.number:
        return AttemptFailed(
            at=old.at,
            message_id=old.message_id,
            tenant=old.tenant,
            stream=old.stream,
            index=old.index,
            recipient=old.recipient,
            reverse_path=old.reverse_path,
            in_doubt=old.in_doubt,
            attempts=old.attempts,
            attempt=old.attempt,
            due=old.due,
        )
    return _ENDED[old.kind](
        at=old.at,
        message_id=old.message_id,
        tenant=old.tenant,
        stream=old.stream,
        index=old.index,
        recipient=old.recipient,
        reverse_path=old.reverse_path,
        in_doubt=old.in_doubt,
        attempts=old.attempts,
        attempt=old.attempt,
    )


def _origin(listener: str, client: str, user: str) -> Origin:
    """What it came by was the first word of the listener."""
    kind, _, address = listener.partition(" ")
    if kind not in ("submission", "dsn"):
        kind, address = "cli", listener
    return Origin(kind=cast(OriginKind, kind), listener=address, client=client, user=user)


def _register_metrics(txn: RawTransaction, databases: Databases) -> None:
    """The mail log counted for the metrics: they go on where it is."""
    read = txn.get(b"ack:mail_log", db=databases["meta"])
    if read is not None:
        txn.put(b"ack:metrics", read, overwrite=False, db=databases["meta"])


_PHASES: Final[tuple[tuple[str, _Convert], ...]] = (
    ("message", _message),
    ("due", _hint),
    ("event", _event),
)
