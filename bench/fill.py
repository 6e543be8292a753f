"""Fills a queue through its own API, many times faster than by SMTP, before a server is started on it."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from angarium.config.loader import load
from angarium.config.schema import Config
from angarium.queue import LmdbSpool, MessageIdGenerator, Origin, Submission, UnixMs
from angarium.queue.model import DEFAULT_TENANT
from angarium.routing.partition_finder import PartitionFinder
from angarium.routing.routing import Routing
from angarium.smtp.envelope import Envelope, Recipient
from bench.load import DOMAIN, SENDER

BATCH: Final = 1000
DOMAINS: Final = 1000  # recipients are spread over so many
_BODY: Final = b"X" * 70 + b"\r\n"
_ORIGIN: Final = Origin(kind="cli")


def fill(
    config_file: Path,
    messages: int,
    *,
    due_in_s: float,
    say: Callable[[int], None],
    tenant: str = DEFAULT_TENANT,
) -> float:
    """Queue so many messages of 1 KB, one recipient each, and return the seconds that it took."""
    config = load(config_file)
    began = time.monotonic()
    asyncio.run(_fill(config, messages, due_in_s, tenant, say))
    return time.monotonic() - began


async def _fill(
    config: Config, messages: int, due_in_s: float, tenant: str, say: Callable[[int], None]
) -> None:
    folder = Path(config.server.data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    queue = folder / "queue"
    queue.mkdir(mode=0o700, exist_ok=True)
    spool = LmdbSpool.open(queue, config.queue, _now)
    try:
        made = _submissions(config, spool, messages, due_in_s, tenant)
        done = 0
        while batch := list(islice(made, BATCH)):
            await spool.accept(batch)
            done += len(batch)
            say(done)
    finally:
        spool.close()


def _submissions(
    config: Config, spool: LmdbSpool, messages: int, due_in_s: float, tenant: str
) -> Iterator[Submission]:
    partition_of = PartitionFinder(Routing.of(config), spool)
    next_id = MessageIdGenerator(_now, os.urandom)
    domains = [f"d{number}.{DOMAIN}" for number in range(DOMAINS)]
    partitions = [(partition_of(domain),) for domain in domains]
    header = f"From: <{SENDER}>\r\nMessage-ID: <{{}}@example.com>\r\n\r\n"
    for number in range(messages):
        domain = domains[number % DOMAINS]
        now = _now()
        head = header.format(number).encode()
        yield Submission(
            message_id=next_id(),
            tenant=tenant,
            envelope=Envelope(
                reverse_path=SENDER,
                recipients=(Recipient(forward_path=f"b{number}@{domain}", domain=domain),),
            ),
            content=head + _BODY * 13,
            header_octets=len(head),
            header_from="example.com",
            accepted=now,
            expires=UnixMs(now + 432_000_000),
            origin=_ORIGIN,
            partitions=partitions[number % DOMAINS],
            not_before=UnixMs(now + int(due_in_s * 1000)) if due_in_s else UnixMs(0),
        )


def _now() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)
