"""An alarm is over: its figure came back, or there is nothing of it any more."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class AlarmEnded(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Of one subject; ``message_id`` is empty."""

    number: ClassVar[int] = 53
    name: ClassVar[str] = "alarm_ended"

    alarm: str
    alarm_id: str  # as in alarm_raised
    kind: str
    subject: str
    tenant: str
    severity: str
    figure: float  # at the end
    level: float
    since: UnixMs
    reason: str
