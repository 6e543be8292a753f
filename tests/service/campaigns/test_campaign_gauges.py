"""Mirrors angarium/service/campaigns/campaign_gauges.py, and what the runner counts."""

from angarium.campaigns.runner import RowCounts
from angarium.queue.ledger.values import LedgerCampaign, PageRow, Tally
from angarium.service.campaigns.campaign_gauges import GAUGES_EVERY, CampaignGauges
from angarium.telemetry.metrics import Metrics
from tests.queue.test_ledger import campaign


class Ledger:
    def __init__(self) -> None:
        self.campaigns: list[LedgerCampaign] = []

    def at_work(self) -> list[LedgerCampaign]:
        return self.campaigns


def test_rows_are_counted_and_campaigns_told_by_how_far_they_are() -> None:
    metrics, ledger, rows = Metrics(), Ledger(), RowCounts()
    gauges = CampaignGauges(metrics.campaigns, ledger, rows)  # type: ignore[arg-type]
    ledger.campaigns = [
        campaign(phase="processing", tally=Tally(queued=5, sent=2)),
        campaign(phase="processing", is_paused=True),
        campaign(phase="scheduled", waits="a quota"),
    ]
    refused = PageRow(line=2, address="x", reason="no address")
    rows.count([PageRow(line=1, address="a@example.com", message=b"m"), refused])
    for _ in range(GAUGES_EVERY):
        gauges.follow(queued_ahead=1000)
    lines = metrics.render().decode().splitlines()
    for line in (
        'angarium_campaign_rows_total{outcome="accepted"} 1.0',
        'angarium_campaign_rows_total{outcome="refused"} 1.0',
        'angarium_campaigns{phase="processing"} 1.0',
        'angarium_campaigns{phase="paused"} 1.0',
        'angarium_campaigns{phase="scheduled"} 1.0',
        "angarium_campaigns_waiting 1.0",
        "angarium_campaign_untried_recipients 5.0",
        "angarium_campaign_untried_limit_recipients 1000.0",
    ):
        assert line in lines, line
