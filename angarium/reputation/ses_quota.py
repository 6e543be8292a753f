"""What an account of SES may send: so many recipients in 24 hours, so many a second. Pure: times are arguments.

Start with ``SesQuota``. It knows nothing of how readings come about, nor of what waits.
"""

from collections import deque
from typing import Final

import msgspec

from angarium.config.quantity import Rate

# What began so short a time before a reading may not be in it yet. Ours; then it counts twice for a while
SETTLING_MS: Final = 10_000
# Of its rate that is used: calls arrive closer to each other than they leave. Ours
PART_OF_RATE: Final = 0.95
FIRST_PAUSE_MS: Final = 1_000  # after a call was throttled; doubles with each further one
MAX_PAUSE_MS: Final = 60_000


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What GetAccount said."""

    per_day: float  # recipients in any 24 hours; negative: any number
    sent: float  # within the last 24 hours
    per_second: float
    is_enabled: bool = True
    is_assumed: bool = False  # the account may not read it: the sandbox's


# Amazon's, of an account that is new
SANDBOX: Final = Reading(per_day=200, sent=0, per_second=1, is_assumed=True)


class SesQuota:
    """Invariant SQ1: beyond the last reading, at most what was left by it is taken, until the next one.

    Invariant SQ2: after a call was throttled, none is made for a pause, which grows until one is taken.
    """

    def __init__(self) -> None:
        self.reading: Reading | None = None
        self._taken = 0  # since the last reading
        self._recent: deque[tuple[int, int]] = deque()  # what of it is new: when, how many
        self._pause_ms = FIRST_PAUSE_MS
        self.paused_until = 0
        self.pause_reason = ""

    @property
    def used(self) -> float:
        """Of the last 24 hours, as far as is known."""
        return 0 if self.reading is None else self.reading.sent + self._taken

    @property
    def left(self) -> int | None:
        """Recipients that may be sent to before the next reading; None: any number."""
        reading = self.reading
        if reading is None or reading.per_day < 0:
            return None
        return max(0, int(reading.per_day - self.used))

    @property
    def rate(self) -> Rate:
        """Of recipients."""
        per_second = 1.0 if self.reading is None else self.reading.per_second
        return Rate(count=max(1, int(per_second * 10 * PART_OF_RATE)), period_s=10)

    def read(self, reading: Reading, began: int) -> None:
        """Hear of a reading that was asked for at ``began``, Unix milliseconds."""
        self.reading = reading
        if reading.is_assumed:
            return  # it counts nothing: all that was taken stays
        newest = began - SETTLING_MS
        self._taken = sum(number for at, number in self._recent if at >= newest)

    def take(self, recipients: int, now: int) -> None:
        while self._recent and self._recent[0][0] < now - SETTLING_MS:
            self._recent.popleft()
        self._recent.append((now, recipients))
        self._taken += recipients  # SQ1

    def not_sent(self, recipients: int) -> None:
        """SES refused what was taken: it counts nothing of it."""
        self._taken = max(0, self._taken - recipients)

    def throttled(self, reason: str, now: int) -> None:
        if now < self.paused_until:
            return  # one of several that were under way
        self.paused_until = now + self._pause_ms  # SQ2
        self.pause_reason = reason
        self._pause_ms = min(self._pause_ms * 2, MAX_PAUSE_MS)

    def accepted(self) -> None:
        self._pause_ms = FIRST_PAUSE_MS
