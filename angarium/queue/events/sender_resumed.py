"""A tenant, or one of its campaigns, that was stopped goes on."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class SenderResumed(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Its hold rule has ended, and nothing is held against it; ``message_id`` is empty."""

    number: ClassVar[int] = 31
    name: ClassVar[str] = "sender_resumed"

    tenant: str
    campaign: str  # "": all of the tenant's mail
    rule: int  # the hold rule that it was
    actor: str  # who resumed it; of one whose time was over "angarium"
    reason: str
