"""How a process that delivers nothing says that something is due."""

import asyncio

from angarium.queue import LmdbSpool
from angarium.queue.doorbell import DoorbellSender, doorbell_path
from angarium.service.runtime import Runtime


def open_doorbell(runtime: Runtime, spool: LmdbSpool) -> DoorbellSender | None:
    """Ring the delivery processes when something is due; in one process, delivery listens to the queue itself."""
    if runtime.is_single:
        return None
    loop = asyncio.get_running_loop()
    count = runtime.config.server.delivery_processes
    sender = DoorbellSender([doorbell_path(runtime.data_dir.path, each) for each in range(count)])
    spool.wakeups(lambda partition: sender.ring_soon(loop, partition))
    return sender
