"""A webhook's endpoint is told nothing any more, since it fails."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class WebhookDisabled(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Until somebody enables it; ``message_id`` is empty."""

    number: ClassVar[int] = 43
    name: ClassVar[str] = "webhook_disabled"

    tenant: str
    webhook: str  # its id
    host: str  # of its URL: the rest may hold secrets
    since: UnixMs  # it has failed
    reason: str  # what it said last
