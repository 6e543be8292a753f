"""The campaigns role's composition root. Where nobody has a campaign nothing of what sends one is imported."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from angarium.config.schema import Config
from angarium.host.sysexits import StartError
from angarium.queue import LmdbSpool, QueueFailedError
from angarium.queue.ledger.writing import CONSUMER
from angarium.service.bells import open_doorbell
from angarium.service.runtime import Runtime
from angarium.telemetry.log import log_exception

if TYPE_CHECKING:
    from angarium.service.campaigns.parts import CampaignParts

POLL_S: Final = 0.5
RETRY_S: Final = 5.0
# Between two looks for what is to be forgotten
FORGET_S: Final = 3600.0
# Ours: so much of a turn's time others have the queue's write lock to themselves, while the next batch is made. Not by
# being nice: the lock would be held by who does not run
REST: Final = 0.1


async def run_campaigns(runtime: Runtime) -> None:
    """The composition root of the role. Raises StartError, QueueError."""
    spool = runtime.open_spool()
    doorbell = open_doorbell(runtime, spool)
    role = _Campaigns(runtime, spool)
    try:
        runtime.on_reload(role.reload)
        runtime.on_beat(role.beat)
        runtime.ready()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(role.run())
            failing = tasks.create_task(spool.fail())
            await runtime.stop.wait()
            failing.cancel()
    finally:
        await role.close()
        if doorbell is not None:
            doorbell.close()
        runtime.close_spool()


class _Campaigns:
    def __init__(self, runtime: Runtime, spool: LmdbSpool) -> None:
        self._runtime = runtime
        self._spool = spool
        self._config = runtime.config
        self._parts: CampaignParts | None = None  # once they are needed

    async def reload(self, config: Config) -> Sequence[str]:
        self._config = config
        if self._parts is not None:
            try:
                self._parts.exchange(config)
            except StartError as error:
                return (str(error),)
        return ()

    def beat(self) -> None:
        if self._parts is not None:
            self._parts.beat()

    async def run(self) -> None:
        """Until told to stop. Raises QueueFailedError."""
        stop = self._runtime.stop
        while not stop.is_set() and not self._has_any():
            await _pause(stop, POLL_S)
        if stop.is_set():
            return
        from angarium.service.campaigns.parts import CampaignParts

        self._parts = CampaignParts(self._runtime, self._spool, self._config)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._parts.follow(stop))
            tasks.create_task(self._turn(self._parts))
            tasks.create_task(self._forget(self._parts))

    def _has_any(self) -> bool:
        """Whether there is a campaign, or ever was one: what is opened or clicked counts later, too."""
        return CONSUMER in self._spool.events.consumers()

    async def _turn(self, parts: "CampaignParts") -> None:
        stop = self._runtime.stop
        while not stop.is_set():
            wait_s, begun = POLL_S, time.monotonic()
            try:
                if await parts.runner.turn():
                    wait_s = REST * (time.monotonic() - begun)
            except QueueFailedError:
                raise
            except Exception as error:  # noqa: BLE001 - a task boundary: the ledger says where it goes on
                log_exception("campaigns_failed", error)
                wait_s = RETRY_S
            await _pause(stop, wait_s)

    async def _forget(self, parts: "CampaignParts") -> None:
        while not self._runtime.stop.is_set():
            try:
                await parts.forget()
            except QueueFailedError:
                raise
            except Exception as error:  # noqa: BLE001 - a task boundary: an hour later it may do
                log_exception("campaigns_failed", error)
            await _pause(self._runtime.stop, FORGET_S)

    async def close(self) -> None:
        if self._parts is not None:
            await self._parts.close()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
