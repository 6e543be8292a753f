"""Has the queue do what was decided of a campaign: hold what waits of it, let it go, or call it off."""

from typing import Final

from angarium.queue.act import Actor
from angarium.queue.administration import QueueAdministration
from angarium.queue.hold_rule import HoldRule
from angarium.queue.ledger.rules import QueueTold
from angarium.queue.ledger.store import Ledger
from angarium.queue.ledger.values import LedgerCampaign
from angarium.queue.message_id import message_id_text
from angarium.queue.model import Filter
from angarium.queue.spool import UnknownHoldRuleError

PAUSED: Final = Actor(who="angarium", reason="its campaign is paused")
GOES_ON: Final = Actor(who="angarium", reason="its campaign goes on")
CANCELLED: Final = Actor(who="angarium", reason="its campaign was cancelled")


class QueueTeller:
    """Invariant CPG4: what is called off or held is so in the queue before the ledger says that the queue was told.

    The ledger accepts nothing of such a campaign before that, so nothing comes behind it.
    """

    def __init__(self, ledger: Ledger, queue: QueueAdministration) -> None:
        self._ledger = ledger
        self._queue = queue

    async def tell(self, campaign: LedgerCampaign) -> bool:
        """Returns whether there was something to tell. Repeated after a crash, it does no more."""
        if campaign.phase == "cancelled":
            if campaign.told == "cancelled":
                return False
            wanted = Filter(tenants=(campaign.tenant,), campaigns=(message_id_text(campaign.id),))
            await self._queue.act("cancel", wanted, CANCELLED)
            await self._remove_rules(campaign)
            await self._ledger.change(campaign.number, QueueTold("cancelled"))  # CPG4
            return True
        if campaign.is_paused and campaign.told != "held":
            if not self._rules(campaign):
                label = message_id_text(campaign.id)
                rule = HoldRule(tenant=campaign.tenant, campaign=label)
                await self._queue.add_hold_rule(rule, PAUSED)
            await self._ledger.change(campaign.number, QueueTold("held"))  # CPG4
            return True
        if not campaign.is_paused and campaign.told == "held":
            await self._remove_rules(campaign)
            await self._ledger.change(campaign.number, QueueTold(""))
            return True
        return False

    async def _remove_rules(self, campaign: LedgerCampaign) -> None:
        for rule in self._rules(campaign):
            try:
                await self._queue.remove_hold_rule(rule, GOES_ON, release=True)
            except UnknownHoldRuleError:
                continue  # an operator was faster

    def _rules(self, campaign: LedgerCampaign) -> list[int]:
        """Of ours: what an operator holds stays held."""
        label = message_id_text(campaign.id)
        return [
            each.id
            for each in self._queue.hold_rules()
            if (each.tenant, each.campaign) == (campaign.tenant, label)
            and (each.who, each.why) == (PAUSED.who, PAUSED.reason)
        ]
