"""All roles in one event loop: development, tests, small machines. No supervisor: a crash ends the server.

The other driver of ``server_life``; what it does not say is there.
"""

import asyncio
import os

from angarium.access.client_table import ClientTable
from angarium.access.shared_rates import SharedRates
from angarium.feedback.classifier import phrases
from angarium.host.sysexits import find_start_error
from angarium.insight.admin.reloading import ReloadResult
from angarium.queue.wall_clock import wall_clock
from angarium.service.life.control import Reload, Stop
from angarium.service.life.privileges import drop, harden
from angarium.service.life.server_life import ServerLife
from angarium.service.life.slot import Slot
from angarium.service.premises import Premises
from angarium.service.role_table import Run, import_run
from angarium.service.runtime import Runtime
from angarium.service.spool_share import SpoolShare
from angarium.service.tuning import tune
from angarium.telemetry.log import configure, log, log_exception
from angarium.telemetry.metrics import Metrics


def serve_single(life: ServerLife) -> bool:
    """Serve until told to stop; False: a role failed. Raises StartError."""
    import uvloop

    configure("single", life.config.log.level)
    premises = Premises(life.config, 1)
    try:
        runs = {slot: import_run(life.table.find(slot.role).run) for slot in life.slots}
        if premises.identity is not None:
            drop(premises.identity)
        harden(None)
        tune()
        phrases()  # as the nursery: no reply waits for it
        os.umask(0o077)
        tasks = _Tasks(life, runs, _runtimes(life, premises))
        uvloop.run(life.run(tasks, premises.addresses))
    except ExceptionGroup as group:
        if (error := find_start_error(group)) is not None:
            raise error from None
        log_exception("role_failed", group)
        return False
    finally:
        premises.close()
    return True


def _runtimes(life: ServerLife, premises: Premises) -> dict[Slot, Runtime]:
    """Return the surroundings of roles that share a process, its queue and its metrics."""
    spool = SpoolShare(premises.data_dir.queue, life.config.queue, wall_clock)
    metrics = Metrics()
    clients = ClientTable.of_one_process(len(life.config.listener))
    rates = SharedRates.of_one_process()
    return {
        slot: Runtime(
            slot,
            life.config,
            slots=life.slots,
            is_single=True,
            metrics=metrics,
            spool=spool,
            sockets=premises.sockets[0] if life.table.find(slot.role).listens else (),
            clients=clients,
            rates=rates,
        )
        for slot in life.slots
    }


class _Tasks:
    """Implements Driver."""

    status = "serving in one process"
    can_renew = False
    grace_s = 4.0

    def __init__(
        self, life: ServerLife, runs: dict[Slot, Run], runtimes: dict[Slot, Runtime]
    ) -> None:
        self._life = life
        self._runs = runs
        self._runtimes = runtimes
        self._keepers: dict[Slot, asyncio.Task[None] | None] = {}

    async def keep(self, slot: Slot) -> None:
        self._keepers[slot] = asyncio.current_task()
        self._runtimes[slot].ask_reload = self._life.ask_reload
        await self._runtimes[slot].run(
            self._runs[slot], lambda: self._life.on_ready(slot, self.status)
        )
        if not self._life.stopping.is_set():
            log("role_ended_early", "error", slot=slot.name)
            self._life.stopping.set()

    def lose_patience(self) -> None:
        pass  # we would hang as well

    def stop(self, slot: Slot, order: Stop) -> None:
        self._runtimes[slot].request_stop(order.drain_s, order.last_reply_s)

    def kill(self, slot: Slot) -> None:
        if (keeper := self._keepers.get(slot)) is not None:
            keeper.cancel()

    def renew(self, slot: Slot, result: ReloadResult) -> None:
        raise NotImplementedError  # can_renew

    async def reload(self, slot: Slot, order: Reload) -> None:
        await self._runtimes[slot].reload(order.config, order.result)
