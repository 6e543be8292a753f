"""The parent of all processes: starts, watches, restarts and ends them. Never opens the queue.

One of the two drivers of ``server_life``; what it does not say is there.
"""

import asyncio
import contextlib
import os
import socket
import time
from typing import Final

import msgspec

from angarium.access.client_table import ClientTable
from angarium.access.shared_rates import SharedRates
from angarium.host.sockets import bind
from angarium.host.sysexits import EX_OK, EX_SOFTWARE, EX_TEMPFAIL, StartError
from angarium.insight.admin.reloading import ReloadResult
from angarium.service.life.backoff import FIRST_S, Backoff
from angarium.service.life.child import Child
from angarium.service.life.control import Failed, Reload, Start, Stop
from angarium.service.life.nursery import Descriptors, Nursery, environment_of
from angarium.service.life.server_life import ServerLife
from angarium.service.life.slot import Slot, forget
from angarium.service.life.state import blank
from angarium.service.premises import Premises
from angarium.telemetry.log import configure, log, log_exception

CLOSE_SOCKETS_FROM_S: Final = 1.0  # a longer wait for a crashed process refuses its clients instead
REAP_S: Final = 5.0
KILL_GRACE_S: Final = 5.0  # behind the drain, before SIGKILL
# A first start that ends in another way ends the server: to try again is no use.
_MAY_MEND: Final = (EX_OK, EX_SOFTWARE, EX_TEMPFAIL)


async def supervise(life: ServerLife) -> None:
    """Serve until told to stop. Raises StartError."""
    configure("supervisor", life.config.log.level)
    listening = [slot for slot in life.slots if life.table.find(slot.role).listens]
    premises = Premises(life.config, len(listening))
    clients = ClientTable.create(len(life.config.listener), len(listening))
    rates = SharedRates.create()
    runs = dict.fromkeys(life.table.find(slot.role).run for slot in life.slots)
    nursery = Nursery(run.partition(":")[0] for run in runs)
    reaping = asyncio.create_task(_reap(nursery))
    try:
        sockets = dict(zip(listening, premises.sockets, strict=True))
        shared = Descriptors(clients=clients, rates=rates, lock=premises.lock)
        processes = _Processes(life, premises, nursery, sockets, shared)
        await life.run(processes, premises.addresses)
    finally:
        reaping.cancel()
        nursery.close()
        premises.close()
        os.close(clients)
        os.close(rates)
    if processes.failure is not None:
        raise StartError(processes.failure.text, processes.failure.code)


async def _reap(nursery: Nursery) -> None:
    while True:
        await asyncio.sleep(REAP_S)
        nursery.reap_strangers()


class _Processes:
    """Implements Driver.

    Invariant SV1: each slot has at most one process.
    """

    can_renew = True
    grace_s = KILL_GRACE_S

    def __init__(
        self,
        life: ServerLife,
        premises: Premises,
        nursery: Nursery,
        sockets: dict[Slot, list[socket.socket]],
        shared: Descriptors,
    ) -> None:
        """``shared`` is what all processes get; those in ``sockets`` get their listeners, too."""
        self.status = f"serving with {len(life.slots)} processes"
        self.failure: Failed | None = None  # of a process that cannot start at all
        self._life = life
        self._premises = premises
        self._sockets = sockets  # of the slots that listen
        self._nursery = nursery
        self._shared = shared
        self._clients = ClientTable(shared.clients)
        self._children: dict[Slot, Child] = {}
        self._stopping: dict[Slot, Stop] = {}  # who was told to, and whoever is being born there
        self._failed: dict[Slot, Failed] = {}  # why the last process of a slot ended, as it said
        # Their processes drain, and start anew with the changed configuration.
        self._renewing: set[Slot] = set()

    async def keep(self, slot: Slot) -> None:
        backoff = Backoff()
        told = ""  # why it failed: said once, however often it is tried again
        stopping, data_dir = self._life.stopping, self._premises.data_dir
        while not stopping.is_set():
            started = time.monotonic()
            status = await self._run_once(slot)  # SV1
            failed = self._failed.pop(slot, None)
            forget(slot, data_dir.metrics_directory())
            blank(data_dir.state_directory(), slot)
            if slot in self._sockets:
                self._clients.clear(slot.index)
            if stopping.is_set():
                return
            if slot in self._renewing:  # it was told to end
                self._renewing.discard(slot)
                continue
            delay = backoff.delay_s(time.monotonic() - started)
            if failed is None:
                log("process_died", "error", slot=slot.name, status=status, restart_in_s=delay)
            elif failed.text != told or delay == FIRST_S:
                log(
                    "process_failed",
                    "error",
                    slot=slot.name,
                    reason=failed.text,
                    status=status,
                    restart_in_s=delay,
                )
            told = "" if failed is None else failed.text
            if delay >= CLOSE_SOCKETS_FROM_S:
                self._close_sockets(slot)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await stopping.wait()

    def lose_patience(self) -> None:
        for child in self._children.values():
            child.lose_patience()

    def stop(self, slot: Slot, order: Stop) -> None:
        self._close_sockets(slot)
        self._stopping[slot] = order
        if (child := self._children.get(slot)) is not None:
            child.tell(order)

    def kill(self, slot: Slot) -> None:
        if (child := self._children.get(slot)) is not None:
            child.kill()

    def renew(self, slot: Slot, result: ReloadResult) -> None:
        if (child := self._children.get(slot)) is not None:  # else its next one reads the new one
            self._renewing.add(slot)
            child.tell(Reload(config=None, result=result))  # somebody may wait for it there
            child.tell(self._life.stop_order())

    async def reload(self, slot: Slot, order: Reload) -> None:
        if (child := self._children.get(slot)) is not None:
            child.tell(order)

    async def _run_once(self, slot: Slot) -> int | str:
        """Run one process in the slot; returns how it ended."""
        try:
            child = await Child.spawn(
                self._nursery, slot, self._descriptors(slot), self._environment()
            )
        except (OSError, StartError) as error:
            log_exception("spawn_failed", slot=slot.name)
            return str(error)
        self._children[slot] = child
        child.tell(self._order(slot))  # as things are now that it is there
        if (told := self._stopping.get(slot)) is not None:
            child.tell(told)

        def on_ready() -> None:
            log("process_ready", slot=slot.name, child=child.pid)
            self._life.on_ready(slot, self.status)

        try:
            status = await child.run(on_ready, self._life.ask_reload)
        finally:
            del self._children[slot]
        if child.was_silent:
            log("process_killed", "warning", slot=slot.name, reason="said nothing")
        if child.failed is not None:
            self._failed[slot] = child.failed
            is_first = not self._life.was_ready(slot) and self.failure is None
            if is_first and child.failed.code not in _MAY_MEND:
                self.failure = child.failed  # who started us says it
                self._life.stopping.set()
        return status

    def _descriptors(self, slot: Slot) -> Descriptors:
        """Raises StartError: a port that was closed meanwhile is somebody else's now."""
        listeners = tuple(each.fileno() for each in self._sockets_of(slot))
        return msgspec.structs.replace(self._shared, listeners=listeners)

    def _environment(self) -> dict[str, str]:
        if self._premises.identity is None:
            return environment_of(None)
        routes = self._life.config.route
        return environment_of([each.password_env for each in routes if each.password_env])

    def _order(self, slot: Slot) -> Start:
        return Start(
            run=self._life.table.find(slot.role).run,
            slots=self._life.slots,
            config=self._life.config,
            identity=self._premises.identity,
            reload=self._life.last_reload,
        )

    def _sockets_of(self, slot: Slot) -> list[socket.socket]:
        sockets = self._sockets.get(slot)
        if sockets is None:
            return []
        if not sockets:  # closed while the process waited to be restarted
            sockets += [bind(each, str(each)) for each in self._premises.addresses]
        return sockets

    def _close_sockets(self, slot: Slot) -> None:
        sockets = self._sockets.get(slot, [])
        for each in sockets:
            each.close()
        sockets.clear()  # the premises' own list: nothing is left to close twice
