"""What is on disk: each record is a version octet, then a msgpack array. Own types, never the model's.

A field is only ever appended, with a default, so that an older record still reads; anything else is a new
schema version with its migration (``migration``).
"""

import zlib
from typing import Annotated, Final, Literal, TypeVar, cast

import msgspec

from angarium.queue.destination import destination_of
from angarium.queue.model import Attempt, Origin, OriginKind, Personal, Submission, UnixMs
from angarium.queue.reschedule import LAST_MS
from angarium.smtp.envelope import Envelope, Recipient

RECORD_VERSION: Final = b"\x01"
# Since schema 2: the listener's address and how the message came are fields of their own
MESSAGE_VERSION: Final = b"\x02"

SCHEDULED: Final = 0  # has a due key, or a claim key while in flight
HELD: Final = 1  # has neither, until the operator releases it


class RecordError(Exception):
    """What is on disk is not a record of ours."""


# What is beyond could not be a key, or a date: the disk changed it
_U16 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Ms = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]


class _Record(msgspec.Struct, frozen=True, array_like=True):
    pass


class MessageRecord(_Record, frozen=True, array_like=True, kw_only=True):
    tenant: str
    stream: str
    reverse_path: str
    ret: str | None
    envid: str | None
    smtputf8: bool
    body_8bit: bool
    header_octets: _Count
    header_from: str
    message_id_header: str
    accepted: _Ms
    expires: _Ms
    origin_kind: str
    listener: str
    client: str
    user: str
    size_octets: _Count
    recipients: int  # when accepted
    has_dot_lines: bool | None
    priority: int
    campaign: str
    # CRC-32 of the content; None: accepted before it was written, and taken as it is
    checksum: int | None = None
    not_before: _Ms = 0  # its start is put off until then; 0: it is not
    if_missed: str = "send"
    expires_is_given: bool = False  # ``expires`` stays what it is when the start is moved
    quota_opens: _Ms = 0  # its quota had no room before
    personal: Personal | None = None  # what of the content is put in for each recipient
    topic: str = ""  # whoever has left it gets nothing (Invariant 5)
    language: str = ""  # of the pages where one leaves


class DeliveryRecord(_Record, frozen=True, array_like=True, kw_only=True):
    """Its due time stands in front of it (``stamp_due``): it is known only inside the write transaction."""

    forward_path: str
    domain: str
    notify: int | None
    orcpt: str | None
    partition: _U16
    state: int
    attempts: _Count
    in_doubt: _Count
    delay_dsn_sent: bool
    last: Attempt | None
    rule: int = 0  # held by this hold rule; 0: by an act, or not held
    # Hold rules up to this one let its next attempt pass: an operator released it from one
    free_of: int = 0
    via: str = ""  # the way that an operator or a policy chose: ``queue.destination``
    # The egress source to keep to: of the attempt whose outcome is unknown, or of the last one if it was greylisted;
    # "": none, or not known
    source: str = ""


class DueHint(_Record, frozen=True, array_like=True, kw_only=True):
    """What the scheduler needs to know beside the size of the content; the same for many recipients."""

    tenant: str
    domain: str  # where it goes: ``queue.destination``
    stream: str
    priority: int
    campaign: str
    account: str = ""
    sender: str = ""
    in_doubt: bool = False
    source: str = ""  # to keep to, as the recipient's record has it
    # It had no attempt yet, and its sender said what is to become of it when it is too late
    is_timed: bool = False


class OwnerRecord(_Record, frozen=True, array_like=True):
    epoch: int
    node: str  # "": given up cleanly


class HoldRuleRecord(_Record, frozen=True, array_like=True, kw_only=True):
    tenant: str | None
    sender: str | None  # conditions are casefolded
    domain: str | None
    provider: str | None
    who: str
    why: str
    since: int
    until: int | None
    # Set when it has ended, until what it held is dealt with: whether that is released, on whose word and why
    releases: bool | None = None
    ender: str = ""
    ending: str = ""
    campaign: str | None = None  # a condition, too


class DamagedRecord(_Record, frozen=True, array_like=True, kw_only=True):
    """A recipient that was set aside."""

    at: int
    reason: str
    record: bytes  # its DeliveryRecord as it was found


class RouteRecord(_Record, frozen=True, array_like=True, kw_only=True):
    partition: int
    provider: str
    site: str


_encode = msgspec.msgpack.Encoder().encode
_message_decoder = msgspec.msgpack.Decoder(MessageRecord)
_delivery_decoder = msgspec.msgpack.Decoder(DeliveryRecord)
_owner_decoder = msgspec.msgpack.Decoder(OwnerRecord)
_rule_decoder = msgspec.msgpack.Decoder(HoldRuleRecord)
_hint_decoder = msgspec.msgpack.Decoder(DueHint)
_damaged_decoder = msgspec.msgpack.Decoder(DamagedRecord)
_route_decoder = msgspec.msgpack.Decoder(RouteRecord)
_R = TypeVar("_R")


def encode(record: msgspec.Struct, version: bytes = RECORD_VERSION) -> bytes:
    return version + _encode(record)


def decode(
    raw: bytes,
    decoder: msgspec.msgpack.Decoder[_R],
    *,
    start: int = 1,
    version: bytes = RECORD_VERSION,
) -> _R:
    """Raises RecordError."""
    if raw[:1] != version:
        raise RecordError(f"record version {raw[:1].hex() or 'missing'}, not {version.hex()}")
    try:
        return decoder.decode(memoryview(raw)[start:])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(str(error)) from error


def encode_message(record: MessageRecord) -> bytes:
    return encode(record, MESSAGE_VERSION)


def decode_message(raw: bytes) -> MessageRecord:
    return decode(raw, _message_decoder, version=MESSAGE_VERSION)


def encode_delivery(record: DeliveryRecord) -> bytes:
    """Return the record without its due time, for ``stamp_due``."""
    return _encode(record)


def stamp_due(due: int, encoded: bytes) -> bytes:
    """Return what is on disk: version, due time u64, record."""
    return RECORD_VERSION + due.to_bytes(8, "big") + encoded


def delivery_due(raw: bytes) -> UnixMs:
    return UnixMs(int.from_bytes(raw[1:9], "big"))


def decode_delivery(raw: bytes) -> DeliveryRecord:
    record = decode(raw, _delivery_decoder, start=9)
    if delivery_due(raw) > LAST_MS:
        raise RecordError("due behind the end of time")
    return record


def decode_owner(raw: bytes | None) -> OwnerRecord:
    return OwnerRecord(0, "") if raw is None else decode(raw, _owner_decoder)


def decode_route(raw: bytes) -> RouteRecord:
    return decode(raw, _route_decoder)


def decode_damaged(raw: bytes) -> DamagedRecord:
    return decode(raw, _damaged_decoder)


def decode_rule(raw: bytes) -> HoldRuleRecord:
    return decode(raw, _rule_decoder)


def checksum(content: bytes) -> int:
    """CRC-32: any octet, and nearly any block, that the disk changed is found. 20 KB cost 10 to 20 us."""
    return zlib.crc32(content)


def message_record(submission: Submission) -> MessageRecord:
    envelope, origin = submission.envelope, submission.origin
    return MessageRecord(
        tenant=submission.tenant,
        stream=submission.stream,
        reverse_path=envelope.reverse_path,
        ret=envelope.ret,
        envid=envelope.envid,
        smtputf8=envelope.smtputf8,
        body_8bit=envelope.body_8bit,
        header_octets=submission.header_octets,
        header_from=submission.header_from,
        message_id_header=submission.message_id_header,
        accepted=submission.accepted,
        expires=submission.expires,
        origin_kind=origin.kind,
        listener=origin.listener,
        client=origin.client,
        user=origin.user,
        size_octets=len(submission.content),
        recipients=len(envelope.recipients),
        has_dot_lines=submission.has_dot_lines,
        priority=submission.priority,
        campaign=submission.campaign,
        checksum=checksum(submission.content),
        not_before=submission.not_before,
        if_missed=submission.if_missed,
        expires_is_given=submission.expires_is_given,
        quota_opens=submission.quota_opens,
        personal=submission.personal,
        topic=submission.topic,
        language=submission.language,
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
    return Origin(
        kind=cast(OriginKind, record.origin_kind),
        listener=record.listener,
        client=record.client,
        user=record.user,
    )


def encode_new_delivery(recipient: Recipient, partition: int) -> bytes:
    """Return the DeliveryRecord of a recipient just accepted, without its due time, for ``stamp_due``.

    From a tuple of its fields, up to those that have a default: every message passes here, and it costs a third.
    """
    return _encode(
        (
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
    )


def changed(
    record: DeliveryRecord,
    *,
    state: int = SCHEDULED,
    partition: int | None = None,
    attempts: int | None = None,
    in_doubt: int | None = None,
    delay_dsn_sent: bool | None = None,
    last: Attempt | None = None,
    rule: int = 0,
    free_of: int | None = None,
    via: str | None = None,
    source: str | None = None,
) -> DeliveryRecord:
    """Return the record with what is given (None: as before)."""
    return DeliveryRecord(
        forward_path=record.forward_path,
        domain=record.domain,
        notify=record.notify,
        orcpt=record.orcpt,
        partition=record.partition if partition is None else partition,
        state=state,
        attempts=record.attempts if attempts is None else attempts,
        in_doubt=record.in_doubt if in_doubt is None else in_doubt,
        delay_dsn_sent=record.delay_dsn_sent if delay_dsn_sent is None else delay_dsn_sent,
        last=record.last if last is None else last,
        rule=rule,
        free_of=record.free_of if free_of is None else free_of,
        via=record.via if via is None else via,
        source=record.source if source is None else source,
    )


def encode_hint(octets: int, hint: DueHint) -> bytes:
    """Return the value of a due key, all that the scheduler needs: version, octets of the content u48, hint."""
    return RECORD_VERSION + octets.to_bytes(6, "big") + _encode(hint)


def routing_hint(
    message: MessageRecord, destination: str, kept: tuple[bool, str, bool] | tuple[()] = ()
) -> bytes:
    """Return the value of a due key of one of the message's recipients: as ``encode_hint``, from a tuple.

    ``kept``: of one in doubt, that keeps to its source, or is timed, the hint's last three fields.
    """
    hint = (
        *(message.tenant, destination, message.stream, message.priority, message.campaign),
        message.user or message.client,
        message.reverse_path,
        *kept,
    )
    return RECORD_VERSION + message.size_octets.to_bytes(6, "big") + _encode(hint)


def is_timed_message(message: MessageRecord) -> bool:
    """Whether its sender said what is to become of it when it is too late for a first attempt."""
    return message.expires_is_given or message.if_missed != "send"


def message_start(raw: bytes | None) -> UnixMs:
    """Return until when a message's start is put off; 0: it is not, or its record cannot be read."""
    try:
        return UnixMs(decode_message(raw or b"").not_before)
    except RecordError:
        return UnixMs(0)


def is_untried(record: DeliveryRecord) -> bool:
    """Whether nobody has come to try it yet."""
    return not record.attempts and record.last is None


def due_hint(message: MessageRecord, record: DeliveryRecord) -> bytes:
    """Return the value of the due key of a recipient that is in the queue."""
    is_timed = is_timed_message(message) and is_untried(record)
    is_plain = not (record.in_doubt or record.source or is_timed)
    kept = () if is_plain else (record.in_doubt > 0, record.source, is_timed)
    return routing_hint(message, destination_of(record.domain, record.via), kept)


def hinted_octets(raw: bytes) -> tuple[int, bytes]:
    """Return the size of the content, and what ``decode_hint`` reads. Raises RecordError."""
    if raw[:1] != RECORD_VERSION:
        raise RecordError(f"a due hint of version {raw[:1].hex() or 'missing'}")
    return int.from_bytes(raw[1:7], "big"), raw[7:]


def decode_hint(raw: bytes) -> DueHint:
    """Raises RecordError."""
    try:
        return _hint_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(str(error)) from error
