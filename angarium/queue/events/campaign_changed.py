"""A campaign is in another state."""

from typing import ClassVar

from angarium.queue.events.campaign_shape import CampaignEvent


class CampaignChanged(CampaignEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Its status is another one, or it was paused or goes on."""

    number: ClassVar[int] = 45
    name: ClassVar[str] = "campaign_changed"
