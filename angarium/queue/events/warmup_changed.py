"""An operator held, promoted or restarted a warm-up."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class WarmupChanged(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Of one source at one provider; ``message_id`` is empty."""

    number: ClassVar[int] = 17
    name: ClassVar[str] = "warmup_changed"

    source: str
    provider: str
    act: str  # hold | release | promote | finish | restart
    day: int  # of the plan, from then on
    actor: str
    reason: str
