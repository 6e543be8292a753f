"""The trace of one message, made of its events: what is known so far, and whether it is over. Pure.

Names and attributes are OpenTelemetry's semantic conventions where they have some; ours begin with ``angarium``. Of
recipients only the domain is told.
"""

from collections.abc import Mapping
from typing import Final

from angarium.feedback.attempts import class_text
from angarium.queue import (
    Attempt,
    AttemptFailed,
    Bounced,
    Cancelled,
    Damaged,
    Delivered,
    Event,
    Expired,
    InDoubt,
    MessageAccepted,
    OperatorHeld,
    OperatorReleased,
    OperatorRerouted,
    OperatorRetried,
    RecipientSuppressed,
    Relayed,
    Rescheduled,
    Skipped,
    UnixMs,
    message_id_ms,
    message_id_text,
)
from angarium.queue.about import About, decode_about
from angarium.queue.events.shape import AttemptEvent
from angarium.traces.context import TraceParent, read_traceparent, span_id_of, trace_id_of
from angarium.traces.span import Kind, Note, Span, Value

# Ours, of one message: one with thousands of recipients is no trace that anybody reads
MAX_SPANS: Final = 500
MAX_NOTES: Final = 100
_ENDS: Final = (
    *(Delivered, Relayed, Bounced, Expired, Cancelled, Skipped),
    *(RecipientSuppressed, Damaged),
)
_FAILS: Final = (Bounced, Expired, Damaged)
_NOTES: Final = (
    *(OperatorHeld, OperatorReleased, OperatorRetried, OperatorRerouted, Rescheduled),
    *(InDoubt, Cancelled, Skipped, RecipientSuppressed, Damaged),
)
# Events of a message that its trace is made of, behind its acceptance
CONCERNS: Final = (AttemptEvent, *_ENDS, *_NOTES)


class MessageStory:
    """Invariant MST1: each event makes the same spans, with the same ids, whenever it is told."""

    def __init__(self, accepted: MessageAccepted) -> None:
        about = decode_about(accepted.about)
        self.parent: Final = read_traceparent(about.trace_parent)
        self.accepted: Final = accepted
        id_ = self._id = accepted.message_id
        self.trace_id: Final = trace_id_of(id_) if self.parent is None else self.parent.trace_id
        self._root_id = span_id_of(id_, "mail")
        self._left = set(range(len(accepted.recipients)))
        self._failed: set[int] = set()
        self._due: dict[int, UnixMs] = {}  # since when a recipient waits, once it was tried
        self._end = accepted.at
        self._notes: list[Note] = []
        self._spans: list[Span] = [self._accepting(about)]
        self._made = 1
        self._about = about

    @property
    def is_over(self) -> bool:
        """Whether each recipient has its final outcome."""
        return not self._left

    def tell(self, event: Event) -> None:
        """Hear of an event of the message behind its acceptance, in their order."""
        if not isinstance(event, CONCERNS):
            return
        self._end = max(self._end, event.at)
        if isinstance(event, AttemptEvent):
            self._attempted(event)
        if isinstance(event, _NOTES) and len(self._notes) < MAX_NOTES:
            self._notes.append(Note(name=event.name, at=event.at))
        if isinstance(event, _ENDS):
            self._left.discard(event.index)
        if isinstance(event, _FAILS):
            self._failed.add(event.index)

    def take(self) -> list[Span]:
        """Return the spans that are done and were not returned before; the whole way's comes with the last."""
        spans, self._spans = self._spans, []
        if self.is_over:
            spans.append(self._whole())
        return spans

    def _span(
        self, what: str, name: str, kind: Kind, start: UnixMs, end: UnixMs, **more: object
    ) -> Span:
        return Span(
            trace_id=self.trace_id,
            span_id=span_id_of(self._id, what),  # MST1
            parent_id=self._root_id,
            name=name,
            kind=kind,
            start=start,
            end=max(start, end),
            **more,  # type: ignore[arg-type]
        )

    def _accepting(self, about: About) -> Span:
        accepted = self.accepted
        begun = UnixMs(about.requested_at or message_id_ms(self._id))
        attributes: dict[str, Value] = {
            "network.protocol.name": "http" if accepted.origin.kind == "api" else "smtp",
            "angarium.origin": accepted.origin.kind,
        }
        if accepted.origin.listener:
            attributes["angarium.listener"] = accepted.origin.listener
        if about.dialect:
            attributes["angarium.dialect"] = about.dialect
        return self._span(
            "accept", "accept mail", Kind.SERVER, begun, accepted.at, attributes=attributes
        )

    def _attempted(self, event: AttemptEvent) -> None:
        attempt, index = event.attempt, event.index
        waits_since = self._due.get(index) or max(self.accepted.at, self.accepted.not_before)
        began = UnixMs(attempt.at - attempt.took_ms)
        self._due[index] = attempt.at
        if self._made + 2 > MAX_SPANS:
            return
        self._made += 2
        number = f"{index}.{event.attempts}"
        domain = event.recipient.rpartition("@")[2].lower()
        where = {"messaging.destination.name": domain}
        waiting = self._span(
            f"wait {number}",
            "wait in queue",
            Kind.INTERNAL,
            UnixMs(min(waits_since, began)),
            began,
            attributes=where,
        )
        carried = self._span(
            f"deliver {number}",
            "deliver mail",
            Kind.CLIENT,
            began,
            attempt.at,
            attributes={**where, **_attempt_attributes(event)},
            error=_error_of(event),
        )
        self._spans += (waiting, carried)

    def _whole(self) -> Span:
        accepted, parent = self.accepted, self.parent
        first = self._about.requested_at or message_id_ms(self._id)
        attributes: dict[str, Value] = {
            "messaging.system": "smtp",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.message.id": message_id_text(self._id),
            "messaging.message.envelope.size": accepted.size_octets,
            "angarium.tenant": accepted.tenant,
            "angarium.stream": accepted.stream,
            "angarium.recipients": len(accepted.recipients),
            "angarium.recipients.failed": len(self._failed),
        }
        if self._about.request_id:
            attributes["angarium.request_id"] = self._about.request_id
        if self._made + 2 > MAX_SPANS:
            attributes["angarium.is_cut"] = True  # of its many recipients, some have no spans
        return Span(
            trace_id=self.trace_id,
            span_id=self._root_id,
            parent_id=b"" if parent is None else parent.span_id,
            is_parent_remote=parent is not None,
            name="mail",
            kind=Kind.INTERNAL,
            start=UnixMs(min(first, accepted.at)),
            end=self._end,
            attributes=attributes,
            notes=tuple(self._notes),
            error="recipients_failed" if self._failed else "",
        )


def parent_of(accepted: MessageAccepted) -> TraceParent | None:
    """Return the trace that a message came with. Quick where it came with none."""
    if b'"traceParent"' not in accepted.about:
        return None
    return read_traceparent(decode_about(accepted.about).trace_parent)


def _attempt_attributes(event: AttemptEvent) -> Mapping[str, Value]:
    attempt = event.attempt
    found: dict[str, Value | None] = {
        "server.address": attempt.host,
        "network.peer.address": attempt.address,
        "network.protocol.name": "smtp",
        "tls.protocol.name": "tls" if attempt.tls else "",
        "tls.protocol.version": attempt.tls.removeprefix("TLSv"),
        "tls.cipher": attempt.tls_cipher,
        "angarium.outcome": event.name,
        "angarium.attempt": event.attempts,
        "angarium.stage": attempt.stage,
        "angarium.provider": attempt.provider,
        "angarium.source": attempt.source,
        "angarium.smtp.reply_code": attempt.code or None,
        "angarium.smtp.enhanced_code": attempt.enhanced,
        "error.type": _error_of(event),
    }
    return {name: value for name, value in found.items() if value not in ("", None)}


def _error_of(event: AttemptEvent) -> str:
    """Of a closed set of words: what the reply means, or else its code, or the stage that failed."""
    if not isinstance(event, AttemptFailed | Bounced | Expired):
        return ""
    attempt: Attempt = event.attempt
    return class_text(attempt) or (str(attempt.code) if attempt.code else attempt.stage)
