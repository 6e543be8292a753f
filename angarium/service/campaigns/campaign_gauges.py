"""How far campaigns are, and how fast their rows are read, as metrics."""

from typing import Final

from angarium.campaigns.runner import RowCounts
from angarium.queue.ledger.store import Ledger
from angarium.queue.ledger.values import LedgerCampaign
from angarium.telemetry.campaign_metrics import PHASES, CampaignMetrics

# Ours: what there is now is looked through less often than rows are counted
GAUGES_EVERY: Final = 5


class CampaignGauges:
    def __init__(self, metrics: CampaignMetrics, ledger: Ledger, rows: RowCounts) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._rows = rows
        self._beats = 0

    def follow(self, queued_ahead: int) -> None:
        """Called about once a second."""
        self._metrics.rows["accepted"].follow(self._rows.accepted)
        self._metrics.rows["refused"].follow(self._rows.refused)
        if self._beats % GAUGES_EVERY == 0:
            self._metrics.untried_limit.set(queued_ahead)
            self._show(self._ledger.at_work())
        self._beats += 1

    def _show(self, campaigns: list[LedgerCampaign]) -> None:
        counts = dict.fromkeys(PHASES, 0)
        for each in campaigns:
            phase: str = "paused" if each.is_paused else each.phase
            if phase in counts:
                counts[phase] += 1
        for phase, number in counts.items():
            self._metrics.campaigns[phase].set(number)
        self._metrics.waiting.set(sum(bool(each.waits) for each in campaigns))
        self._metrics.untried.set(sum(each.tally.untried for each in campaigns))
