"""The table ``[tracing]``. Frozen values; only types are checked."""

from angarium.config.shape import Ratio, Seconds, Table


class Tracing(Table, frozen=True, kw_only=True):
    """Traces of messages, sent to a collector of OpenTelemetry (docs/observability.md). Used where an endpoint is
    given; `bin/install --extras` brings what sends them.
    """

    # where the collector takes OTLP over HTTP: http://127.0.0.1:4318/v1/traces
    endpoint: str | None = None
    headers_file: str | None = None  # fields of its requests, such as a token: "name: value" a line
    # the part of messages that are traced, of 1; the same ones wherever it is asked. A request that says of which trace
    # it is a part (`traceparent`) says for itself
    sample_ratio: Ratio = 1.0
    service_name: str = "angarium"
    # a message that is not over for so long is told as far as it is known
    partial_after_s: Seconds = 3600.0
    timeout_s: Seconds = 10.0  # of a request, with its repetitions

    @property
    def is_used(self) -> bool:
        return self.endpoint is not None
