"""Sends spans to a collector of OpenTelemetry: OTLP over HTTP, as protobuf. Imported only where it is used."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from angarium import __version__
from angarium.queue.model import UnixMs
from angarium.traces.span import Kind, Span

_NS_OF_MS: Final = 1_000_000
_SCOPE: Final = InstrumentationScope("angarium.traces", __version__)
_LIBRARY: Final = "opentelemetry"
_KINDS: Final = {
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.SERVER: SpanKind.SERVER,
    Kind.CLIENT: SpanKind.CLIENT,
}


class Collector(msgspec.Struct, frozen=True, kw_only=True):
    """Where traces go, and as whose."""

    endpoint: str
    headers: Mapping[str, str]
    service: str
    host: str
    timeout_s: float


class OtlpExporter:
    """Used by one thread."""

    def __init__(self, collector: Collector) -> None:
        self._said = _LastWords()
        library = logging.getLogger(_LIBRARY)
        library.handlers = [self._said]
        library.propagate = False  # it would say each time what ``send`` returns
        self._resource = Resource(
            {
                "service.name": collector.service,
                "service.version": __version__,
                "service.instance.id": collector.host,
                "host.name": collector.host,
            }
        )
        self._exporter = OTLPSpanExporter(
            endpoint=collector.endpoint,
            headers=collector.headers,
            timeout=collector.timeout_s,
            compression=Compression.Gzip,
        )

    def send(self, spans: Sequence[Span]) -> str:
        """Return why the collector did not take them; "": it did. Blocks, and repeats, within ``timeout_s``."""
        self._said.text = ""
        result = self._exporter.export([self._readable(each) for each in spans])
        if result is SpanExportResult.SUCCESS:
            return ""
        return self._said.text or "the collector did not take them"

    def close(self) -> None:
        """End a ``send`` that waits to repeat itself. From any thread."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span) -> ReadableSpan:
        parent = None
        if span.parent_id:
            parent = _context(span.trace_id, span.parent_id, is_remote=span.is_parent_remote)
        status = Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET)
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id, is_remote=False),
            parent=parent,
            resource=self._resource,
            attributes=dict(span.attributes),
            events=[Event(each.name, timestamp=_ns(each.at)) for each in span.notes],
            kind=_KINDS[span.kind],
            status=status,
            start_time=_ns(span.start),
            end_time=_ns(span.end),
            instrumentation_scope=_SCOPE,
        )


class _LastWords(logging.Handler):
    """What the library complained of last: it returns no more than that something went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()[:300]


def _context(trace_id: bytes, span_id: bytes, *, is_remote: bool) -> SpanContext:
    return SpanContext(
        trace_id=int.from_bytes(trace_id, "big"),
        span_id=int.from_bytes(span_id, "big"),
        is_remote=is_remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _ns(at: UnixMs) -> int:
    return at * _NS_OF_MS
