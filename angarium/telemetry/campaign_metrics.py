"""Metrics of campaigns: how fast their files are read, and what is ahead of them."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

ROW_OUTCOMES: Final = ("accepted", "refused")
PHASES: Final = ("accept", "scheduled", "processing", "ready_to_send", "sent", "paused")


class CampaignMetrics:
    """Made once per process, by ``Metrics``; used by the one that takes campaigns on."""

    def __init__(self, maker: MetricMaker) -> None:
        self.rows = maker.counters(
            "campaign_rows",
            "Rows of campaigns' files, by what was made of them",
            outcome=ROW_OUTCOMES,
        )
        self.campaigns = maker.gauges(
            "campaigns", "Campaigns that are not over, by how far they are", phase=PHASES
        )
        self.waiting = maker.gauge(
            "campaigns_waiting", "Campaigns that go on once something has passed, such as a quota"
        )
        self.untried = maker.gauge(
            "campaign_untried_recipients", "What of campaigns is in the queue and was not tried yet"
        )
        self.untried_limit = maker.gauge(
            "campaign_untried_limit_recipients",
            "How many of one campaign there may be (campaigns.queued_ahead)",
        )
