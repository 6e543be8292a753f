"""All that alarms are raised of, measured at once, each part from whoever knows it. What fails is left out."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from angarium.alarms.alarm import Alarm
from angarium.alarms.reading import Measured
from angarium.config.schema import Config
from angarium.queue import QueueSummary, UnixMs
from angarium.queue.keepsakes import Keepsakes
from angarium.reputation.blocklists import Listing
from angarium.reputation.breaker import Party, Pause
from angarium.reputation.figures import Figures
from angarium.service.platform.alarms.machine_figures import MachineFigures
from angarium.service.platform.alarms.mail_figures import measure_mail
from angarium.service.platform.alarms.metric_figures import NAMES, measure_metrics
from angarium.service.platform.alarms.standing_figures import (
    measure_failing,
    measure_listings,
    measure_pauses,
    measure_rules,
    measure_targets,
    measure_warmups,
)
from angarium.telemetry import log_exception
from angarium.telemetry.metric_values import Growth, MetricValues
from angarium.telemetry.metrics import Metrics

# Ours: more overdue recipients than any minimum asks for are not counted
OVERDUE_LIMIT: Final = 1000
# Overdue is what should have been tried so long ago
OVERDUE_MS: Final = 60_000
K = TypeVar("K")
Failing = Callable[[], Sequence[tuple[str, str]] | None]


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Who knows what. Each is asked at each look, on the event loop, and answers from memory or mapped pages.

    None: it does not know yet.
    """

    figures: Callable[[], Figures | None]
    listings: Callable[[], Iterable[Listing]]
    pauses: Callable[[], Mapping[Party, Pause] | None]
    domains: Failing  # that fail, with why
    tracking_hosts: Failing
    targets: Callable[[], Mapping[str, tuple[int, str]]]
    pids: Callable[[], Mapping[str, int]]
    summary: Callable[[], QueueSummary]
    overdue: Callable[[UnixMs, int], int]
    keepsakes: Keepsakes
    metrics: Metrics


class Measuring:
    """Invariant MSR1: what cannot be measured keeps nothing else from it."""

    def __init__(self, config: Config, sources: Sources, machine: MachineFigures) -> None:
        self._config = config
        self._sources = sources
        self._machine = machine
        self._growth = Growth(0.0)
        self._failing: set[str] = set()

    def exchange(self, config: Config) -> None:
        self._config = config

    async def measure(self, alarms: Sequence[Alarm], now: UnixMs) -> dict[str, Measured]:
        wanted = {each.name: each for each in alarms}
        found: dict[str, Measured] = {}
        values = await self._read_metrics(wanted)
        for name, part in self._parts(wanted, values, now).items():
            with self._by_itself(name):
                found.update(part())
        with self._by_itself("mail"):
            figures = self._sources.figures()
            if figures is not None:
                found.update(await measure_mail(figures, wanted, now))
        return {name: each for name, each in found.items() if name in wanted}

    @contextlib.contextmanager
    def _by_itself(self, name: str) -> Iterator[None]:
        """MSR1."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one part of many; the next look may do
            if name not in self._failing:
                log_exception("alarms_not_measured", error, part=name)
            self._failing.add(name)
        else:
            self._failing.discard(name)

    async def _read_metrics(self, alarms: Mapping[str, Alarm]) -> MetricValues:
        """In a thread: files of all processes are read."""
        values = await asyncio.to_thread(
            lambda: MetricValues(self._sources.metrics.families(), NAMES)
        )
        self._growth.reach_s = max((each.window_s or 0.0 for each in alarms.values()), default=0.0)
        self._growth.add(time.monotonic(), values)
        return values

    def _parts(
        self, alarms: Mapping[str, Alarm], values: MetricValues, now: UnixMs
    ) -> dict[str, Callable[[], Mapping[str, Measured]]]:
        sources = self._sources
        warmed = {each.source for each in self._config.warmup}
        return {
            "metrics": lambda: dict(measure_metrics(values, self._growth, alarms, now)),
            "machine": lambda: self._of_machine(alarms, values, now),
            "blocklists": lambda: {"address_listed": measure_listings(sources.listings())},
            "breaker": lambda: _known("sender_paused", measure_pauses, sources.pauses()),
            "rules": lambda: {"provider_suspended": measure_rules(sources.keepsakes, now)},
            "warmups": lambda: {"warmup_held": measure_warmups(sources.keepsakes, warmed)},
            "domains": lambda: _known(
                "domain_failing", lambda found: measure_failing("domain", found), sources.domains()
            ),
            "tracking hosts": lambda: _known(
                "tracking_host_failing",
                lambda found: measure_failing("tracking_host", found),
                sources.tracking_hosts(),
            ),
            "targets": lambda: {"notices_failing": measure_targets(sources.targets())},
        }

    def _of_machine(
        self, alarms: Mapping[str, Alarm], values: MetricValues, now: UnixMs
    ) -> dict[str, Measured]:
        return self._machine.measure(
            alarms,
            summary=self._sources.summary(),
            free_mark=self._config.queue.min_free_octets,
            overdue=self._sources.overdue(UnixMs(now - OVERDUE_MS), OVERDUE_LIMIT),
            attempts=values.find("attempts_total") or 0.0,
            pids=self._sources.pids(),
        )


def _known(name: str, measure: Callable[[K], Measured], known: K | None) -> dict[str, Measured]:
    return {} if known is None else {name: measure(known)}
