"""Reads what bench/sampler writes, and says to which part of a message's way each sample belongs. Runs nothing."""

import re
from collections.abc import Iterator
from typing import Final

_FRAME: Final = re.compile(r'  File "[^"]*?/angarium/([^"]+)\.py", line \S+ in (\S+)')
_MARK: Final = "Stack (most recent call first):\n"
# Where the frames are from which the event loop, which is C, is run: in every stack, and alone when it runs itself.
EVENT_LOOP: Final = "event loop: polling, receiving, dispatching"
STANDARD_LIBRARY: Final = "threads of the standard library"

# A part, and the folders, modules and functions that are it; in the order of a message's way. The innermost frame
# decides that is named here, by its narrowest name: what serves many (addresses, records, a transaction's put) belongs
# to who called it.
PARTS: Final = {
    "ingress: connection, limits": ("smtp_in", "access"),
    "ingress: writing to the socket": ("smtp_in/wire:send",),
    "ingress: SMTP session": (
        "smtp/server/session_core",
        "smtp/server/session",
        "smtp/server/data",
    ),
    "ingress: intake, header block": ("intake",),
    "ingress: records, to the committer": (
        "queue/lmdb/accepting:prepare_submission",
        "queue/lmdb/spool:accept",
    ),
    "queue: writing what is accepted": ("queue/lmdb/accepting:apply",),
    "queue: transaction, fsync": ("queue/lmdb/committer", "queue/lmdb/transaction:run"),
    "queue: doorbell": ("queue/doorbell",),
    "delivery: backlog": ("mta/backlog", "mta/dispatcher:_read_backlog"),
    "delivery: route, site": ("routing",),
    "delivery: claim": (
        "mta/egress/claiming",
        "queue/lmdb/partition:claim",
        "queue/lmdb/claiming",
    ),
    "queue: writing claims": ("queue/lmdb/claiming:apply",),
    "delivery: preparing, signing": ("mta/egress/packing", "dkim"),
    "delivery: turns, connections": ("mta", "mta/egress"),
    "delivery: SMTP session": ("smtp/client/session", "mta/transport"),
    "delivery: writing to the socket": ("mta/transport/peer:_send",),
    "delivery: outcome, settlement": (
        "mta/record",
        "queue/lmdb/partition:commit",
    ),
    "queue: writing outcomes": ("queue/lmdb/settling:apply",),
    "platform: mail.log, counts": (
        "service/platform/mail_log",
        "service/platform/role",
        "service/platform/event_follower",
        "service/platform/event_counts",
    ),
    "platform: HTTP": ("api",),
    EVENT_LOOP: ("service", "cli"),
}
_BY_NAME: Final = {name: part for part, names in PARTS.items() for name in names}

Stack = tuple[str, ...]  # "folder/module:function" of ours, innermost first


def read_stacks(text: str) -> Iterator[Stack]:
    """Yield the stacks of a file of samples."""
    for sample in text.split(_MARK)[1:]:
        yield tuple(f"{path}:{function}" for path, function in _FRAME.findall(sample))


def part_of(stack: Stack) -> str:
    for frame in stack:
        name = frame
        while name:
            if name in _BY_NAME:
                return _BY_NAME[name]
            name = name.rpartition(":" if ":" in name else "/")[0]
    return STANDARD_LIBRARY
