"""Links in a tenant's new mail lead to its tracking host from now on."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class TrackingHostVerified(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Told when it leads here for the first time, and when it does so again; ``message_id`` is empty."""

    number: ClassVar[int] = 49
    name: ClassVar[str] = "tracking_host_verified"

    tenant: str
    host: str
