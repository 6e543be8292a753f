"""Looks at all tracking hosts, at once when something is new and then daily; says what has changed.

What a look comes to is ``tenancy.tracking_host_check``'s. A host that leads here, and has its certificate, is used in
mail without anybody's doing; one that no longer does is not, and links of before go wherever it leads.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import msgspec

from angarium.queue import UnixMs
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import TRACKING_HOST_STATES, Metrics
from angarium.tenancy import SnapshotFile, TenancySetupError
from angarium.tenancy.model import TrackingHostState
from angarium.tenancy.tracking_host_check import (
    FAILED_MS,
    SOON_MS,
    HostCheck,
    HostFinding,
    next_look,
)
from angarium.tenancy.tracking_policy import TrackingHost

LOOK_S: Final = 0.5
AT_ONCE: Final = 4  # hosts; ours: those of others are not hurried
WITHIN_S: Final = 90.0  # one host
AFTER_TROUBLE_MS: Final = 60_000
LookAt = Callable[[TrackingHost, str | None], Awaitable[tuple[HostFinding, ...]]]


class Keeping(Protocol):
    """``host_keeping.HostKeeping`` does."""

    async def read_checks(self) -> Mapping[str, HostCheck]: ...

    async def find_owner_problem(self, host: TrackingHost) -> str | None: ...

    async def keep(self, check: HostCheck) -> TrackingHost | None: ...


class HostWatch:
    """The server's own host (tenant "") is looked at, too; what is found of it is only in memory.

    Invariant HW1: one look never takes a host out of use: after the first that fails, another comes a minute later.
    Invariant HW2: at most AT_ONCE hosts are looked at, each once at a time.
    """

    def __init__(
        self,
        snapshots: SnapshotFile,
        keeping: Keeping,
        look_at: LookAt,
        clock: Callable[[], UnixMs],
        metrics: Metrics,
        own_host: str,
    ) -> None:
        """``look_at``: a host, and why it is no longer its tenant's. ``own_host``: "": there is none."""
        self._snapshots = snapshots
        self._keeping = keeping
        self._look_at = look_at
        self._clock = clock
        self._metrics = metrics
        self._own = TrackingHost(host=own_host, tenant="", created=clock()) if own_host else None
        # Caches, of what the database has of each host
        self._checks: dict[str, HostCheck] | None = None  # None: not read yet
        self._due: dict[str, tuple[UnixMs, TrackingHost]] = {}
        self._of: object = None
        self._doubted: set[str] = set()
        self._under_way: set[str] = set()
        self._rest_until = UnixMs(0)
        self._trouble = ""

    def states(self) -> Mapping[str, TrackingHostState]:
        """Return what is known of each host."""
        return {host: known.state for host, (_, known) in self._due.items()}

    def hurry(self, host: str) -> None:
        """Look at a host at once: something of it has changed."""
        if (known := self._due.get(host)) is not None:
            self._due[host] = (UnixMs(0), known[1])

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self.turn(tasks)
                await asyncio.sleep(LOOK_S)

    async def turn(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to look at what is due, as far as there is room; the rest waits."""
        now = self._clock()
        if now < self._rest_until:
            return
        try:
            await self._follow()
        except TenancySetupError as error:
            self._rest(str(error))
            return
        except Exception as error:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("internal_error", error, where="tracking hosts")
            self._rest_until = UnixMs(now + AFTER_TROUBLE_MS)
            return
        free = AT_ONCE - len(self._under_way)  # HW2
        due = [
            (at, each)
            for at, each in self._due.values()
            if at <= now and each.host not in self._under_way
        ]
        for _, host in sorted(due, key=lambda each: each[0])[:free]:
            self._under_way.add(host.host)
            tasks.create_task(self._look(host))

    # ----------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Take over what was published of hosts."""
        self._snapshots.refresh()
        snapshot = self._snapshots.current
        if self._of is snapshot:
            return
        published = dict(snapshot.tracking_hosts)
        if self._checks is None:
            self._checks = dict(await self._keeping.read_checks()) if published else {}
        if self._own is not None:
            known = self._due.get(self._own.host)
            published[self._own.host] = self._own if known is None else known[1]
        for gone in self._due.keys() - published.keys():
            del self._due[gone]
            self._checks.pop(gone, None)
        for host in published.values():
            if host.host not in self._due or self._due[host.host][1] != host:
                self._due[host.host] = (self._next(host), host)
        self._of = snapshot
        self._show()

    async def _look(self, host: TrackingHost) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._look_once(host)
            self._trouble = ""
        except TimeoutError:
            self._postpone(host, FAILED_MS)
            log("tracking_host_not_checked", "warning", host=host.host, within_s=WITHIN_S)
        except TenancySetupError as error:
            self._postpone(host)
            self._rest(str(error))
        except Exception as error:  # noqa: BLE001  (one host must not end the others)
            self._postpone(host)
            log_exception("internal_error", error, where="tracking hosts")
        finally:
            self._under_way.discard(host.host)

    async def _look_once(self, host: TrackingHost) -> None:
        began = self._clock()
        owner_problem = await self._keeping.find_owner_problem(host) if host.tenant else None
        findings = await self._look_at(host, owner_problem)
        check = HostCheck(host=host.host, checked=began, findings=findings)
        state = check.state_after(host.state)
        if host.state == "verified" and state != "verified" and host.host not in self._doubted:
            self._doubted.add(host.host)  # HW1
            self._postpone(host, SOON_MS)
            return
        self._doubted.discard(host.host)
        if host.tenant:
            after = await self._keeping.keep(check)
        else:
            after = msgspec.structs.replace(host, state=state)
        if after is not None:
            self._note(host, after, check)

    def _note(self, before: TrackingHost, after: TrackingHost, check: HostCheck) -> None:
        assert self._checks is not None  # ``_follow`` came before
        if after.host not in self._due:
            return  # removed meanwhile
        is_first = after.host not in self._checks
        self._checks[after.host] = check
        self._due[after.host] = (self._next(after), after)
        self._show()
        if after.state == before.state and not is_first:
            return
        about = {"host": after.host, "tenant": after.tenant}
        problem = check.problem
        if after.state == "verified":
            log("tracking_host_verified", **about)
        elif problem is not None:
            event = "tracking_host_failed" if before.state == "verified" else "tracking_host_waits"
            level = "warning" if before.state == "verified" else "info"
            log(event, level, **about, problem=problem.found, remedy=problem.remedy)

    def _next(self, host: TrackingHost) -> UnixMs:
        assert self._checks is not None  # ``_follow`` came before
        digest = hashlib.sha256(host.host.encode()).digest()
        spread = int.from_bytes(digest[:4], "big") / 2**32
        return next_look(host, self._checks.get(host.host), spread)

    def _postpone(self, host: TrackingHost, by_ms: int = AFTER_TROUBLE_MS) -> None:
        if (known := self._due.get(host.host)) is not None:
            self._due[host.host] = (UnixMs(self._clock() + by_ms), known[1])

    def _rest(self, trouble: str) -> None:
        """What cannot be done now is tried again in a minute, and said once."""
        self._rest_until = UnixMs(self._clock() + AFTER_TROUBLE_MS)
        if trouble != self._trouble:
            log("tracking_hosts_not_checked", "error", problem=trouble)
        self._trouble = trouble

    def _show(self) -> None:
        states = [known.state for _, known in self._due.values()]
        for each in TRACKING_HOST_STATES:
            self._metrics.tracking_hosts[each].set(states.count(each))
