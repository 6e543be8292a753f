"""A tenant's tracking host was in use, and no longer leads here: new mail has the server's, or no links of ours."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class TrackingHostFailed(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Told once until it is well again; ``message_id`` is empty."""

    number: ClassVar[int] = 50
    name: ClassVar[str] = "tracking_host_failed"

    tenant: str
    host: str
    purpose: str  # what was looked at in vain: ownership | dns | answer | certificate; "": nobody knows any more
    text: str  # what was found
