"""Makes the sink of a URL. Its library is imported here, when the first of its kind is told something."""

import ssl
from collections.abc import Callable

import msgspec

from angarium.queue.model import UnixMs
from angarium.webhooks.caller import Caller
from angarium.webhooks.sinks.reach import Reach
from angarium.webhooks.sinks.sink import Place, Sink
from angarium.webhooks.sinks.syslog import SyslogSink


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """Satisfies ``endpoints.Makes``."""

    caller: Caller
    reach: Reach
    hostname: str  # our own
    clock: Callable[[], UnixMs]
    timeout_s: float
    context: ssl.SSLContext | None = None  # which certificates are trusted; None: the system's

    def __call__(self, place: Place) -> Sink:
        """Raises ImportError: the library is not installed."""
        if place.kind == "syslog":
            return SyslogSink(place, self.reach, self.hostname, self.clock, self.context)
        if place.kind == "sqs":
            from angarium.webhooks.sinks.sqs import SqsSink

            return SqsSink(place, self.caller)
        if place.kind == "nats":
            from angarium.webhooks.sinks.nats import NatsSink

            return NatsSink(place, self.reach, self.context)
        from angarium.webhooks.sinks.kafka import KafkaSink

        return KafkaSink(place, self.reach, self.timeout_s)
