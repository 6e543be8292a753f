"""Metrics of warm-ups: of sources times providers, a bounded number."""

from collections.abc import Iterable
from typing import Final

from angarium.telemetry.maker import MetricMaker

# Ours, of sources times providers: three gauges each, whose names may be long, in a file of bounded size
MAX_WARMUPS: Final = 100


class WarmupMetrics:
    """Made once per process, by ``Metrics``."""

    def __init__(self, maker: MetricMaker) -> None:
        pair = ("source", "provider")
        self._days = maker.open_gauges(
            "warmup_day", "Day of a warm-up's plan, from 0", *pair, mode="livesum"
        )
        self._limits = maker.open_gauges(
            "warmup_hour_limit_messages",
            "Messages that a warm-up allows this hour; 0: it is over",
            *pair,
            mode="livesum",
        )
        self._used = maker.open_gauges(
            "warmup_hour_used_messages",
            "Messages of this hour that a source that is being warmed has sent",
            *pair,
            mode="livesum",
        )
        self._shown: set[tuple[str, str]] = set()

    def follow(self, rows: Iterable[tuple[str, str, int, int | None, int]]) -> None:
        """Show these, and others as over: source, provider, day, the hour's limit (None: over), and what is used of it.

        The first MAX_WARMUPS that a process meets; the command shows all.
        """
        gone = set(self._shown)
        for source, provider, day, limit, used in rows:
            key = (source, provider)
            gone.discard(key)
            if len(self._shown) < MAX_WARMUPS or key in self._shown:
                self._shown.add(key)
                self._set(key, day, limit or 0, used)
        for key in gone:  # what several processes share cannot be removed
            self._set(key, 0, 0, 0)

    def _set(self, key: tuple[str, str], day: int, limit: int, used: int) -> None:
        self._days.labels(*key).set(day)
        self._limits.labels(*key).set(limit)
        self._used.labels(*key).set(used)
