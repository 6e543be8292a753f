"""A server from its start to its end: readiness, reload and drain, written once for whatever drives its roles.

Start with ``ServerLife.run``. A ``Driver`` fills the slots, with processes or with tasks; it knows how a role is told,
not when.
"""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from angarium.config.address import HostPort
from angarium.config.error import ConfigError
from angarium.config.loader import load
from angarium.config.schema import Config
from angarium.insight.admin.reloading import ReloadResult
from angarium.queue.wall_clock import wall_clock
from angarium.service.life.control import Reload, Stop
from angarium.service.life.notify import Notifier
from angarium.service.life.reload import plan_reload
from angarium.service.life.slot import Slot
from angarium.service.role_table import RoleTable
from angarium.telemetry.log import log, set_level

# Ours: what a stage of the drain has at least, when those before it took all the time.
LEAST_S: Final = 5.0


class Driver(Protocol):
    """Heavier than other protocols: it is the whole difference between several processes and one."""

    status: str  # for systemd, while it serves
    can_renew: bool  # a role can be started anew by itself
    grace_s: float  # behind the drain, before who is late is killed

    async def keep(self, slot: Slot) -> None:
        """Keep the slot filled until the server stops; returns when it is empty then. Raises: the server fails."""
        ...

    def lose_patience(self) -> None:
        """The server stops: who hangs ends now, whatever its stage, since others may wait for what it holds."""
        ...

    def stop(self, slot: Slot, order: Stop) -> None:
        """Tell whoever fills it to end."""
        ...

    def kill(self, slot: Slot) -> None:
        """It did not end."""
        ...

    def renew(self, slot: Slot, result: ReloadResult) -> None:
        """Have it ended, and filled anew by the present configuration."""
        ...

    async def reload(self, slot: Slot, order: Reload) -> None:
        """Hand the order on."""
        ...


class ServerLife:
    """Invariant SL1: a configuration reaches roles only after all of it was checked."""

    def __init__(
        self,
        table: RoleTable,
        slots: Sequence[Slot],
        config: Config,
        file: Path,
        notifier: Notifier,
    ) -> None:
        self.table = table
        self.slots = tuple(slots)
        self.config = config  # as it holds now
        self.stopping = asyncio.Event()
        self._file = file
        self._notifier = notifier
        self.last_reload: ReloadResult | None = None
        self._reload_asked = asyncio.Event()
        self._answered: list[int] = []  # by the reload under way
        self._askers: list[int] = []  # tokens of those who wait for the next reload
        self._ready: set[Slot] = set()
        self._addresses: Sequence[HostPort] = ()

    async def run(self, driver: Driver, addresses: Sequence[HostPort]) -> None:
        """Serve until told to stop. Raises (in an ExceptionGroup) what made a role fail for good."""
        self._addresses = addresses
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        async with asyncio.TaskGroup() as tasks:
            keepers = {slot: tasks.create_task(driver.keep(slot)) for slot in self.slots}
            helpers = [
                tasks.create_task(self._obey_reloads(driver)),
                tasks.create_task(self._watchdog()),
            ]
            await self.stopping.wait()
            await self._drain(driver, keepers)
            for each in helpers:
                each.cancel()

    def on_ready(self, slot: Slot, status: str) -> None:
        """A slot does its work, perhaps anew. Once all do, the server is ready."""
        was_ready = self._all_ready()
        self._ready.add(slot)
        if self._all_ready() and not was_ready:
            log("ready", addresses=[str(each) for each in self._addresses])
            self._notifier.ready(status)

    def stop_order(self, passed_s: float = 0.0) -> Stop:
        """Return what who is to end is told, so long after the drain began."""
        server = self.config.server
        drain_s = max(server.drain_s - passed_s, min(server.drain_s, LEAST_S))
        return Stop(drain_s=drain_s, last_reply_s=max(server.last_reply_s - passed_s, drain_s))

    def ask_reload(self, token: int) -> None:
        """As SIGHUP does; whoever asks hears of it by the token."""
        self._askers.append(token)
        self._reload_asked.set()

    def was_ready(self, slot: Slot) -> bool:
        return slot in self._ready

    def _all_ready(self) -> bool:
        return len(self._ready) == len(self.slots)

    async def _obey_reloads(self, driver: Driver) -> None:
        while True:
            await self._reload_asked.wait()
            self._reload_asked.clear()
            self._answered, self._askers = (
                self._askers,
                [],
            )  # who asks later wants what is written later
            self._notifier.reloading()
            try:
                new = load(self._file)
            except ConfigError as error:
                for line in error.lines:
                    log("configuration_refused", "error", problem=line)
                result = self._result(refused=tuple(error.lines))
                for slot in self.slots:
                    await driver.reload(slot, Reload(config=None, result=result))
                self._notifier.ready("serving; the changed configuration was refused")
                continue
            await self._reload(driver, new)
            self._notifier.ready(driver.status)

    async def _reload(self, driver: Driver, new: Config) -> None:
        plan = plan_reload(self.table, self.config, new, can_renew=driver.can_renew)
        if plan.restart:
            log("restart_needed", "warning", keys=plan.restart)
        self.config = plan.config  # SL1
        set_level(self.config.log.level)
        renewed = tuple(slot.name for slot in self.slots if slot.role in plan.anew)
        result = self._result(restart=tuple(plan.restart), renewed=renewed)
        for slot in self.slots:
            because = plan.anew.get(slot.role)
            if because is None:
                await driver.reload(slot, Reload(config=self.config, result=result))
            else:
                log("process_renewed", slot=slot.name, because=because)
                driver.renew(slot, result)
        log("configuration_reloaded", file=str(self._file))

    def _result(self, **what: tuple[str, ...]) -> ReloadResult:
        number = 1 if self.last_reload is None else self.last_reload.number + 1
        answers, self._answered = tuple(self._answered), []
        result = ReloadResult(number=number, at=wall_clock(), answers=answers, **what)
        self.last_reload = msgspec.structs.replace(result, answers=())
        return result

    async def _drain(self, driver: Driver, keepers: dict[Slot, asyncio.Task[None]]) -> None:
        """Stop the roles stage by stage, as the table has it."""
        began = asyncio.get_running_loop().time()
        self._notifier.stopping("draining")
        log("draining", drain_s=self.config.server.drain_s)
        driver.lose_patience()
        for stage in self.table.drain_stages:  # RL1
            slots = [slot for slot in self.slots if slot.role in stage]
            if not slots:  # a role may have no process
                continue
            order = self.stop_order(asyncio.get_running_loop().time() - began)
            for slot in slots:
                driver.stop(slot, order)
            tasks = [keepers[slot] for slot in slots]
            _, late = await asyncio.wait(tasks, timeout=order.last_reply_s + driver.grace_s)
            for slot in slots:
                if keepers[slot] in late:
                    log("process_killed", "warning", slot=slot.name, reason="did not drain")
                    driver.kill(slot)
            if late:
                await asyncio.wait(late)

    async def _watchdog(self) -> None:
        while self._notifier.watchdog_s is not None:
            self._notifier.alive()
            await asyncio.sleep(self._notifier.watchdog_s / 3)
