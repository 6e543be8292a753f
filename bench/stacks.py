"""Reads what bench/sampler writes, and says to which part of a message's way each sample belongs. Runs nothing."""

import re
from collections.abc import Iterator
from typing import Final

_FRAME: Final = re.compile(r'  File "[^"]*?/angarium/([^"]+)\.py", line \d+ in (\S+)')
_MARK: Final = "Stack (most recent call first):\n"
# In every stack: the frames from which the event loop, in C, is run.
EVENT_LOOP: Final = "event loop: polling, receiving, dispatching"
STANDARD_LIBRARY: Final = "threads of the standard library"
COMMIT: Final = "queue: transaction and fsync"

# The part of a function, a module or a package, the narrowest first. The innermost frame that is named here decides:
# what serves many (addresses, records, transactions' put) belongs to who called it. In the order of a message's way.
PARTS: Final = {
    "smtp_in": "ingress: connection, limits, log-in",
    "smtp_in/connection:_send": "ingress: writing to the socket",
    "smtp/session_core": "ingress: SMTP session",
    "smtp/server": "ingress: SMTP session",
    "smtp/data": "ingress: SMTP session",
    "smtp_in/intake": "ingress: intake, header block",
    "queue/accepting:prepare_submission": "ingress: records, hand-over to the committer",
    "queue/lmdb_spool:accept": "ingress: records, hand-over to the committer",
    "queue/accepting:apply": "queue: writing what is accepted",
    "queue/committer": COMMIT,
    "queue/transaction:run": COMMIT,
    "queue/doorbell": "queue: doorbell",
    "mta/backlog": "delivery: backlog",
    "mta/dispatcher:_read_backlog": "delivery: backlog",
    "mta/dispatcher:_claim": "delivery: claim",
    "queue/lmdb_partition:claim": "delivery: claim",
    "queue/claiming": "delivery: claim",
    "queue/claiming:apply": "queue: writing claims",
    "mta/prepare": "delivery: preparing, signing",
    "dkim": "delivery: preparing, signing",
    "mta/egress_queue": "delivery: turns, connections",
    "mta": "delivery: turns, connections",
    "smtp/client": "delivery: SMTP session",
    "mta/connection": "delivery: SMTP session",
    "mta/peer": "delivery: SMTP session",
    "mta/peer:_send": "delivery: writing to the socket",
    "mta/conclusion": "delivery: outcome, settlement",
    "mta/dispatcher:_conclude": "delivery: outcome, settlement",
    "mta/settler": "delivery: outcome, settlement",
    "queue/lmdb_partition:commit": "delivery: outcome, settlement",
    "queue/settling": "delivery: outcome, settlement",
    "queue/settling:apply": "queue: writing outcomes",
    "service/mail_log": "platform: mail.log, counts",
    "service/platform": "platform: mail.log, counts",
    "service": EVENT_LOOP,
    "cli": EVENT_LOOP,
    "api": "platform: HTTP",
}

Stack = tuple[str, ...]  # "package/module:function" of ours, innermost first


def read_stacks(text: str) -> Iterator[Stack]:
    """Yield the stacks of a file of samples. Packages within packages are left out: mta/egress/peer is mta/peer."""
    for sample in text.split(_MARK)[1:]:
        yield tuple(_frame(path, function) for path, function in _FRAME.findall(sample))


def part_of(stack: Stack) -> str:
    for frame in stack:
        module = frame.partition(":")[0]
        for name in (frame, module, module.partition("/")[0]):
            if name in PARTS:
                return PARTS[name]
    return STANDARD_LIBRARY


def _frame(path: str, function: str) -> str:
    package, _, rest = path.partition("/")
    return f"{package}/{rest.rpartition('/')[2]}:{function}" if rest else f"{package}:{function}"
