"""The parent of all processes: starts, watches, restarts, reloads and drains them. Never opens the queue."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from pathlib import Path
from typing import Final

from angarium.access.client_table import ClientTable
from angarium.config.address import HostPort
from angarium.config.error import ConfigError
from angarium.config.loader import load
from angarium.config.schema import Config
from angarium.host.identity import Identity, find_identity, refuse_closed_paths
from angarium.host.sockets import bind, bind_all
from angarium.host.sysexits import EX_CONFIG, EX_NOPERM, EX_OK, EX_UNAVAILABLE, StartError
from angarium.service.backoff import Backoff
from angarium.service.child import Child
from angarium.service.control import Failed, Reload, Stop
from angarium.service.data_dir import DataDir
from angarium.service.notify import Notifier
from angarium.service.reload import effective, needs_new_process, needs_restart
from angarium.service.slot import Slot, forget, slots_of
from angarium.service.state import blank
from angarium.telemetry.log import configure, log, log_exception, set_level

CLOSE_SOCKETS_FROM_S: Final = 1.0  # a longer wait for a crashed process refuses its clients instead
KILL_GRACE_S: Final = 4.0  # behind the drain, before SIGKILL


class Supervisor:
    """Invariants: (1) the lock of the data directory is held while a process of ours lives; (2) each slot has at
    most one process; (3) a configuration reaches processes only after all of it was checked.
    """

    def __init__(self, config: Config, file: Path, notifier: Notifier) -> None:
        self._config = config
        self._file = file
        self._notifier = notifier
        self._data_dir = DataDir(Path(config.server.data_dir))
        self._identity: Identity | None = None
        self._lock = -1
        self._clients_fd = ClientTable.create(len(config.listener), config.server.ingress_processes)
        self._clients = ClientTable(self._clients_fd)
        self._slots = slots_of(config)
        self._sockets: dict[Slot, list[socket.socket]] = {}
        self._addresses: list[HostPort] = []  # where the listeners really are
        self._children: dict[Slot, Child] = {}
        self._ready: set[Slot] = set()
        self._renewing: set[Slot] = (
            set()
        )  # their processes drain, and start anew with the changed configuration
        self._stopping = asyncio.Event()
        self._failure: Failed | None = None  # of a process that cannot start at all

    async def run(self) -> int:
        """Serve until told to stop; returns the exit code. Raises StartError."""
        self._start()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        try:
            async with asyncio.TaskGroup() as tasks:
                keepers = {slot: tasks.create_task(self._keep(slot)) for slot in self._slots}
                watchdog = tasks.create_task(self._watchdog())
                await self._stopping.wait()
                await self._drain(keepers)
                watchdog.cancel()
        finally:
            self._close_sockets()
            for fd in (self._lock, self._clients_fd):
                with contextlib.suppress(OSError):
                    os.close(fd)
        if self._failure is not None:
            raise StartError(self._failure.text, self._failure.code)
        log("stopped")
        return EX_OK

    def _start(self) -> None:
        config = self._config
        configure("supervisor", config.log.level)
        self._identity = find_identity(config.server)
        if os.geteuid() == 0 and self._identity is None:
            log("running_as_root", "warning", advice="set server.user to drop privileges")
        if self._identity is not None:
            refuse_closed_paths(self._identity, self._data_dir.path)
        self._data_dir.prepare(self._identity)
        self._lock = self._data_dir.acquire()
        self._data_dir.wipe_run(self._identity)
        ingress = [slot for slot in self._slots if slot.role == "ingress"]
        self._sockets = dict(zip(ingress, bind_all(config.listener, len(ingress)), strict=True))
        for listener, bound in zip(config.listener, self._sockets[ingress[0]], strict=True):
            address = HostPort(*bound.getsockname()[:2])
            self._addresses.append(address)
            log("listening", kind=listener.kind, address=str(address), tls=listener.tls)

    async def _keep(self, slot: Slot) -> None:
        """Keep one slot filled until the server stops."""
        backoff = Backoff()
        while not self._stopping.is_set():
            started = time.monotonic()
            status = await self._run_once(slot)
            forget(slot, self._data_dir.metrics)
            blank(self._data_dir.state, slot)
            if slot.role == "ingress":
                self._clients.clear(slot.index)
            if self._stopping.is_set():
                return
            if slot in self._renewing:  # it was told to end
                self._renewing.discard(slot)
                continue
            delay = backoff.delay_s(time.monotonic() - started)
            log("process_died", "error", slot=slot.name, status=status, restart_in_s=delay)
            if delay >= CLOSE_SOCKETS_FROM_S:
                self._close_sockets(slot)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    async def _run_once(self, slot: Slot) -> int | str:
        """Run one process in the slot; returns how it ended."""
        try:
            child = Child.spawn(
                slot,
                self._config,
                identity=self._identity,
                sockets=self._sockets_of(slot),
                clients=self._clients_fd,
                lock=self._lock,
            )
        except (OSError, StartError) as error:
            log_exception("spawn_failed", slot=slot.name)
            return str(error)
        self._children[slot] = child
        try:
            status = await child.run(lambda: self._on_ready(slot, child))
        finally:
            del self._children[slot]
        if child.failed is not None:
            log("process_failed", "error", slot=slot.name, reason=child.failed.text)
            if slot not in self._ready and child.failed.code in (
                EX_CONFIG,
                EX_NOPERM,
                EX_UNAVAILABLE,
            ):
                self._failure = child.failed
                self._stopping.set()
        return status

    def _on_ready(self, slot: Slot, child: Child) -> None:
        log("process_ready", slot=slot.name, child=child.pid)
        was_ready = self._all_ready()
        self._ready.add(slot)
        if self._all_ready() and not was_ready:
            log("ready", addresses=[str(each) for each in self._addresses])
            self._notifier.ready(f"serving with {len(self._slots)} processes")

    def _all_ready(self) -> bool:
        return len(self._ready) == len(self._slots)

    def _sockets_of(self, slot: Slot) -> list[socket.socket]:
        if slot.role != "ingress":
            return []
        if not self._sockets[slot]:  # closed while the process waited to be restarted
            self._sockets[slot] = [bind(each, str(each)) for each in self._addresses]
        return self._sockets[slot]

    def _close_sockets(self, slot: Slot | None = None) -> None:
        for each in [slot] if slot else list(self._sockets):
            for listening in self._sockets.get(each, []):
                listening.close()
            if each in self._sockets:
                self._sockets[each] = []

    def _reload(self) -> None:
        """Read the file again; a broken one is reported, and the server goes on as it was."""
        self._notifier.reloading()
        try:
            config = load(self._file)
        except ConfigError as error:
            for line in error.lines:
                log("configuration_refused", "error", problem=line)
            self._notifier.ready("serving; the changed configuration was refused")
            return
        if keys := needs_restart(self._config, config):
            log("restart_needed", "warning", keys=keys)
        old, self._config = self._config, effective(self._config, config)
        set_level(self._config.log.level)
        changed = needs_new_process(old, self._config)
        for slot, child in self._children.items():
            if slot.role in changed:
                log("process_renewed", slot=slot.name, because=changed[slot.role])
                self._renewing.add(slot)
                child.tell(Stop(self._config.server.drain_s))
            else:
                child.tell(Reload(self._config))
        log("configuration_reloaded", file=str(self._file))
        self._notifier.ready(f"serving with {len(self._slots)} processes")

    async def _drain(self, keepers: dict[Slot, asyncio.Task[None]]) -> None:
        """Stop who takes and sends mail, then who writes the log of it."""
        drain_s = self._config.server.drain_s
        self._notifier.stopping("draining")
        log("draining", drain_s=drain_s)
        self._close_sockets()
        for roles in (("ingress", "delivery"), ("platform",)):
            tasks = [task for slot, task in keepers.items() if slot.role in roles]
            for slot, child in self._children.items():
                if slot.role in roles:
                    child.tell(Stop(drain_s))
            _, late = await asyncio.wait(tasks, timeout=drain_s + KILL_GRACE_S)
            if late:
                for slot, child in list(self._children.items()):
                    if slot.role in roles:
                        log("process_killed", "warning", slot=slot.name, reason="did not drain")
                        child.kill()
                await asyncio.wait(tasks)

    async def _watchdog(self) -> None:
        if self._notifier.watchdog_s is None:
            return
        while True:
            self._notifier.alive()
            await asyncio.sleep(self._notifier.watchdog_s / 3)
