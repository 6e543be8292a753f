"""Looks at all tracking hosts, at once when something is new and then daily; says what has changed.

What a look comes to is ``tenancy.tracking_host_check``'s. A host that leads here, and has its certificate, is used in
mail without anybody's doing; one that no longer does is not, and links of before go wherever it leads.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from angarium.queue import MessageId, TrackingHostFailed, TrackingHostVerified, UnixMs
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.keepsakes import Keepsakes
from angarium.service.platform.rounds import Habits, Rounds, spread_of
from angarium.service.platform.tellings import Change, Health, Tellings, Told
from angarium.telemetry import log
from angarium.telemetry.metrics import TRACKING_HOST_STATES, Metrics
from angarium.tenancy import SnapshotFile
from angarium.tenancy.model import TrackingHostState
from angarium.tenancy.tracking_host_check import (
    FAILED_MS,
    SOON_MS,
    HostCheck,
    HostFinding,
    health_of,
    next_look,
)
from angarium.tenancy.tracking_policy import TrackingHost

AT_ONCE: Final = 4  # ours
HABITS: Final = Habits(
    where="tracking hosts",
    slow="tracking_host_not_checked",
    resting="tracking_hosts_not_checked",
    field="host",
    at_once=AT_ONCE,
    within_s=90.0,
    slow_ms=FAILED_MS,
)
PREFIX: Final = "tracking-host/"
_ABOUT_NO_MESSAGE: Final = MessageId(b"")
LookAt = Callable[[TrackingHost, str | None], Awaitable[tuple[HostFinding, ...]]]


class Keeping(Protocol):
    """``host_keeping.HostKeeping`` does."""

    async def read_checks(self) -> Mapping[str, HostCheck]: ...

    async def find_owner_problem(self, host: TrackingHost) -> str | None: ...

    async def keep(self, check: HostCheck) -> TrackingHost | None: ...


class HostWatch:
    """The server's own host (tenant "") is looked at, too; what is found of it is only in memory and in the log.

    Invariant HW1: one look never takes a host out of use: after the first that fails, another comes a minute later.
    """

    def __init__(
        self,
        snapshots: SnapshotFile,
        keeping: Keeping,
        look_at: LookAt,
        keepsakes: Keepsakes,
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
        self._told = Tellings(keepsakes, PREFIX)
        self._rounds = Rounds[TrackingHost](HABITS, self._follow, self._look, _name_of, clock)
        # A cache, of what the database has of each host
        self._checks: dict[str, HostCheck] | None = None  # None: not read yet
        self._of: object = None
        self._doubted: set[str] = set()

    def states(self) -> Mapping[str, TrackingHostState]:
        """Return what is known of each host."""
        return {key: host.state for key, host in self._rounds.things.items()}

    def hurry(self, host: str) -> None:
        """Look at a host at once: something of it has changed."""
        self._rounds.postpone(host, 0)

    def failing(self) -> list[tuple[str, str]] | None:
        """Return the hosts that led here once and do not any more, each with why; None: not known yet."""
        if self._checks is None:
            return None
        found = []
        for key, host in self._rounds.things.items():
            if host.state == "failed":
                check = self._checks.get(key)
                problem = None if check is None else check.problem
                found.append((host.host, "" if problem is None else problem.found))
        return found

    async def run(self) -> None:
        """Look until cancelled."""
        await self._rounds.run()

    async def turn(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to look at what is due, as far as there is room; the rest waits."""
        await self._rounds.turn(tasks)

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
            known = self._rounds.find(self._own.host)
            published[self._own.host] = self._own if known is None else known
        for gone in self._rounds.things.keys() - published.keys():
            self._rounds.drop(gone)
            self._checks.pop(gone, None)
        changed = [each for each in published.values() if self._rounds.find(each.host) != each]
        for host in changed:
            self._rounds.put(host.host, host, self._next(host))
        await self._tell(changed)
        self._of = snapshot
        self._show()

    async def _look(self, host: TrackingHost) -> None:
        began = self._clock()
        owner_problem = await self._keeping.find_owner_problem(host) if host.tenant else None
        findings = await self._look_at(host, owner_problem)
        check = HostCheck(host=host.host, checked=began, findings=findings)
        state = check.state_after(host.state)
        if host.state == "verified" and state != "verified" and host.host not in self._doubted:
            self._doubted.add(host.host)  # HW1
            self._rounds.postpone(host.host, SOON_MS)
            return
        self._doubted.discard(host.host)
        if host.tenant:
            after = await self._keeping.keep(check)
        else:
            after = msgspec.structs.replace(host, state=state)
        if after is not None:
            self._note(host, after, check)
            await self._tell([after])

    def _note(self, before: TrackingHost, after: TrackingHost, check: HostCheck) -> None:
        assert self._checks is not None  # ``_follow`` came before
        if self._rounds.find(after.host) is None:
            return  # removed meanwhile
        is_first = after.host not in self._checks
        self._checks[after.host] = check
        self._rounds.put(after.host, after, self._next(after))
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

    async def _tell(self, hosts: Sequence[TrackingHost]) -> None:
        """Raises QueueError: then it is told later."""
        await self._told.tell(lambda: self._changes(hosts), self._told_keys)

    def _told_keys(self) -> list[str]:
        return [_told_key(each) for each in self._rounds.things.values()]

    def _changes(self, hosts: Sequence[TrackingHost]) -> Iterator[Change]:
        now = self._clock()
        for host in hosts:
            key = _told_key(host)
            before = self._told.health(key)
            health = health_of(host.state, before)
            if host.tenant and health != before:
                told = Told(health=health, since=now)
                yield Change(key=key, told=told, events=[self._event(host, health, now)])

    def _event(self, host: TrackingHost, health: Health, now: UnixMs) -> CataloguedKind:
        if health == "verified":
            return TrackingHostVerified(
                at=now, message_id=_ABOUT_NO_MESSAGE, tenant=host.tenant, host=host.host
            )
        check = (self._checks or {}).get(host.host)
        problem = None if check is None else check.problem
        return TrackingHostFailed(
            at=now,
            message_id=_ABOUT_NO_MESSAGE,
            tenant=host.tenant,
            host=host.host,
            purpose="" if problem is None else problem.purpose,
            text="" if problem is None else problem.found,
        )

    def _next(self, host: TrackingHost) -> UnixMs:
        assert self._checks is not None  # ``_follow`` came before
        return next_look(host, self._checks.get(host.host), spread_of(host.host))

    def _show(self) -> None:
        states = list(self.states().values())
        for each in TRACKING_HOST_STATES:
            self._metrics.tracking_hosts[each].set(states.count(each))


def _name_of(host: TrackingHost) -> str:
    return host.host


def _told_key(host: TrackingHost) -> str:
    """One that was removed and added again, perhaps by another tenant, is a new one."""
    return f"{host.host}/{host.created}"
