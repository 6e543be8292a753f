"""A process that accepts, claims and settles until it is killed, and logs outside what was acknowledged.

Usage: writer_process.py QUEUE LOG SEED; one line of LOG per acknowledged fact: ``accepted ID`` or ``done ID.INDEX``.
Claims are logged before they are asked for (``claiming``): only such recipients may be in doubt.
"""

import asyncio
import os
import random
import sys
import time
from pathlib import Path

from angarium.config.schema import Queue
from angarium.queue import (
    Commit,
    Deferred,
    Done,
    LmdbSpool,
    MessageIdGenerator,
    PartitionNumber,
    UnixMs,
    delivery_id_text,
    message_id_text,
)
from tests.queue.samples import attempt, submission

CONFIG = Queue(partitions=2, map_octets=1 << 18, min_free_octets=0)
CLIENTS = 6
PROCESSES = 2  # partition n belongs to process n


def clock() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)


async def main(queue: str, log: str, seed: int, number: int) -> None:
    chance = random.Random(seed)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    new_id = MessageIdGenerator(clock, os.urandom)
    spool = LmdbSpool.open(Path(queue), CONFIG, clock)
    partition = await spool.own(PartitionNumber(number), f"process-{number}")
    await partition.replay()

    def say(word: str, what: str) -> None:
        os.write(out, f"{word} {what}\n".encode())  # one write: whole lines, in the kernel at once

    async def accept() -> None:
        while True:
            recipients = ["a@example.net"] * chance.randint(1, 3)
            message_id = new_id()
            content = message_id * chance.choice([1, 20, 300, 3000])
            await spool.accept(
                [
                    submission(
                        message_id, recipients, content=content, partition=chance.randint(0, 1)
                    )
                ]
            )
            say("accepted", f"{message_id_text(message_id)} {len(recipients)}")
            await asyncio.sleep(chance.choice([0, 0, 0.001]))

    async def deliver() -> None:
        while True:
            heads = partition.due(clock(), 5).heads
            for head in heads:
                say("claiming", delivery_id_text(head.id))
            for message in await partition.claim(heads):
                if message.content[:16] != message.message_id:
                    say("broken", message_id_text(message.message_id))
                settled: list[Done | Deferred] = []
                for each in message.recipients:
                    if chance.random() < 0.6:
                        done = Done(id=each.id, outcome="delivered", attempt=attempt())
                        settled.append(done)
                    else:
                        due = UnixMs(clock() + chance.choice([0, 5, 10**7]))
                        settled.append(Deferred(id=each.id, due=due, attempt=attempt(451)))
                for each in settled:
                    if isinstance(each, Done):
                        say("sent", delivery_id_text(each.id))
                await partition.commit(Commit(settled=settled))
                for each in settled:
                    if isinstance(each, Done):
                        say("done", delivery_id_text(each.id))
            await asyncio.sleep(0.001)

    say("ready", f"{number} {seed}")
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(accept())
        group.create_task(deliver())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
