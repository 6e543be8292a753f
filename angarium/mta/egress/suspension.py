"""How long a site that took no connection is left alone. Pure: times are arguments."""

from collections.abc import Sequence
from typing import Final

from angarium.mta.transport.outcome import Transient
from angarium.queue.model import UnixMs

FIRST_MS: Final = 10_000  # a site none of whose hosts answers; doubles
MAX_MS: Final = 60_000  # then whatever is due asks it again, an operator's retry at once


class Suspension:
    """One site's, for one egress source."""

    def __init__(self, retry_s: Sequence[float]) -> None:
        self.retry_s = retry_s  # may change at any time
        self._failures = 0  # in a row: no host of the site answered
        self._by: Transient | None = None
        self._no_more_until = UnixMs(0)  # peers refuse further connections, the open ones work
        self.until = UnixMs(0)

    def find(self, now: UnixMs) -> Transient | None:
        """Return why the site is suspended now, if it is."""
        if self._by is not None and not 0 < self.until - now <= MAX_MS:
            self._by = None  # it is over; more than MAX_MS: the clock stepped back
        return self._by

    def allows_more(self, now: UnixMs) -> bool:
        """Whether a connection may be opened beside others that work."""
        return now >= self._no_more_until

    def forget(self) -> None:
        self._failures, self._by = 0, None
        self.until = self._no_more_until = UnixMs(0)

    def connected(self) -> None:
        self._failures = 0

    def refused_more(self, now: UnixMs) -> None:
        """No connection beside those that work."""
        self._no_more_until = UnixMs(now + MAX_MS)

    def failed(self, failure: Transient, now: UnixMs) -> None:
        """Suspend: from ten seconds to a minute, but never longer than the schedule of retries itself would wait."""
        first = min(FIRST_MS, int(self.retry_s[0] * 1000))
        delay = min(first << min(self._failures, 10), MAX_MS, int(self.retry_s[-1] * 1000))
        self._failures += 1
        self.until = UnixMs(now + delay)
        self._by = failure
