"""When a smart host is left alone because it is unwell, and when it is tried again: a circuit breaker. Pure.

Start with ``SmartHostRests``. Times are arguments. It knows nothing of mail, nor of who takes over meanwhile.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

# In a row, before it is rested. Ours: two connections are opened at once, and may fail together
FAILURES: Final = 2
FIRST_REST_MS: Final = 30_000  # doubles with each probe that fails
MAX_REST_MS: Final = 900_000
# A probe that nobody heard of any more: another one is made
PROBE_MS: Final = 120_000
# Of changes that nobody has taken yet. Ours
UNTOLD: Final = 1_000


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    way: str  # "ses", or its URL
    reason: str  # what it said last
    since: int  # Unix milliseconds
    until: int  # then one transaction probes it
    failures: int


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A smart host was rested, or is back."""

    at: int
    rest: Rest
    is_back: bool


class _State:
    __slots__ = ("failures", "probed_at", "rest", "rest_ms")

    def __init__(self) -> None:
        self.failures = 0
        self.rest: Rest | None = None
        self.rest_ms = FIRST_REST_MS
        self.probed_at: int | None = None


class SmartHostRests:
    """Closed, open, half-open, by smart host.

    Invariant SHR1: after ``FAILURES`` in a row, or one that is of the account, nothing begins until the rest is over.

    Invariant SHR2: then one transaction probes it, and the others wait for what becomes of it: it is back, or rests for
    twice as long.
    """

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}  # of those that failed; at most all smart hosts
        self._changes: list[Change] = []

    def find_rest(self, way: str, now: int) -> Rest | None:
        """Return why and until when nothing may begin; None: it may. One that probes is told of by ``begins``."""
        state = self._states.get(way)
        if state is None or state.rest is None:
            return None
        left_ms = state.rest.until - now
        if 0 < left_ms <= MAX_REST_MS:  # more: the clock stepped back
            return state.rest  # SHR1
        if state.probed_at is not None and 0 <= now - state.probed_at < PROBE_MS:
            return msgspec.structs.replace(state.rest, until=now + 1_000)  # SHR2
        return None

    def begins(self, way: str, now: int) -> None:
        """Hear that a transaction may begin."""
        state = self._states.get(way) if self._states else None
        if state is not None and state.rest is not None:
            state.probed_at = now

    def works(self, way: str, now: int) -> None:
        """It answered a transaction, whatever it said of the mail."""
        state = self._states.pop(way, None) if self._states else None
        if state is not None and state.rest is not None:
            self._tell(Change(at=now, rest=state.rest, is_back=True))

    def fails(self, way: str, reason: str, now: int, *, at_once: bool = False) -> None:
        """``at_once``: nothing that it is given would do, so others need not try."""
        state = self._states.setdefault(way, _State())
        state.failures += 1
        rest = state.rest
        if rest is None:
            if state.failures < FAILURES and not at_once:
                return
            since = now
        elif state.probed_at is None:
            return  # one of several that were under way when it was rested
        else:
            state.rest_ms = min(state.rest_ms * 2, MAX_REST_MS)
            since = rest.since
        state.probed_at = None
        state.rest = Rest(
            way=way,
            reason=reason,
            since=since,
            until=now + state.rest_ms,
            failures=state.failures,
        )
        if rest is None:
            self._tell(Change(at=now, rest=state.rest, is_back=False))

    def forget(self) -> None:
        """An operator says that they are well again."""
        for state in self._states.values():
            if state.rest is not None:
                self._tell(Change(at=state.rest.since, rest=state.rest, is_back=True))
        self._states.clear()

    def rests(self) -> Sequence[Rest]:
        return [each.rest for each in self._states.values() if each.rest is not None]

    def take_changes(self) -> Sequence[Change]:
        """Return what came and went since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def _tell(self, change: Change) -> None:
        if len(self._changes) < UNTOLD:
            self._changes.append(change)
