"""Ids of traces and spans (W3C Trace Context), and which traces are wanted. Pure."""

import hashlib
import re
from typing import Final

import msgspec

from angarium.queue.model import MessageId

SPAN_ID_OCTETS: Final = 8
# The last 7 octets of a trace id are random, as W3C's level 2 wants them: those of a message's id are, too
_RANDOM_BITS: Final = 56
_SAMPLED: Final = 0x01
_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class TraceParent(msgspec.Struct, frozen=True, kw_only=True):
    """Of which trace a request is a part, and of which span."""

    trace_id: bytes
    span_id: bytes
    is_sampled: bool


def read_traceparent(text: str) -> TraceParent | None:
    """Read a header's value; None: it is none, and the trace begins here."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) * int(span_id, 16):
        return None
    return TraceParent(
        trace_id=bytes.fromhex(trace_id),
        span_id=bytes.fromhex(span_id),
        is_sampled=bool(int(flags, 16) & _SAMPLED),
    )


def traceparent_text(parent: TraceParent) -> str:
    """As it is kept with a message: what else the header said is forgotten."""
    flags = _SAMPLED if parent.is_sampled else 0
    return f"00-{parent.trace_id.hex()}-{parent.span_id.hex()}-{flags:02x}"


def trace_id_of(message_id: MessageId) -> bytes:
    """Return the id of the trace of a message that came with none: its own, which operators know."""
    return bytes(message_id)


def span_id_of(message_id: MessageId, what: str) -> bytes:
    """Return the same id whenever the same span is made, never zero."""
    digest = hashlib.blake2b(message_id + what.encode(), digest_size=SPAN_ID_OCTETS).digest()
    return digest if any(digest) else b"\1" * SPAN_ID_OCTETS


def is_wanted(trace_id: bytes, ratio: float) -> bool:
    """Say the same of a trace wherever and whenever it is asked: OpenTelemetry's consistent probability sampling."""
    randomness = int.from_bytes(trace_id, "big") & ((1 << _RANDOM_BITS) - 1)
    return randomness >= round((1 - ratio) * (1 << _RANDOM_BITS))
