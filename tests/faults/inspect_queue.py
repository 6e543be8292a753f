"""Prints what is in a queue as JSON: ``python tests/faults/inspect_queue.py QUEUE``.

A process of its own, so that it can run in another mount namespace, and is a reader that comes and goes.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import lmdb

from angarium.config.schema import Queue
from angarium.queue import Filter, QueueOperator, UnixMs
from angarium.queue.reports import Shelf

NAMES = ("body", "message", "delivery", "due", "claim")
FINAL = ("delivered", "relayed", "bounced", "expired", "cancelled")


def clock() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)


def inspect(queue: Path) -> dict[str, Any]:
    stale = read_stale(queue)
    with_events = queue_and_events(queue)
    return {"stale_readers": stale, **with_events}


def read_stale(queue: Path) -> int:
    """Return how many readers' slots belong to nobody any more. Before anything of ours cleans them up."""
    env = lmdb.open(str(queue), readonly=True, max_dbs=16, create=False)
    try:
        return int(env.reader_check())
    finally:
        env.close()


def queue_and_events(queue: Path) -> dict[str, Any]:
    operator = QueueOperator.open(queue, Queue(), clock, lambda _: None)
    try:
        entries = operator.page(Filter(), None, 10**7).entries
    finally:
        operator.close()
    env = lmdb.open(str(queue), readonly=True, max_dbs=16, create=False)
    try:
        counts = {}
        with env.begin() as txn:
            for name in NAMES:
                counts[name] = txn.stat(env.open_db(name.encode(), txn, create=False))["entries"]
            reports = [
                bytes(key) for key, _ in txn.cursor(env.open_db(b"report", txn, create=False))
            ]
            suppressed = txn.stat(env.open_db(b"suppression", txn, create=False))["entries"]
    finally:
        env.close()
    waiting, review = (
        [str(UUID(bytes=key[1:])) for key in reports if key[0] == shelf]
        for shelf in (Shelf.WAITING, Shelf.REVIEW)
    )
    counts["waiting"] = len(waiting)
    return {
        "counts": counts,
        "waiting": waiting,
        "review": review,
        "suppressed": suppressed,
        "recipients": {each.recipient: each.state for each in entries},
        "due": {each.recipient: each.due for each in entries},
    }


def told(queue: Path) -> dict[str, list[str]]:
    """Return what the queue's own event log says: recipients with an end, and reports that led to something."""
    from angarium.queue.lmdb.event_log import LmdbEventLog
    from angarium.queue.lmdb.file.environment import QueueEnvironment

    env = QueueEnvironment.open(queue, Queue())
    try:
        events = LmdbEventLog(env, lambda _: None).read(0, 10**8)
    finally:
        env.close()
    return {
        "finished": [each.event.recipient for each in events if each.event.name in FINAL],
        "told": [
            str(UUID(bytes=report))
            for each in events
            if (report := getattr(each.event, "report", None)) is not None
        ],
    }


if __name__ == "__main__":
    found = inspect(Path(sys.argv[1]))
    if "--events" in sys.argv:
        found |= told(Path(sys.argv[1]))
    json.dump(found, sys.stdout)
