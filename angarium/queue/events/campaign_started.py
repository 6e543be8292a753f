"""A campaign is in the ledger."""

from typing import ClassVar

from angarium.queue.events.campaign_shape import CampaignEvent


class CampaignStarted(CampaignEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Nothing of it was read yet."""

    number: ClassVar[int] = 44
    name: ClassVar[str] = "campaign_started"
