"""Metrics of what mailbox providers say of our mail: reports that came, and figures that were asked for."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

REPORT_KINDS: Final = ("dmarc", "tls", "unreadable")
# again: it was there already
OUTCOMES: Final = ("new", "again", "refused")
PROVIDERS: Final = ("google", "microsoft")


class ReceiverMetrics:
    """Made once per process, by ``Metrics``; used by the platform process."""

    def __init__(self, maker: MetricMaker) -> None:
        self.reports = maker.counter_grid(
            "receiver_reports",
            "Reports of receivers about our mail as a whole, that came by mail",
            kind=REPORT_KINDS,
            outcome=OUTCOMES,
        )
        self.polls = maker.counter_grid(
            "receiver_polls",
            "Times that a provider was asked for its own figures",
            provider=PROVIDERS,
            result=("read", "failed"),
        )
        self.last = maker.gauges(
            "receiver_poll_last_success_timestamp_seconds",
            "When a provider's own figures were read last, Unix time; 0: not since the start",
            provider=PROVIDERS,
        )
