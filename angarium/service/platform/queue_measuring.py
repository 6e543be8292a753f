"""Measures the queue for the metrics: what is in it, of which provider, its disk and file, and who reads its events."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from angarium.config.schema import Config
from angarium.queue import HoldRule, LmdbSpool, QueueSummary, UnixMs
from angarium.queue.breakdown import Slice
from angarium.queue.quota import QuotaUse
from angarium.service.platform.census import Census
from angarium.service.platform.event_lags import find_lags
from angarium.service.platform.provider_labels import ProviderLabels
from angarium.telemetry.log import log, log_exception
from angarium.telemetry.metrics import QUOTA_SHARES, Metrics
from angarium.telemetry.path_metrics import ProviderQueue
from angarium.tenancy import Snapshot

MEASURE_S: Final = 2.0
CENSUS_S: Final = 10.0
QUOTAS_S: Final = 60.0
# Tenants whose quotas are looked at in one go: some milliseconds of the event loop
TENANTS_AT_ONCE: Final = 100


class LowDisk:
    """Whether new mail is refused for want of disk: a reason not to be ready."""

    def __init__(self) -> None:
        self.is_low = False

    def reasons(self) -> list[str]:
        text = "the disk is full, or below queue.min_free_octets: new mail is refused"
        return [text] * self.is_low


async def measure_queue(
    spool: LmdbSpool, clock: Callable[[], UnixMs], metrics: Metrics, low_disk: LowDisk
) -> None:
    """Every two seconds, until cancelled."""
    while True:
        summary = spool.summary()
        low_disk.is_low = summary.low_disk
        _show(metrics, summary, clock())
        metrics.queue.suppressions.set(spool.suppressions.count())
        for consumer, lag in find_lags(spool.events, clock()).items():
            metrics.queue.event_lag[consumer].set(lag.events)
            metrics.queue.event_lag_time[consumer].set(lag.seconds)
        await asyncio.sleep(MEASURE_S)


async def measure_providers(
    census: Census,
    labels: ProviderLabels,
    metrics: Metrics,
    clock: Callable[[], UnixMs],
    holds: Callable[[], Sequence[HoldRule]],
) -> None:
    """How much is queued for each provider, until cancelled."""
    while True:
        try:
            found = (await census.latest()).by_provider
            rest = [found.others] if found.others is not None else []
            metrics.paths.set_queued(_by_label((*found.slices, *rest), labels, clock()))
            metrics.paths.set_in_force({"hold": len(holds())})
        except Exception:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("census_failed")
        await asyncio.sleep(CENSUS_S)


async def measure_quotas(
    snapshot: Callable[[], Snapshot], use: Callable[[str], Sequence[QuotaUse]], metrics: Metrics
) -> None:
    """How many tenants are near the end of a quota, until cancelled."""
    while True:
        counts = dict.fromkeys(QUOTA_SHARES, 0)
        known = snapshot()
        for number, tenant in enumerate(known.tenants, 1):
            quotas = known.terms(tenant).quotas
            if quotas:
                used = {each.period: each.used for each in use(tenant)}
                part = max(used.get(each.period, 0) / max(each.limit, 1) for each in quotas)
                for share in QUOTA_SHARES:
                    counts[share] += part >= float(share)
            if number % TENANTS_AT_ONCE == 0:
                await asyncio.sleep(0)
        for share, number in counts.items():
            metrics.quotas[share].set(number)
        await asyncio.sleep(QUOTAS_S)


def show_limits(metrics: Metrics, config: Config) -> None:
    """What of them the queue has; after a reload, again."""
    metrics.queue.disk_mark.set(config.queue.min_free_octets)
    metrics.queue.event_limit.set(config.queue.event_limit)


def free_stale_readers(spool: LmdbSpool, metrics: Metrics) -> None:
    """Let no process that was killed keep pages from being used again."""
    if freed := spool.free_stale_readers():
        metrics.queue.stale_readers.add(freed)
        log("stale_readers_freed", "warning", readers=freed)


def _show(metrics: Metrics, summary: QueueSummary, now: UnixMs) -> None:
    queue = metrics.queue
    queue.recipients["scheduled"].set(summary.scheduled)
    queue.recipients["held"].set(summary.held)
    queue.recipients["in_flight"].set(summary.in_flight)
    queue.messages.set(summary.messages)
    queue.oldest.set(_age_s(summary.oldest_at, now))
    queue.file.set(summary.file_octets)
    queue.used.set(summary.used_octets)
    queue.map.set(summary.map_octets)
    queue.readers.set(summary.readers)
    queue.reader_limit.set(summary.reader_limit)
    queue.disk_free.set(summary.free_disk_octets)
    queue.events.set(summary.events)


def _by_label(
    slices: Sequence[Slice], labels: ProviderLabels, now: UnixMs
) -> dict[str, ProviderQueue]:
    found: dict[str, ProviderQueue] = {}
    for each in slices:
        label = labels.of(each.value)
        known = found.get(label, ProviderQueue())
        found[label] = ProviderQueue(
            scheduled=known.scheduled + each.scheduled,
            held=known.held + each.held,
            in_flight=known.in_flight + each.in_flight,
            oldest_s=max(known.oldest_s, _age_s(each.oldest_at, now)),
        )
    return found


def _age_s(since: UnixMs | None, now: UnixMs) -> float:
    return 0.0 if since is None else max(0, now - since) / 1000
