"""A tenant, or one of its campaigns, was stopped: too much of its mail is unwanted, or goes nowhere."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class SenderPaused(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """From here on a hold rule binds its mail; ``message_id`` is empty."""

    number: ClassVar[int] = 30
    name: ClassVar[str] = "sender_paused"

    tenant: str
    campaign: str  # "": all of the tenant's mail
    rule: int  # the hold rule
    reason: str  # with its figures
    until: UnixMs | None  # None: until somebody resumes it
