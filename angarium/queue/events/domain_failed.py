"""What mail of a domain needs in DNS is not there, or is something else."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class DomainFailed(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Told once until it is well again; ``message_id`` is empty."""

    number: ClassVar[int] = 41
    name: ClassVar[str] = "domain_failed"

    tenant: str
    domain: str
    records: tuple[str, ...]  # names of those at fault
    text: str  # what is wrong with the first of them
