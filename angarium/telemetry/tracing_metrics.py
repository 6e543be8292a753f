"""Metrics of the traces that are sent to a collector."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

SPAN_OUTCOMES: Final = ("sent", "dropped", "failed")
TRACE_ENDS: Final = ("finished", "partial")


class TracingMetrics:
    """Made once per process, by ``Metrics``; used by the one that follows events."""

    def __init__(self, maker: MetricMaker) -> None:
        self.spans = maker.counters(
            "trace_spans",
            "Spans: sent; dropped, since too many waited; failed: the collector took them not in time",
            outcome=SPAN_OUTCOMES,
        )
        self.traces = maker.counters(
            "traces",
            "Traces of messages: of their whole way (finished), or of what was known of it (partial)",
            end=TRACE_ENDS,
        )
        self.open = maker.gauge(
            "traces_open", "Messages whose trace is in memory, and not over yet"
        )
        self.open_limit = maker.gauge(
            "traces_open_limit", "How many there may be; more are sent before they are over"
        )
        self.waiting = maker.gauge("trace_spans_waiting", "Spans that wait for the collector")
        self.waiting_limit = maker.gauge(
            "trace_spans_waiting_limit", "How many may; more are dropped"
        )
