"""``bin/bench stats``: how many events a second are counted, and what asking costs by how many rows there are.

Two logs: one of a stream and a few campaigns and tags, and one where each mail has a tag of its own, which is the most
that the rows of an hour come to.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from rich.table import Table

from angarium.analytics.asked import By, StatsQuery
from angarium.analytics.counter_file import CounterFile, CounterView
from angarium.analytics.counters import DAY_MS, HOUR_MS, MINUTE_MS, MINUTES, Resolution
from angarium.analytics.keeping import TOGETHER
from angarium.analytics.reading import CounterReader
from angarium.analytics.rebuilding import Rebuilding
from angarium.analytics.writing import CounterWriter
from angarium.queue import MessageAccepted, Opened, Position, UnixMs
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.model import DEFAULT_TENANT
from bench.history import BEGAN, made_events
from bench.machine import describe
from bench.peer import work_folder
from bench.report import console, print_machine, save

BATCH: Final = 500  # events, as the platform's follower has them where no more wait
ASKED: Final = 50  # of each kind
HOURS: Final = 24 * 90  # that the rows are spread over
OPENS: Final = 3  # one in so many messages is opened


def run(folder: Path, messages: int) -> None:
    machine = describe(folder)
    print_machine(machine)
    work = work_folder(folder, "stats")
    try:
        results = _measure(work, messages)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    table = Table(title=f"{messages:,} messages; median of {ASKED} questions, in ms")
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in results.items():
        table.add_row(name, f"{value:,}")
    console.print(table)
    save("stats", machine, results=results)


def _measure(work: Path, messages: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name, one_tag_each in (("few tags", False), ("a tag each", True)):
        folder = work / name.replace(" ", "-")
        folder.mkdir()
        events = _events(messages, one_tag_each=one_tag_each)
        results[f"events/s of processor time, {name}"] = _write(folder, events, BATCH)
        results[f"octets a message, {name}"] = round(_octets(folder) / messages)
        results[f"events/s counted anew, {name}"] = _rebuild(folder, events)
        behind = work / f"{folder.name}-behind"
        behind.mkdir()
        results[f"events/s where many wait, {name}"] = _write(behind, events, TOGETHER)
    folder = work / "spread"
    folder.mkdir()
    _write(folder, _spread(_events(messages, one_tag_each=False)), TOGETHER)
    rows = sum(_rows(folder, name) for name in MINUTES)
    results["rows of counters, spread over 90 days"] = rows
    results["octets a row of them"] = round((_octets(folder) - 100 * messages) / rows)
    results |= _ask(folder)
    return results


def _octets(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.iterdir())


def _rows(folder: Path, name: str) -> int:
    file = CounterFile(folder)
    with file.writing() as db:
        (rows,) = db.execute(f"SELECT count(*) FROM {name}").fetchone()
    file.close()
    return int(rows)


def _events(messages: int, *, one_tag_each: bool) -> list[CataloguedKind]:
    events: list[CataloguedKind] = []
    for number, each in enumerate(made_events(messages)):
        events.append(each)
        if isinstance(each, MessageAccepted):
            if one_tag_each:
                events[-1] = msgspec.structs.replace(each, tags=(f"order:{number}",))
        elif number % (2 * OPENS) == 1:
            events.append(_opened(each))
    return events


def _opened(event: Any) -> Opened:
    return Opened(
        at=event.at,
        message_id=event.message_id,
        tenant=event.tenant,
        stream=event.stream,
        campaign="",
        index=0,
        recipient=event.recipient,
        sender_domain="",
        report=b"",
        client="",
        verdict="human",
    )


def _spread(events: Sequence[CataloguedKind]) -> list[CataloguedKind]:
    """Over HOURS."""
    step = HOURS * HOUR_MS // len(events)
    return [
        msgspec.structs.replace(each, at=UnixMs(BEGAN + at * step))
        for at, each in enumerate(events)
    ]


def _batches(events: Sequence[CataloguedKind], size: int) -> list[list[Position]]:
    return [
        [Position(start + at + 1, each) for at, each in enumerate(events[start : start + size])]
        for start in range(0, len(events), size)
    ]


def _rebuild(folder: Path, events: Sequence[CataloguedKind]) -> int:
    """Return how many were counted anew in a second of processor time."""
    file = CounterFile(folder)
    writer = CounterWriter(file, 90 * DAY_MS)
    writer.begin(b"bench", len(events))
    batches = _batches(events, TOGETHER)
    began = time.process_time()
    rebuilding = Rebuilding(file, writer)
    assert rebuilding.begin(1) == 0
    for batch in batches:
        rebuilding.write(batch)
    rebuilt = rebuilding.finish()
    took = time.process_time() - began
    assert rebuilt.changed == 0
    file.close()
    return round(len(events) / took)


def _write(folder: Path, events: Sequence[CataloguedKind], size: int) -> int:
    """Return how many were counted in a second of processor time."""
    file = CounterFile(folder)
    writer = CounterWriter(file, 90 * DAY_MS)
    writer.begin(b"bench", 0)
    batches = _batches(events, size)
    began = time.process_time()
    for batch in batches:
        writer.write(batch)
    took = time.process_time() - began
    file.close()
    return round(len(events) / took)


def _ask(folder: Path) -> dict[str, float]:
    reader = CounterReader(CounterView(folder))

    def asking(
        by: Sequence[By],
        resolution: Resolution,
        units: int,
        tenant: str | None = DEFAULT_TENANT,
        *,
        latency: bool = False,
    ) -> Callable[[], object]:
        first = BEGAN // (MINUTES[resolution] * MINUTE_MS)
        query = StatsQuery(
            by=tuple(by),
            resolution=resolution,
            first=first,
            end=first + units,
            tenant=tenant,
            latency=latency,
        )
        return lambda: reader.ask(query)

    asked: dict[str, Callable[[], object]] = {
        "in total, 90 days": asking([], "day", 90),
        "by hour, 90 days": asking(["hour"], "hour", HOURS),
        "by campaign, 90 days": asking(["campaign"], "day", 90),
        "by campaign, 90 days, of hours": asking(["campaign"], "hour", HOURS),
        "by tag, 90 days": asking(["tag"], "day", 90),
        "by provider and source, 90 days": asking(["provider", "source"], "day", 90),
        "by day, 7 days, of hours": asking(["day"], "hour", 168),
        "by day, a year": asking(["day"], "day", 366),
        "by day with latency, a year": asking(["day"], "day", 366, latency=True),
        "by minute with latency, two days": asking(["minute"], "minute", 2880, latency=True),
        "by tenant, a year": asking(["tenant"], "day", 366, None),
    }
    found = {name: _median_ms(each) for name, each in asked.items()}
    reader.close()
    return found


def _median_ms(ask: Callable[[], object]) -> float:
    took = []
    for _ in range(ASKED):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return round(median(took) * 1000, 3)
