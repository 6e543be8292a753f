"""All roles in one event loop: development, tests, small machines. No supervisor: a crash ends the server."""

import asyncio
import os
import signal
from pathlib import Path

from angarium.access.client_table import ClientTable
from angarium.config.address import HostPort
from angarium.config.error import ConfigError
from angarium.config.loader import load
from angarium.config.schema import Config
from angarium.host.identity import find_identity, refuse_closed_paths
from angarium.host.sockets import bind_all
from angarium.host.sysexits import EX_OK, EX_SOFTWARE, find_start_error
from angarium.service.data_dir import DataDir
from angarium.service.notify import Notifier
from angarium.service.privileges import drop, harden
from angarium.service.reload import effective, needs_new_process, needs_restart
from angarium.service.role import Role, find_role
from angarium.service.runtime import Runtime, wall_clock
from angarium.service.slot import Slot
from angarium.service.spool_share import SpoolShare
from angarium.service.tuning import tune
from angarium.telemetry.log import configure, log, log_exception, set_level
from angarium.telemetry.metrics import Metrics

ROLES = ("platform", "delivery", "ingress")


def single_slots() -> list[Slot]:
    return [Slot(name, 0) for name in ROLES]


def serve_single(config: Config, file: Path, notifier: Notifier) -> int:
    """Serve until told to stop; returns the exit code, EX_SOFTWARE when a role failed. Raises StartError."""
    import uvloop

    configure("single", config.log.level)
    identity = find_identity(config.server)
    if os.geteuid() == 0 and identity is None:
        log("running_as_root", "warning", advice="set server.user to drop privileges")
    data_dir = DataDir(Path(config.server.data_dir))
    if identity is not None:
        refuse_closed_paths(identity, data_dir.path)
    data_dir.prepare(identity)
    lock = data_dir.acquire()
    data_dir.wipe_run(identity)
    (sockets,) = bind_all(config.listener, 1)
    addresses = [str(HostPort(*each.getsockname()[:2])) for each in sockets]
    for listener, address in zip(config.listener, addresses, strict=True):
        log("listening", kind=listener.kind, address=address, tls=listener.tls)
    roles = {slot: find_role(slot.role) for slot in single_slots()}
    if identity is not None:
        drop(identity)
    harden(None)
    tune()
    os.umask(0o077)
    try:
        spool = SpoolShare(data_dir.queue, config.queue, wall_clock)
        metrics = Metrics()
        clients = ClientTable.of_one_process(len(config.listener))
        runtimes = {
            slot: Runtime(
                slot,
                config,
                slots=single_slots(),
                is_single=True,
                metrics=metrics,
                spool=spool,
                sockets=sockets,
                clients=clients,
            )
            for slot in roles
        }
        uvloop.run(_Single(config, file, notifier, runtimes, roles).run(addresses))
    except ExceptionGroup as group:
        if (error := find_start_error(group)) is not None:
            raise error from None
        log_exception("role_failed", group)
        return EX_SOFTWARE
    finally:
        for each in sockets:
            each.close()
        os.close(lock)
    log("stopped")
    return EX_OK


class _Single:
    def __init__(
        self,
        config: Config,
        file: Path,
        notifier: Notifier,
        runtimes: dict[Slot, Runtime],
        roles: dict[Slot, Role],
    ) -> None:
        self._config = config
        self._file = file
        self._notifier = notifier
        self._runtimes = runtimes
        self._roles = roles
        self._stop = asyncio.Event()
        self._reload_asked = asyncio.Event()

    async def run(self, addresses: list[str]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        async with asyncio.TaskGroup() as tasks:
            running = {slot: tasks.create_task(self._run_role(slot)) for slot in self._runtimes}
            helpers = [
                *(tasks.create_task(each.beat()) for each in self._runtimes.values()),
                tasks.create_task(self._obey_reloads()),
                tasks.create_task(self._say_ready(addresses)),
                tasks.create_task(self._watchdog()),
            ]
            await self._stop.wait()
            await self._drain(running)
            for task in helpers:
                task.cancel()

    async def _run_role(self, slot: Slot) -> None:
        await self._roles[slot](self._runtimes[slot])
        if not self._stop.is_set():
            log("role_ended_early", "error", slot=slot.name)
            self._stop.set()

    async def _drain(self, running: dict[Slot, asyncio.Task[None]]) -> None:
        drain_s = self._config.server.drain_s
        self._notifier.stopping("draining")
        log("draining", drain_s=drain_s)
        for roles in (("ingress", "delivery"), ("platform",)):
            slots = [slot for slot in running if slot.role in roles]
            for slot in slots:
                self._runtimes[slot].request_stop(drain_s)
            _, late = await asyncio.wait([running[slot] for slot in slots], timeout=drain_s + 1)
            for task in late:
                task.cancel()

    async def _obey_reloads(self) -> None:
        while True:
            await self._reload_asked.wait()
            self._reload_asked.clear()
            self._notifier.reloading()
            await self._reload()
            self._notifier.ready("serving in one process")

    async def _reload(self) -> None:
        try:
            config = load(self._file)
        except ConfigError as error:
            for line in error.lines:
                log("configuration_refused", "error", problem=line)
            return
        keys = needs_restart(self._config, config)
        for tables in needs_new_process(self._config, config).values():
            keys += [table for table in tables if table not in keys]
        if keys:
            log("restart_needed", "warning", keys=keys)
        self._config = effective(self._config, config)
        set_level(self._config.log.level)
        for slot, runtime in self._runtimes.items():
            try:
                await runtime.reload(self._config)
            except Exception:  # noqa: BLE001  (a task boundary; the old state stays)
                log_exception("reload_failed", slot=slot.name)
        log("configuration_reloaded", file=str(self._file))

    async def _say_ready(self, addresses: list[str]) -> None:
        for runtime in self._runtimes.values():
            await runtime.is_ready.wait()
        log("ready", addresses=addresses)
        self._notifier.ready("serving in one process")

    async def _watchdog(self) -> None:
        while self._notifier.watchdog_s is not None:
            self._notifier.alive()
            await asyncio.sleep(self._notifier.watchdog_s / 3)
