"""Fetches that wait for a verdict, and those that have a part in one. Pure: the time is an argument."""

from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.queue.events.fetched import Fetched
from angarium.queue.model import UnixMs
from angarium.tracking.judging import COMPANY_MS, CopyKey, Verdict, copy_of, is_over, judge

# From a fetch to when it is in the log at the latest: the recorder's second, and what clocks of processes differ by
SLACK_MS: Final = 1_500
MOST_RECENT: Final = 100_000  # ours: some 80 MB; beyond it the oldest have no part any more


class Judged(msgspec.Struct, frozen=True):
    sequence: int
    fetch: Fetched
    verdict: Verdict


class _Kept(msgspec.Struct, frozen=True):
    sequence: int
    key: CopyKey
    fetch: Fetched


class Fetches:
    """FTC1: each is judged once, in the order of the log, and by the same others wherever a restart comes between."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._recent: deque[_Kept] = deque()  # in the order of the log; the waiting ones, too
        self._copies: dict[CopyKey, deque[Fetched]] = {}
        self._waiting: deque[_Kept] = deque()

    def take(self, sequence: int, fetch: Fetched, *, was_judged: bool = False) -> None:
        """``was_judged``: before a restart; it is only company from now on."""
        kept = _Kept(sequence, copy_of(fetch), fetch)
        self._recent.append(kept)
        self._copies.setdefault(kept.key, deque()).append(fetch)
        if not was_judged:
            self._waiting.append(kept)
        while len(self._recent) > max(MOST_RECENT, len(self._waiting)):
            self._forget_first()

    def due(self, now: UnixMs, limit: int) -> Iterator[Judged]:
        """Yield the first ones that can be judged by now; they wait until ``settle``."""
        for number, kept in enumerate(self._waiting):
            if number == limit or not is_over(kept.fetch.at, now, self._window_ms, SLACK_MS):
                return
            verdict = judge(kept.fetch, self._copies[kept.key], self._window_ms)  # FTC1
            yield Judged(kept.sequence, kept.fetch, verdict)

    def settle(self, count: int) -> None:
        """The first ``count`` have their verdict on disk."""
        for _ in range(count):
            self._waiting.popleft()

    @property
    def next_sequence(self) -> int | None:
        """Of the first one that waits; None: none does."""
        return self._waiting[0].sequence if self._waiting else None

    def forget_old(self, now: UnixMs) -> None:
        """Forget what has no part in any verdict from now on."""
        oldest = min(now, self._waiting[0].fetch.at) if self._waiting else now
        before = oldest - COMPANY_MS - self._window_ms - SLACK_MS
        while self._recent and self._recent[0].fetch.at < before:
            self._forget_first()

    @property
    def first_sequence(self) -> int | None:
        """Of the oldest one that still has a part: from there on a restart reads. None: there is none."""
        return self._recent[0].sequence if self._recent else None

    def _forget_first(self) -> None:
        kept = self._recent.popleft()
        copy = self._copies[kept.key]
        copy.popleft()
        if not copy:
            del self._copies[kept.key]
