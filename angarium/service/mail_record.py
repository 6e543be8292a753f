"""One line of the mail log: an event of the queue as a typed record for people and programs. Pure."""

import msgspec

from angarium.queue import (
    Attempt,
    AttemptFailed,
    DeliveryId,
    Event,
    MessageAccepted,
    Position,
    UnixMs,
    delivery_id_text,
    message_id_ms,
    message_id_text,
)
from angarium.telemetry.timestamp import rfc3339


class MailRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fields that do not apply are left out. ``sequence`` never repeats: a reader can drop what it has seen."""

    sequence: int
    ts: str  # RFC 3339, UTC
    event: str  # accepted | delivered | relayed | deferred | bounced | expired | in_doubt | held | released | ...
    message: str  # the queue's id, a UUID
    id: str = ""  # of the recipient: <uuid>.<index>
    sender: str = ""  # the reverse-path; "" is the null one
    recipient: str = ""
    recipients: tuple[str, ...] = ()  # of an accepted message
    tenant: str = ""
    stream: str = ""
    size_octets: int = 0
    message_id_header: str = ""
    listener: str = ""
    client: str = ""
    user: str = ""
    code: int = 0  # the peer's reply; left out when there was none
    enhanced: str = ""
    reply: str = ""  # its text, or our reason
    stage: str = ""  # where the attempt was decided
    host: str = ""
    address: str = ""
    source: str = ""
    tls: str = ""
    attempts: int = 0
    in_doubt: int = 0
    delay_ms: int = -1  # since it was accepted
    queue_ms: int = -1  # of these, until the attempt ended
    due: str = ""  # of the next attempt


def mail_record(position: Position) -> MailRecord:
    """Return the line for one event."""
    event = position.event
    if isinstance(event, MessageAccepted):
        return MailRecord(
            sequence=position.sequence,
            ts=rfc3339(event.at),
            event=event_name(event),
            message=message_id_text(event.message_id),
            sender=event.reverse_path,
            recipients=event.recipients,
            tenant=event.tenant,
            stream=event.stream,
            size_octets=event.size_octets,
            message_id_header=event.message_id_header,
            listener=event.origin.listener,
            client=event.origin.client,
            user=event.origin.user,
        )
    attempt = getattr(event, "attempt", _NO_ATTEMPT)
    accepted = message_id_ms(event.message_id)
    return MailRecord(
        sequence=position.sequence,
        ts=rfc3339(event.at),
        event=event_name(event),
        message=message_id_text(event.message_id),
        id=delivery_id_text(DeliveryId(event.message_id, event.index)),
        sender=event.reverse_path,
        recipient=event.recipient,
        tenant=event.tenant,
        stream=event.stream,
        code=attempt.code,
        enhanced=attempt.enhanced,
        reply=attempt.text,
        stage=attempt.stage,
        host=attempt.host,
        address=attempt.address,
        source=attempt.source,
        tls=attempt.tls,
        attempts=getattr(event, "attempts", 0),
        in_doubt=event.in_doubt,
        delay_ms=max(0, event.at - accepted),
        queue_ms=max(0, attempt.at - accepted) if attempt is not _NO_ATTEMPT else -1,
        due=rfc3339(event.due) if isinstance(event, AttemptFailed) else "",
    )


def event_name(event: Event) -> str:
    return str(event.__struct_config__.tag)


_NO_ATTEMPT = Attempt(
    at=UnixMs(0),
    host="",
    address="",
    source="",
    code=0,
    enhanced="",
    text="",
    tls="",
    stage="",
)
