"""A DNS blocklist has one of our addresses or domains."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class AddressListed(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Seen for the first time, or with another meaning; ``message_id`` is empty."""

    number: ClassVar[int] = 28
    name: ClassVar[str] = "address_listed"

    zone: str
    address: str  # or the domain
    codes: tuple[str, ...]  # what it answers: "127.0.0.2"
    meaning: str
    text: str  # what the zone says of it; ""
