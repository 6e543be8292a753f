"""What was known of a person's address was erased."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class PersonErased(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """From all stores, as far as the report of it says; ``message_id`` is empty. It says nobody's address."""

    number: ClassVar[int] = 51
    name: ClassVar[str] = "person_erased"

    alias: str  # stands for the address in suppressions: a keyed digest of it
    tenant: str  # of whose data; "": of all
    found: int  # records that had it
    actor: str
    reason: str
