"""Metrics of what endpoints are told: what waits in the outbox, what was given up, and what came of attempts."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

ATTEMPT_OUTCOMES: Final = ("delivered", "failed", "given_up")
DELIVERY_STATES: Final = ("waiting", "given_up")
ATTEMPT_BUCKETS_S: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class WebhookMetrics:
    """Made once per process, by ``Metrics``; used by the one that tells endpoints."""

    def __init__(self, maker: MetricMaker) -> None:
        self.attempts = maker.counters(
            "webhook_attempts",
            "Attempts to tell an endpoint; given_up: the last one of a delivery failed, too",
            outcome=ATTEMPT_OUTCOMES,
        )
        self.time = maker.distribution(
            "webhook_attempt_seconds", "From a request to an endpoint's answer", ATTEMPT_BUCKETS_S
        )
        self.deliveries = maker.gauges(
            "webhook_deliveries",
            "What is in the outbox: to be told, or given up and not replayed (dead letters)",
            state=DELIVERY_STATES,
        )
        self.late = maker.gauge(
            "webhook_late_seconds", "For how long the first delivery that is due has been; 0: none"
        )
        self.requests_open = maker.gauge("webhook_requests_open", "Requests to endpoints, now")
