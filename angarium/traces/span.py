"""A span, as OpenTelemetry has them. Pure values."""

from collections.abc import Mapping
from enum import IntEnum

import msgspec

from angarium.queue.model import UnixMs

Value = str | int | bool


class Kind(IntEnum):
    """The numbers are OpenTelemetry's ``SpanKind`` in its SDK for Python."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened within a span: an event, as OpenTelemetry calls it."""

    name: str
    at: UnixMs


class Span(msgspec.Struct, frozen=True, kw_only=True):
    trace_id: bytes
    span_id: bytes
    parent_id: bytes  # b"": it begins the trace
    is_parent_remote: bool = False  # made by who asked
    name: str
    kind: Kind
    start: UnixMs
    end: UnixMs
    attributes: Mapping[str, Value] = {}
    notes: tuple[Note, ...] = ()
    error: str = ""  # what kept it from success, a word of a few; "": nothing
