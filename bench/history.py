"""``bin/bench history``: what look-ups and lists cost by how many messages there are, and what writing them does.

The projection writes the first messages, as the platform process does. For more, their rows are copied within the
database, under other numbers, ids and times: the indexes are as large as by the projection, in a twentieth of the time.
"""

import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import sqlalchemy as sa
from rich.table import Table

from angarium.history.database import HistoryDatabase
from angarium.history.projection import Projection
from angarium.history.reading import SqlReader
from angarium.history.status import Status
from angarium.history.story import StoryFilter
from angarium.queue import (
    Attempt,
    Bounced,
    Delivered,
    MessageAccepted,
    MessageId,
    MessageIdGenerator,
    Origin,
    Position,
    UnixMs,
)
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.message_id import message_id_text
from angarium.queue.model import DEFAULT_TENANT
from bench.errors import BenchError
from bench.machine import describe
from bench.peer import work_folder
from bench.report import console, print_machine, save

WRITTEN: Final = 50_000  # messages, by the projection
BATCH: Final = 1000  # events, as the platform's follower has them
ASKED: Final = 200  # of each kind
PAGE: Final = 50
BOUNCES: Final = 50  # one in so many messages
CAMPAIGNS: Final = 20
BEGAN: Final = 1_700_000_000_000
_COPY: Final = (
    """INSERT INTO history_message
    SELECT number + :rows, randomblob(16), tenant, created + :ms, due + :ms, updated + :ms, sent + :ms, status, states
    FROM history_message""",
    "INSERT INTO history_event SELECT sequence + :rows, message + :rows, tenant, raw FROM history_event",
    "INSERT INTO history_label SELECT tenant, kind, value, created + :ms, message + :rows FROM history_label",
)


def run(folder: Path, sizes: Sequence[int]) -> None:
    machine = describe(folder)
    print_machine(machine)
    work = work_folder(folder, "history")
    try:
        results = _measure(work, sizes)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _print(results)
    save("history", machine, results=results)


def _measure(work: Path, sizes: Sequence[int]) -> list[dict[str, Any]]:
    database = HistoryDatabase("sqlite:///history.db", work)
    results = []
    try:
        messages, rate = _write(database)
        reader = SqlReader(database, lambda: UnixMs(BEGAN * 2))
        for size in sizes:
            if size < messages:
                raise BenchError(f"{size} are too few: {messages} are written at first")
            while messages < size:
                messages += _copy(database, messages)
            line = {"messages": messages, "events_per_s": rate, **_ask(database, reader)}
            results.append(
                {**line, "gigabytes": round((work / "history.db").stat().st_size / 1e9, 2)}
            )
    finally:
        database.close()
    return results


def _write(database: HistoryDatabase) -> tuple[int, int]:
    """Return how many messages there are, and how many events were written in a second of processor time."""
    projection = Projection(database, keeps=lambda _: True)
    projection.begin(b"bench", 0)
    events = made_events(WRITTEN)
    began = time.process_time()
    for start in range(0, len(events), BATCH):
        projection.write(
            [
                Position(start + at + 1, each)
                for at, each in enumerate(events[start : start + BATCH])
            ]
        )
    return WRITTEN, round(len(events) / (time.process_time() - began))


def made_events(messages: int) -> list[CataloguedKind]:
    now = BEGAN
    chance = random.Random(1)
    new_id = MessageIdGenerator(lambda: UnixMs(now), chance.randbytes)
    events: list[CataloguedKind] = []
    for number in range(messages):
        now = BEGAN + number * 10
        message_id, recipient = new_id(), f"b{number}@d{number % 1000}.example"
        events.append(_accepted(UnixMs(now), message_id, recipient, number))
        bounces = number % BOUNCES == 0
        common: dict[str, Any] = {
            "at": UnixMs(now + 5),
            "message_id": message_id,
            "tenant": DEFAULT_TENANT,
            "stream": "news",
            "index": 0,
            "recipient": recipient,
            "reverse_path": "shop@example.com",
            "attempts": 1,
            "attempt": Attempt(
                at=UnixMs(now + 5),
                host="mx.example",
                address="192.0.2.1",
                source="default",
                provider=f"p{number % 7}",
                code=550 if bounces else 250,
                enhanced="5.1.1" if bounces else "2.0.0",
                text="no such user" if bounces else "OK",
                tls="TLSv1.3",
                stage="final_dot",
            ),
        }
        events.append(Bounced(**common) if bounces else Delivered(**common))
    return events


def _accepted(now: UnixMs, message_id: MessageId, recipient: str, number: int) -> MessageAccepted:
    return MessageAccepted(
        at=now,
        message_id=message_id,
        tenant=DEFAULT_TENANT,
        stream="news",
        reverse_path="shop@example.com",
        recipients=(recipient,),
        size_octets=4096,
        message_id_header=f"<{message_id_text(message_id)}@example.com>",
        origin=Origin(kind="api"),
        campaign=f"week{number % CAMPAIGNS}",
        tags=(f"kind:{number % 7}",),
    )


def _copy(database: HistoryDatabase, messages: int) -> int:
    """Double them."""
    with database.writing() as connection:
        rows = connection.execute(sa.text("SELECT max(sequence) FROM history_event")).scalar_one()
        for statement in _COPY:
            connection.execute(sa.text(statement), {"rows": rows, "ms": messages * 10})
    return messages


def _ask(database: HistoryDatabase, reader: SqlReader) -> dict[str, float]:
    with database.reading() as connection:
        newest = connection.execute(sa.text("SELECT max(number) FROM history_message")).scalar_one()
        chosen = sa.text(
            "SELECT id FROM history_message WHERE number >= :at ORDER BY number LIMIT 1"
        )
        chance = random.Random(2)
        ids = [
            MessageId(connection.execute(chosen, {"at": chance.randrange(newest)}).scalar_one())
            for _ in range(ASKED)
        ]
    waiting = iter(ids)
    deep: list[str | None] = [None]

    def deeper() -> None:
        page = reader.list(DEFAULT_TENANT, StoryFilter(), deep[0], PAGE)
        if len(page.stories) != PAGE:
            raise BenchError("a page is short")
        deep[0] = page.cursor

    def listed(wanted: StoryFilter) -> Callable[[], None]:
        def ask() -> None:
            if not reader.list(DEFAULT_TENANT, wanted, None, PAGE).stories:
                raise BenchError(f"nothing is found by {wanted}")

        return ask

    def by_id() -> None:
        if reader.find(DEFAULT_TENANT, next(waiting)) is None:
            raise BenchError("a message is not found")

    asked: dict[str, Callable[[], None]] = {
        "by id": by_id,
        "newest": listed(StoryFilter()),
        "page after page": deeper,
        "bounced": listed(StoryFilter(status=Status.BOUNCED)),
        "recipient": listed(StoryFilter(recipient="b4711@d711.example")),
        "campaign": listed(StoryFilter(campaign="week3")),
        "tag and bounced": listed(StoryFilter(tag="kind:3", status=Status.BOUNCED)),
        "a day": listed(StoryFilter(since=UnixMs(BEGAN), until=UnixMs(BEGAN + 86_400_000))),
    }
    return {name: _median_ms(ask) for name, ask in asked.items()}


def _median_ms(ask: Callable[[], None]) -> float:
    took = []
    for _ in range(ASKED):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return round(median(took) * 1000, 3)


def _print(results: Sequence[dict[str, Any]]) -> None:
    table = Table(title=f"Median of {ASKED}, in ms; lists of {PAGE}")
    for name in results[0]:
        table.add_column(name, justify="right")
    for line in results:
        table.add_row(*[f"{value:,}" for value in line.values()])
    console.print(table)
