"""A recipient was sent another way."""

from typing import ClassVar

from angarium.queue.events.shape import ActEvent


class OperatorRerouted(ActEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """From now on by the way that an act chose, or our own policy (``act.POLICY``), whatever the routes say.

    Due at once, unless it is held.
    """

    number: ClassVar[int] = 16
    name: ClassVar[str] = "rerouted"

    via: str = ""  # "mx", a smart host's URL; "": the usual way again
