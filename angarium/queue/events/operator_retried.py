"""An attempt at once was asked for."""

from typing import ClassVar

from angarium.queue.events.shape import ActEvent


class OperatorRetried(ActEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Made due at once by an act."""

    number: ClassVar[int] = 10
    name: ClassVar[str] = "retried"
