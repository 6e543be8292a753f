"""A DNS blocklist does not have one of our addresses or domains any more."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class AddressDelisted(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """The zone has said so; ``message_id`` is empty."""

    number: ClassVar[int] = 29
    name: ClassVar[str] = "address_delisted"

    zone: str
    address: str  # or the domain
    since: UnixMs  # when we had first seen it listed
