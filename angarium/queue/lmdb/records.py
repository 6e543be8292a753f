"""What is on disk: each record is a version octet, then a msgpack array. Own types, never the model's.

A field is only ever appended, with a default, so that an older record still reads; anything else is a new
schema version with its migration (``migration``).
"""

from typing import Final, Literal, TypeVar, cast

import msgspec

from angarium.queue.model import Attempt, Origin, Submission, UnixMs
from angarium.smtp.envelope import Envelope, Recipient

RECORD_VERSION: Final = b"\x01"

SCHEDULED: Final = 0  # has a due key, or a claim key while in flight
HELD: Final = 1  # has neither, until the operator releases it


class RecordError(Exception):
    """What is on disk is not a record of ours."""


class _Record(msgspec.Struct, frozen=True, array_like=True):
    pass


class AttemptRecord(_Record, frozen=True, array_like=True):
    at: int
    host: str
    address: str
    source: str
    code: int
    enhanced: str
    text: str
    tls: str
    stage: str


class MessageRecord(_Record, frozen=True, array_like=True):
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
    listener: str
    client: str
    user: str
    size_octets: int
    recipients: int  # when accepted
    has_dot_lines: bool | None = None


class DeliveryRecord(_Record, frozen=True, array_like=True):
    """Its due time stands in front of it (``stamp_due``): it is known only inside the write transaction."""

    forward_path: str
    domain: str
    notify: int | None
    orcpt: str | None
    partition: int
    state: int
    attempts: int
    in_doubt: int
    delay_dsn_sent: bool
    last: AttemptRecord | None


class OwnerRecord(_Record, frozen=True, array_like=True):
    epoch: int
    node: str  # "": given up cleanly


class RouteRecord(_Record, frozen=True, array_like=True):
    partition: int
    provider: str
    site: str


_encode = msgspec.msgpack.Encoder().encode
_message_decoder = msgspec.msgpack.Decoder(MessageRecord)
_delivery_decoder = msgspec.msgpack.Decoder(DeliveryRecord)
_owner_decoder = msgspec.msgpack.Decoder(OwnerRecord)
_route_decoder = msgspec.msgpack.Decoder(RouteRecord)
_R = TypeVar("_R")


def encode(record: msgspec.Struct) -> bytes:
    return RECORD_VERSION + _encode(record)


def decode(raw: bytes, decoder: msgspec.msgpack.Decoder[_R], start: int = 1) -> _R:
    """Raises RecordError."""
    if raw[:1] != RECORD_VERSION:
        raise RecordError(
            f"record version {raw[:1].hex() or 'missing'}, not {RECORD_VERSION.hex()}"
        )
    try:
        return decoder.decode(memoryview(raw)[start:])
    except msgspec.DecodeError as error:
        raise RecordError(str(error)) from error


def decode_message(raw: bytes) -> MessageRecord:
    return decode(raw, _message_decoder)


def encode_delivery(record: DeliveryRecord) -> bytes:
    """Return the record without its due time, for ``stamp_due``."""
    return _encode(record)


def stamp_due(due: int, encoded: bytes) -> bytes:
    """Return what is on disk: version, due time u64, record."""
    return RECORD_VERSION + due.to_bytes(8, "big") + encoded


def delivery_due(raw: bytes) -> UnixMs:
    return UnixMs(int.from_bytes(raw[1:9], "big"))


def decode_delivery(raw: bytes) -> DeliveryRecord:
    return decode(raw, _delivery_decoder, 9)


def decode_owner(raw: bytes | None) -> OwnerRecord:
    return OwnerRecord(0, "") if raw is None else decode(raw, _owner_decoder)


def decode_route(raw: bytes) -> RouteRecord:
    return decode(raw, _route_decoder)


def attempt_record(attempt: Attempt) -> AttemptRecord:
    return AttemptRecord(
        attempt.at,
        attempt.host,
        attempt.address,
        attempt.source,
        attempt.code,
        attempt.enhanced,
        attempt.text,
        attempt.tls,
        attempt.stage,
    )


def attempt_of(record: AttemptRecord) -> Attempt:
    return Attempt(
        at=UnixMs(record.at),
        host=record.host,
        address=record.address,
        source=record.source,
        code=record.code,
        enhanced=record.enhanced,
        text=record.text,
        tls=record.tls,
        stage=record.stage,
    )


def message_record(submission: Submission) -> MessageRecord:
    envelope = submission.envelope
    return MessageRecord(
        submission.tenant,
        submission.stream,
        envelope.reverse_path,
        envelope.ret,
        envelope.envid,
        envelope.smtputf8,
        envelope.body_8bit,
        submission.header_octets,
        submission.header_from,
        submission.message_id_header,
        submission.accepted,
        submission.expires,
        submission.origin.listener,
        submission.origin.client,
        submission.origin.user,
        len(submission.content),
        len(envelope.recipients),
        submission.has_dot_lines,
    )


def envelope_of(record: MessageRecord) -> Envelope:
    """Return the envelope without its recipients."""
    return Envelope(
        reverse_path=record.reverse_path,
        recipients=(),
        ret=cast('Literal["FULL", "HDRS"] | None', record.ret),
        envid=record.envid,
        smtputf8=record.smtputf8,
        body_8bit=record.body_8bit,
    )


def origin_of(record: MessageRecord) -> Origin:
    return Origin(listener=record.listener, client=record.client, user=record.user)


def delivery_record(recipient: Recipient, partition: int) -> DeliveryRecord:
    """Return the record of a recipient just accepted."""
    return DeliveryRecord(
        recipient.forward_path,
        recipient.domain,
        recipient.notify,
        recipient.orcpt,
        partition,
        SCHEDULED,
        0,
        0,
        False,
        None,
    )


def changed(
    record: DeliveryRecord,
    *,
    state: int = SCHEDULED,
    partition: int | None = None,
    attempts: int | None = None,
    in_doubt: int | None = None,
    delay_dsn_sent: bool | None = None,
    last: AttemptRecord | None = None,
) -> DeliveryRecord:
    """Return the record with what is given (None: as before)."""
    return DeliveryRecord(
        record.forward_path,
        record.domain,
        record.notify,
        record.orcpt,
        record.partition if partition is None else partition,
        state,
        record.attempts if attempts is None else attempts,
        record.in_doubt if in_doubt is None else in_doubt,
        record.delay_dsn_sent if delay_dsn_sent is None else delay_dsn_sent,
        record.last if last is None else last,
    )


def routing_hint(tenant: str, domain: str, octets: int) -> bytes:
    """The value of a due key: all that the scheduler needs, so that it reads nothing else."""
    return octets.to_bytes(6, "big") + f"{tenant}\0{domain}".encode()


def hinted_octets(hint: bytes) -> tuple[int, bytes]:
    """Return the size of the content, and what ``hinted_route`` reads."""
    return int.from_bytes(hint[:6], "big"), hint[6:]


def hinted_route(raw: bytes) -> tuple[str, str]:
    """Return tenant and domain."""
    tenant, _, domain = raw.decode().partition("\0")
    return tenant, domain
