"""Metrics of SMTP listeners: what they say to clients, and how it is protected."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

REPLY_CLASSES: Final = ("2", "3", "4", "5")
TLS_OUTCOMES: Final = ("TLSv1.2", "TLSv1.3", "other", "failed")


class SmtpMetrics:
    """Made once per process, by ``Metrics``; used by those that listen."""

    def __init__(self, maker: MetricMaker) -> None:
        self.replies = maker.counters(
            "smtp_replies", "Replies to SMTP clients, by their first digit", reply=REPLY_CLASSES
        )
        self.tls = maker.counters(
            "smtp_tls_handshakes",
            "TLS handshakes of SMTP clients, by what they agreed on",
            outcome=TLS_OUTCOMES,
        )
        self.connection_limit = maker.least(
            "connections_limit", "SMTP connections of clients that there may be, of all listeners"
        )
        self.bytes_in_flight = maker.gauge(
            "smtp_in_flight_bytes", "Mail that SMTP clients are handing over, in memory now"
        )
        self.bytes_limit = maker.least(
            "smtp_in_flight_limit_bytes",
            "How much of that there may be, of all listeners (limits.bytes_in_flight)",
        )
