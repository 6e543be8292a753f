"""How many DSNs one sender gets in an hour: a forged or looping sender must not turn us into a flood (A5). Pure."""

from typing import Final

from angarium.queue.model import UnixMs

WINDOW_MS: Final = 3_600_000
SENDERS: Final = 10_000  # remembered; the one that was told longest ago is forgotten first


class DsnLimit:
    """In memory, per delivery process; counts in windows of an hour that begin with a sender's first DSN."""

    def __init__(self, per_hour: int) -> None:
        self.per_hour = per_hour  # may change at any time
        self._told: dict[str, tuple[UnixMs, int]] = {}  # start of the window, how many in it

    def allows(self, sender: str, now: UnixMs) -> bool:
        """Count one DSN to ``sender``; False once there were enough."""
        start, count = self._told.pop(sender, (now, 0))
        if not start <= now < start + WINDOW_MS:
            start, count = now, 0
        self._told[sender] = (start, count + 1)
        if len(self._told) > SENDERS:
            del self._told[next(iter(self._told))]
        return count < self.per_hour
