"""Metrics of what delivery processes may hold, and how much of it is taken."""

from angarium.telemetry.maker import MetricMaker


class RoomMetrics:
    """Made once per process, by ``Metrics``; used by those that deliver."""

    def __init__(self, maker: MetricMaker) -> None:
        self.content = maker.gauge(
            "delivery_in_flight_bytes", "Mail in memory that is being transferred, now"
        )
        self.content_limit = maker.gauge(
            "delivery_in_flight_limit_bytes",
            "How much of that there may be (delivery.bytes_in_flight)",
        )
        self.ready_limit = maker.gauge(
            "ready_recipients_limit", "Recipients that may be read ahead (delivery.ready_limit)"
        )
        self.lane_limit = maker.least(
            "lane_recipients_limit",
            "The same of one tenant's stream at one provider (delivery.lane_limit)",
        )
        self.connection_limit = maker.gauge(
            "delivery_connections_limit",
            "Connections to hosts that there may be (delivery.connections)",
        )
        self.opening_limit = maker.gauge(
            "delivery_connections_opening_limit",
            "Those that are slow to open, that there may be (delivery.opening)",
        )
