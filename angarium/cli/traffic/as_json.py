"""What goes where as JSON, the same in each command that tells of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from angarium.insight.admin.gathering import Gathered
from angarium.insight.holds import hold_narrowing
from angarium.insight.traffic_table import ProviderRow, SourceRow
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.egress.traffic_counts import Windows
from angarium.queue import UnixMs
from angarium.telemetry.timestamp import rfc3339


def table_json(gathered: Gathered, rows: Sequence[ProviderRow], now: UnixMs) -> dict[str, Any]:
    census = gathered.census
    return {
        "at": rfc3339(now),
        "queue_counted_at": None if census is None else rfc3339(census.at),
        "providers": [provider_json(each) for each in rows],
        "holds": [narrowing_json(hold_narrowing(each)) for each in gathered.holds],
        "unheard": [each.text for each in gathered.unheard],
    }


def provider_json(row: ProviderRow) -> dict[str, Any]:
    return {
        "provider": row.provider,
        "queued": row.queued,
        "held": row.held,
        "waiting": row.waiting,
        "connections": row.connections,
        **windows_json(row.windows),
        "sources": [_source_json(each) for each in row.sources],
        "holds": [narrowing_json(each) for each in row.holds],
    }


def windows_json(windows: Windows) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(windows)
    return found


def narrowing_json(narrowing: Narrowing) -> dict[str, Any]:
    return {
        "kind": narrowing.kind,
        "name": narrowing.name,
        "source": narrowing.source,
        "provider": narrowing.provider,
        "scope": narrowing.scope,
        "text": narrowing.text,
        "until": None if narrowing.until is None else rfc3339(narrowing.until),
    }


def _source_json(row: SourceRow) -> dict[str, Any]:
    return {
        "source": row.source,
        "waiting": row.waiting,
        "connections": row.connections,
        "limits": None if row.limits is None else msgspec.to_builtins(row.limits),
        **windows_json(row.windows),
        "in_force": [narrowing_json(each) for each in row.in_force],
        "wait": row.wait,
        "suspended": row.suspended,
    }
