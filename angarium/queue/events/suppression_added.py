"""An address was suppressed."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class SuppressionAdded(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """From here on nothing of the scope is sent to it; ``message_id`` is of the mail that led to it, or empty."""

    number: ClassVar[int] = 21
    name: ClassVar[str] = "suppression_added"

    email: str
    scope: str  # as text
    cause: str  # a bounce class, complaint, unsubscribe, manual, import
    until: UnixMs | None
    evidence: str
    reference: str
    actor: str
    reason: str
