"""A tenant may send as a domain from now on."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class DomainVerified(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Told once of a domain; ``message_id`` is empty."""

    number: ClassVar[int] = 40
    name: ClassVar[str] = "domain_verified"

    tenant: str
    domain: str
    how: str  # "dns": its token was found; "operator": somebody gave their word
