"""What sends traces, in the platform process: its parts, put together where [tracing] names a collector."""

import asyncio
from pathlib import Path
from typing import Final

from angarium.config.extras import Extra, lacking
from angarium.config.schema import Config
from angarium.queue import LmdbSpool
from angarium.service.platform.trace_follower import TraceFollower
from angarium.service.runtime import Runtime
from angarium.telemetry.log import log
from angarium.telemetry.tracing_metrics import TracingMetrics
from angarium.traces.collecting import TraceCollector
from angarium.traces.header_file import read_headers
from angarium.traces.sender import Exporter, SpanSender

MEASURE_S: Final = 1.0
OVERDUE_S: Final = 10.0
# For what waits when the server stops
GRACE_S: Final = 2.0


class TraceParts:
    """``follower`` is to be run by an EventFollower, ``run`` beside it."""

    def __init__(self, runtime: Runtime, spool: LmdbSpool) -> None:
        config = runtime.config.tracing
        self._metrics: TracingMetrics = runtime.metrics.tracing
        self._collector = TraceCollector(config.sample_ratio, int(config.partial_after_s * 1000))
        self._sender = SpanSender(lambda: open_exporter(runtime.config))
        self.follower = TraceFollower(
            self._collector,
            self._sender.offer,
            spool.administration.show,
            spool.events.last,
            runtime.clock,
        )

    async def run(self) -> None:
        """Until cancelled."""
        self._metrics.open_limit.set(self._collector.limit)
        self._metrics.waiting_limit.set(self._sender.limit)
        looks = 0
        while True:
            if looks % int(OVERDUE_S / MEASURE_S) == 0:
                self.follower.tell_overdue()
            looks += 1
            self._show()
            await asyncio.sleep(MEASURE_S)

    async def close(self) -> None:
        """Send what is known of all, for a moment; once nothing is followed any more."""
        self._sender.offer(self._collector.close())
        await asyncio.to_thread(self._sender.close, GRACE_S)
        self._show()

    def _show(self) -> None:
        shown, counts, ends = self._metrics, self._sender.counts, self._collector.counts
        shown.spans["sent"].follow(counts.sent)
        shown.spans["dropped"].follow(counts.dropped)
        shown.spans["failed"].follow(counts.failed)
        shown.traces["finished"].follow(ends.finished)
        shown.traces["partial"].follow(ends.partial)
        shown.open.set(len(self._collector))
        shown.waiting.set(self._sender.waiting)


def trace_parts(runtime: Runtime, spool: LmdbSpool) -> TraceParts | None:
    """None: nobody wants traces, or what sends them is not installed, which is logged; mail goes on."""
    if not runtime.config.tracing.is_used:
        return None
    if (library := lacking(Extra.TRACING)) is not None:
        log("traces_unavailable", "error", problem=f"they need {library}")
        return None
    return TraceParts(runtime, spool)


def open_exporter(config: Config) -> Exporter:
    """Raises HeaderFileError."""
    # Imported where it is needed: nobody else's process grows by it
    from angarium.traces.otlp import Collector, OtlpExporter

    tracing = config.tracing
    assert tracing.endpoint is not None  # trace_parts has looked
    path = tracing.headers_file
    return OtlpExporter(
        Collector(
            endpoint=tracing.endpoint,
            headers={} if path is None else read_headers(Path(path)),
            service=tracing.service_name,
            host=config.server.hostname,
            timeout_s=tracing.timeout_s,
        )
    )
