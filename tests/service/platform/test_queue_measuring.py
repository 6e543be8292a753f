"""Mirrors angarium/service/platform/queue_measuring.py."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any

from angarium.config.schema import Provider
from angarium.insight.admin.traffic import QueueCensus
from angarium.queue import UnixMs
from angarium.queue.breakdown import Breakdown, Slice
from angarium.queue.quota import QuotaUse
from angarium.service.platform.provider_labels import ProviderLabels
from angarium.service.platform.queue_measuring import measure_providers, measure_quotas
from angarium.telemetry.metrics import Metrics
from angarium.tenancy.model import Tenant
from angarium.tenancy.plan import Plan
from angarium.tenancy.snapshot import Snapshot, SnapshotData

NOW = UnixMs(1_800_000_000_000)


async def once(measuring: Coroutine[Any, Any, None]) -> None:
    """Run it until it waits for its next time."""
    task = asyncio.create_task(measuring)
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def slice_(value: str, age_s: int, **states: int) -> Slice:
    count = sum(states.values())
    at = UnixMs(NOW - age_s * 1000)
    return Slice(value=value, count=count, ages=[], oldest_at=at, **states)


class Census:
    async def latest(self) -> QueueCensus:
        found = Breakdown(
            by="provider",
            slices=(slice_("mine", 60, scheduled=3, held=1), slice_("a.example", 5, scheduled=2)),
            others=slice_("", 7, in_flight=4),
            total=slice_("", 60, scheduled=5, held=1, in_flight=4),
        )
        return QueueCensus(at=NOW, by_provider=found)


async def test_what_is_queued_is_told_by_provider_state_and_age() -> None:
    metrics = Metrics()
    labels = ProviderLabels([Provider(name="mine")])
    await once(measure_providers(Census(), labels, metrics, lambda: NOW, tuple))  # type: ignore[arg-type]
    lines = metrics.render().decode().splitlines()
    queued = "angarium_provider_queue_recipients"
    assert f'{queued}{{provider="mine",state="scheduled"}} 3.0' in lines
    assert f'{queued}{{provider="mine",state="held"}} 1.0' in lines
    assert f'{queued}{{provider="other",state="scheduled"}} 2.0' in lines
    assert f'{queued}{{provider="other",state="in_flight"}} 4.0' in lines
    oldest = "angarium_provider_queue_oldest_seconds"
    assert f'{oldest}{{provider="mine"}} 60.0' in lines
    assert f'{oldest}{{provider="other"}} 7.0' in lines


def tenant(id_: str, **plan: int) -> Tenant:
    return Tenant(id=id_, name=id_, active=True, created=NOW, plan=Plan(**plan))


async def test_tenants_are_counted_by_the_quota_that_they_have_used_most_of() -> None:
    tenants = (
        tenant("free"),
        tenant("calm", per_hour=100),
        tenant("near", per_hour=100, per_day=1000),
        tenant("over", per_day=10),
    )
    used = {"calm": {"hour": 79}, "near": {"hour": 10, "day": 800}, "over": {"day": 11}}

    def use(name: str) -> Sequence[QuotaUse]:
        return [
            QuotaUse(period=period, used=number, until=NOW)  # type: ignore[arg-type]
            for period, number in used[name].items()
        ]

    metrics, snapshot = Metrics(), Snapshot(SnapshotData(tenants=tenants))
    await once(measure_quotas(lambda: snapshot, use, metrics))
    lines = metrics.render().decode().splitlines()
    assert 'angarium_tenants_by_quota_use{share="0.8"} 2.0' in lines
    assert 'angarium_tenants_by_quota_use{share="1"} 1.0' in lines
