"""How long to wait before a crashed process starts anew. Pure."""

from typing import Final

FIRST_S: Final = 0.1
LAST_S: Final = 30.0
# A process that ran for so long was sound: the next wait is the first again.
SOUND_AFTER_S: Final = 60.0


class Backoff:
    def __init__(self) -> None:
        self._next_s = FIRST_S

    def delay_s(self, ran_s: float) -> float:
        """Return the wait after a process ended that ran for ``ran_s``: 0.1 s, doubling, at most 30 s."""
        if ran_s >= SOUND_AFTER_S:
            self._next_s = FIRST_S
        delay = self._next_s
        self._next_s = min(delay * 2, LAST_S)
        return delay
