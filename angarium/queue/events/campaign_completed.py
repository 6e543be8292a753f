"""A campaign is completed."""

from typing import ClassVar

from angarium.queue.events.campaign_shape import CampaignEvent


class CampaignCompleted(CampaignEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Each of its rows has its final outcome."""

    number: ClassVar[int] = 46
    name: ClassVar[str] = "campaign_completed"
