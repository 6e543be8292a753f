"""An event loop in which time passes only when nothing is left to do: a week of timers takes as long as their work."""

import asyncio
import selectors
from typing import Any, Final

# Of the sum of a week's waits, in floating point
ROUNDING_S: Final = 1e-6


class _NeverWaits(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Where a loop would sleep until its next timer, the time is moved there."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing is left that would ever happen")
            self.passed_s += max(0.0, timeout)
        return ready


class PassingTimeLoop(asyncio.SelectorEventLoop):
    """For code without threads and sockets: who waits for one of those would see time run away."""

    def __init__(self) -> None:
        self._never_waits = _NeverWaits()
        super().__init__(self._never_waits)
        self._clock_resolution = ROUNDING_S

    def time(self) -> float:
        return self._never_waits.passed_s


def passing_time() -> asyncio.Runner:
    return asyncio.Runner(loop_factory=PassingTimeLoop)
