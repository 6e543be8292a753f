"""A process that has each idempotency key used by twenty-five at once, until it is killed.

Usage: twin_process.py QUEUE LOG; one line of LOG per answer: ``stored KEY ID`` or ``repeated KEY ID``. Two of them use
the same keys in the same order, so there are fifty twins of each.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

import msgspec

from angarium.config.schema import Queue
from angarium.queue import LmdbSpool, MessageIdGenerator, UnixMs, message_id_text
from angarium.queue.terms import OnceKey, Quota, Repeated, Stored, Terms
from tests.queue.samples import START, submission

CONFIG = Queue(partitions=2, map_octets=1 << 18, min_free_octets=0)
TWINS = 25
TENANT = "shop"
QUOTA = Quota(period="month", limit=10**9)


def clock() -> UnixMs:
    return UnixMs(START)  # so that all are counted in one period


def once(key: str, answer: bytes) -> OnceKey:
    return OnceKey(
        tenant=TENANT, key=key, digest=b"d", answer=answer, expires=UnixMs(START + 86_400_000)
    )


async def main(queue: str, log: str) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    new_id = MessageIdGenerator(clock, os.urandom)
    spool = LmdbSpool.open(Path(queue), CONFIG, clock)

    def say(word: str, key: str, message: bytes) -> None:
        os.write(out, f"{word} {key} {message_id_text(message)}\n".encode())  # type: ignore[arg-type]

    async def send(key: str) -> None:
        message_id = new_id()
        mail = msgspec.structs.replace(submission(message_id, tenant=TENANT), campaign=key)
        terms = Terms(once=once(key, message_id), tenant=TENANT, quotas=(QUOTA,))
        match await spool.accept_on_terms([mail], terms):
            case Stored():
                say("stored", key, message_id)
            case Repeated(answer=answer):
                say("repeated", key, answer)
            case other:
                os.write(out, f"wrong {other!r}\n".encode())

    os.write(out, b"ready\n")
    for number in itertools.count():
        await asyncio.gather(*[send(f"k{number}") for _ in range(TWINS)])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
