"""Metrics of the HTTP API: what was asked, in which dialect, how it was answered and how long that took."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

# none: what is of no dialect, such as health, metrics and paths that nobody has
DIALECTS: Final = ("native", "resend", "sendgrid", "postmark", "mailgun", "ses", "none")
STATUSES: Final = ("2xx", "3xx", "4xx", "5xx")
# Why a request was refused: the words of ``intake.order.FaultKind``, in small letters
FAULTS: Final = (
    *("malformed", "missing", "invalid", "unknown_field", "unsupported", "no_key", "wrong_key"),
    *("no_scope", "domain", "suppressed", "not_found", "method", "conflict", "too_large"),
    *("media_type", "key_reused", "under_way", "rate", "quota", "busy", "disk_full", "internal"),
)
REQUEST_BUCKETS_S: Final = (*(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),)


class ApiMetrics:
    """Made once per process, by ``Metrics``."""

    def __init__(self, maker: MetricMaker) -> None:
        self._requests = maker.counter_grid(
            "api_requests",
            "Requests that were answered, by the API's dialect and the class of the status",
            dialect=DIALECTS,
            status=STATUSES,
        )
        self._time = maker.distributions(
            "api_request_seconds",
            "From a request's header to the answer, with what its body took to arrive",
            REQUEST_BUCKETS_S,
            dialect=DIALECTS,
        )
        self._faults = maker.counters(
            "api_faults", "Requests that were refused, by why", kind=FAULTS
        )
        self.in_hand = maker.gauge("api_requests_in_hand", "Requests under way, now")
        self.bytes_in_hand = maker.gauge("api_in_hand_bytes", "Bodies of requests in memory, now")
        self.in_hand_limit = maker.gauge(
            "api_requests_in_hand_limit",
            "Requests that there may be under way (api.requests_in_hand)",
        )
        self.bytes_limit = maker.gauge(
            "api_in_hand_limit_bytes", "How much there may be (api.octets_in_hand)"
        )
        self.connection_limit = maker.gauge(
            "http_connections_limit", "HTTP connections that there may be, of all listeners"
        )
        self.connections_open = maker.gauge("http_connections_open", "HTTP connections, now")

    def answered(self, dialect: str, status: int, seconds: float) -> None:
        self._requests[dialect, f"{status // 100}xx"].add()
        self._time[dialect].observe(seconds)

    def refused(self, kind: str) -> None:
        self._faults[kind].add()
