"""An alarm was raised: a figure has been beyond its level for long enough."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class AlarmRaised(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Of one subject; ``message_id`` is empty."""

    number: ClassVar[int] = 52
    name: ClassVar[str] = "alarm_raised"

    alarm: str  # its name
    alarm_id: str  # of this time that it is raised
    kind: str  # of its subject: all | tenant | stream | provider | source | ...
    subject: str  # its name; "" of all
    tenant: str  # whose it is, if it is one's: the subject's, or of the stream or campaign; else ""
    severity: str  # warning | critical
    figure: float
    level: float
    since: UnixMs  # when it crossed its level
    reason: str  # the figure and its level, in words
