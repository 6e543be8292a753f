"""What mail of a domain needs is in DNS again."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class DomainRecovered(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """``message_id`` is empty."""

    number: ClassVar[int] = 42
    name: ClassVar[str] = "domain_recovered"

    tenant: str
    domain: str
    since: UnixMs  # when it was told to have failed
