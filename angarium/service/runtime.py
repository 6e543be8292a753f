"""What a role gets from whoever runs it: a child process of the supervisor, or the single process."""

import asyncio
import contextlib
import functools
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from angarium import __version__
from angarium.access.client_table import ClientTable
from angarium.access.shared_rates import SharedRates
from angarium.config.schema import Config
from angarium.insight.admin.reloading import AskReload, ProcessReload, ReloadResult
from angarium.insight.admin.status import AskStatus, Status
from angarium.queue import LmdbSpool
from angarium.queue.wall_clock import wall_clock
from angarium.service.admin_socket import AdminSocket, Asker, Handlers
from angarium.service.data_dir import DataDir
from angarium.service.instance import InstanceFiles
from angarium.service.life.slot import Slot
from angarium.service.life.state import BEAT_S, StateFile
from angarium.service.life.watchers import Watchers
from angarium.service.spool_share import SpoolShare
from angarium.telemetry.log import log, log_exception, set_level
from angarium.telemetry.metrics import Metrics
from angarium.telemetry.process_gauges import ProcessGauges

ADOPTED_POLL_S: Final = 1.0
ADVICE: Final = "postmaster adopt, if the server that it is of sends nothing any more"

# Returns what it could not take, in words; None: nothing.
ReloadCallback = Callable[[Config], Awaitable[Sequence[str] | None]]


class Runtime:
    """One role's surroundings.

    A role calls ``ready`` once it does its work, watches ``stop``, and ends within ``drain_s`` of it, or within
    ``last_reply_s`` where a message that was sent waits for its last reply.
    """

    def __init__(
        self,
        slot: Slot,
        config: Config,
        *,
        slots: Sequence[Slot],
        is_single: bool = False,
        metrics: Metrics,
        spool: SpoolShare,
        sockets: Sequence[socket.socket],
        clients: ClientTable,
        rates: SharedRates,
    ) -> None:
        self.slot = slot
        self.slots = slots  # of the whole server
        self.is_single = is_single  # all roles share this process
        self.config = config  # as it was at the start; reloads go to on_reload
        self.sockets = tuple(sockets)  # ingress: in the order of config.listener
        self.clients = clients  # ingress: by the place in config.listener
        self.rates = rates  # ingress: of keys and tenants, over all its processes
        self.data_dir = DataDir(Path(config.server.data_dir))
        self.instance = InstanceFiles(self.data_dir.path)
        self.clock = wall_clock
        self.metrics = metrics  # of this process
        self._spool = spool
        self.random = random.Random()
        self.since = wall_clock()
        self.admin = AdminSocket(self.data_dir.path, slot.name)
        self.watchers = Watchers(slot, wall_clock)
        self.stop = asyncio.Event()
        self.drain_s = config.server.drain_s
        self.last_reply_s = max(config.server.last_reply_s, self.drain_s)
        self.is_ready = asyncio.Event()
        self._on_beat: Callable[[], None] = lambda: None
        self._reload: ReloadCallback | None = None
        self._reloaded: Callable[[ReloadResult], Awaitable[None]] | None = None
        self._reasons: Callable[[], Sequence[str]] = tuple
        self._notes: Callable[[], Sequence[str]] = tuple
        self.last_reload: ProcessReload | None = None
        self.ask_reload: Callable[[int], None] = lambda _: None  # whoever runs the role sets it
        self._reloads: dict[int, asyncio.Future[ReloadResult]] = {}  # asked for, by token
        self._state = StateFile(self.data_dir.state, slot)

    def ready(self, reasons: Callable[[], Sequence[str]] = tuple) -> None:
        """The role does its work from now on; ``reasons`` says each second why it does not, if so."""
        self._reasons = reasons
        self.is_ready.set()
        self._write_state()  # before anybody hears of it: /readyz must agree with systemd's "started"

    def on_notes(self, callback: Callable[[], Sequence[str]]) -> None:
        """Have ``postmaster status`` tell what ``callback`` says, though the role does its work."""
        self._notes = callback

    def on_reload(self, callback: ReloadCallback) -> None:
        self._reload = callback

    def on_reloaded(self, callback: Callable[[ReloadResult], Awaitable[None]]) -> None:
        """Have ``callback`` told what each reload of the server came to, the refused ones too."""
        self._reloaded = callback

    def on_beat(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called about once a second, before the metrics are shared."""
        self._on_beat = callback

    async def reload(self, config: Config | None, result: ReloadResult) -> None:
        """Take what of it changes in place. Logs what the role cannot take; then its old state stays."""
        problems: Sequence[str] = ()
        if config is not None:
            problems = await self._take(config)
        self.last_reload = ProcessReload(server=result, problems=tuple(problems))
        for token in result.answers:
            asked = self._reloads.pop(token, None)
            if asked is not None and not asked.done():
                asked.set_result(result)
        if self._reloaded is not None:
            await self._reloaded(result)

    async def _take(self, config: Config) -> Sequence[str]:
        set_level(config.log.level)
        problems: Sequence[str] = ()
        try:
            if self._reload is not None:
                problems = await self._reload(config) or ()
        except Exception as error:  # noqa: BLE001  (a task boundary)
            log_exception("reload_failed", slot=self.slot.name)
            return [f"a fault of ours, see the log: {error!r}"]
        for problem in problems:
            log("reload_refused", "error", problem=problem)
        log("reloaded", slot=self.slot.name)
        return problems

    async def answer_reload(self, _: AskReload, __: Asker) -> ReloadResult:
        """Have the whole server reload, and wait until it has."""
        token = self.random.getrandbits(62)
        asked: asyncio.Future[ReloadResult] = asyncio.get_running_loop().create_future()
        self._reloads[token] = asked
        try:
            self.ask_reload(token)
            return await asked
        finally:
            self._reloads.pop(token, None)

    async def run(
        self,
        role: Callable[["Runtime"], Awaitable[None]],
        on_ready: Callable[[], None],
        on_beat: Callable[[], None] = lambda: None,
    ) -> None:
        """Run the role to its end; say once that it is ready, and each second that the event loop turns."""

        async def say_ready() -> None:
            await self.is_ready.wait()
            on_ready()

        helpers = [asyncio.create_task(say_ready()), asyncio.create_task(self.beat(on_beat))]
        try:
            await role(self)
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    def open_spool(self) -> LmdbSpool:
        """Return the process's queue; give it back by ``close_spool``. Blocks. Raises StartError."""
        spool = self._spool.open()
        spool.observe_commits(self.metrics.queue.observe_commit)
        # By whichever process comes first: before new mail makes a restored queue as long as the lost one
        self.instance.claim(spool.events.last(), self.clock())
        return spool

    async def until_adopted(self) -> bool:
        """Wait while the data directory is held as a copy; False: the server stops meanwhile."""
        told = ""
        while held := self.instance.held():
            if held != told:
                told = held
                log("instance_held", "error", reason=held, advice=ADVICE)
                reason = f"nothing is sent: {held} ({ADVICE})"
                self.ready(functools.partial(tuple, [reason]))
            if await self._stops_within(ADOPTED_POLL_S):
                return False
        if told:
            log("instance_adopted")
        return True

    async def _stops_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
        return self.stop.is_set()

    def close_spool(self) -> None:
        self._spool.close()

    def request_stop(self, drain_s: float, last_reply_s: float) -> None:
        self.drain_s, self.last_reply_s = drain_s, last_reply_s
        self.stop.set()

    def reasons(self) -> Sequence[str]:
        if not self.is_ready.is_set():
            return ("starting",)
        return ("stopping",) if self.stop.is_set() else self._reasons()

    async def beat(self, report: Callable[[], None] = lambda: None) -> None:
        """Write the state each second until cancelled, and tell it to whom asks on the admin socket."""
        name = "single" if self.is_single else self.slot.name
        process = ProcessGauges(self.metrics, name)
        try:
            async with self.admin.answering(Handlers().on(AskStatus, self._status)):
                while True:
                    self._write_state()
                    with contextlib.suppress(OSError):  # a full disk: the next time may do
                        await self.admin.open()
                    try:
                        self._on_beat()
                        process.follow(time.monotonic())
                        self.metrics.flush()
                    except Exception as error:  # noqa: BLE001  (the role itself may do well)
                        log_exception("internal_error", error, where="beat")
                    report()
                    due = time.monotonic() + BEAT_S
                    await asyncio.sleep(BEAT_S)
                    self.metrics.process.late.observe(max(0.0, time.monotonic() - due))
        finally:
            self.metrics.flush()
            self._state.close()
            await self.admin.close()

    async def _status(self, _: AskStatus, __: Asker) -> Status:
        return Status(
            slot=self.slot.name,
            pid=os.getpid(),
            version=__version__,
            since=self.since,
            reasons=tuple(self.reasons()),
            watchers=len(self.watchers),
            notes=tuple(self._notes()),
            reload=self.last_reload,
        )

    def _write_state(self) -> None:
        with contextlib.suppress(OSError):  # a full disk: readers see an old beat, the work goes on
            self._state.write(self.reasons())
