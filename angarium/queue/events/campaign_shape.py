"""The fields that events of campaigns share. As of ``shape``, none is ever added or moved."""

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class CampaignEvent(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """About a campaign as a whole; ``message_id`` is empty. Its counts are of this moment."""

    tenant: str
    campaign: str  # its id
    status: str  # Phase
    is_paused: bool
    reason: str  # why it failed; ""
    callback_url: str  # told of it, too; ""
    rows: int  # read of its file
    accepted: int  # of them
    refused: int
    delivered: int
    sent: int  # a smart host took them
    bounced: int
    complained: int
    opened: int
    clicked: int
    unsubscribed: int
    suppressed: int
    expired: int
    cancelled: int
    created: UnixMs
