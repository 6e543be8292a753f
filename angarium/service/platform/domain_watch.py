"""Looks at the DNS records of all tenants' domains, at once when something is new and then daily; tells what changed.

What a look comes to is ``tenancy.domain_check``'s, what follows of it ``domain_keeping``'s. A domain whose token
appears is verified, and a key whose record appears signs, without anybody's doing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, Protocol

from angarium.dkim.keys import SigningKey
from angarium.queue import (
    DomainFailed,
    DomainRecovered,
    DomainVerified,
    MessageId,
    UnixMs,
)
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.keepsakes import Keepsakes
from angarium.service.platform.rounds import Habits, Rounds, spread_of
from angarium.service.platform.tellings import Change, Tellings, Told
from angarium.telemetry import log
from angarium.telemetry.metrics import Metrics
from angarium.tenancy import SnapshotFile
from angarium.tenancy.domain_check import (
    FAILED_MS,
    CheckedRecord,
    CheckOutcome,
    DomainCheck,
    DomainHealth,
    health_of,
    next_look,
    outcome_of,
)
from angarium.tenancy.domain_keys import record_name
from angarium.tenancy.model import Domain, DomainKey

AT_ONCE: Final = 8  # ours
HABITS: Final = Habits(
    where="domains",
    slow="domain_not_checked",
    resting="domains_not_checked",
    field="domain",
    at_once=AT_ONCE,
    within_s=120.0,
    slow_ms=FAILED_MS,
)
SWEEP_MS: Final = 3_600_000
PREFIX: Final = "domain/"
_ABOUT_NO_MESSAGE: Final = MessageId(b"")
LookUp = Callable[[Domain, Sequence[SigningKey]], Awaitable[tuple[CheckedRecord, ...]]]


class Keeping(Protocol):
    """``domain_keeping.DomainKeeping`` does."""

    async def read_checks(self, take: Callable[[DomainCheck], None]) -> None: ...

    async def open_keys(self, domain: Domain) -> list[SigningKey]: ...

    async def keep(self, domain: Domain, check: DomainCheck) -> None: ...

    async def forget_retired(self) -> list[tuple[Domain, DomainKey]]: ...


class DomainWatch:
    """What is known of each domain is in memory, and asked of the database once."""

    def __init__(
        self,
        snapshots: SnapshotFile,
        keeping: Keeping,
        look_up: LookUp,
        keepsakes: Keepsakes,
        clock: Callable[[], UnixMs],
        metrics: Metrics,
    ) -> None:
        """``look_up`` asks DNS for what is to be published of a domain with these keys."""
        self._snapshots = snapshots
        self._keeping = keeping
        self._look_up = look_up
        self._clock = clock
        self._metrics = metrics
        self._told = Tellings(keepsakes, PREFIX)
        self._rounds = Rounds[Domain](HABITS, self._follow, self._look, _name_of, clock)
        # A cache, of what the database has of each domain by its id
        self._outcomes: dict[str, CheckOutcome] | None = None  # None: not read yet
        self._version: object = None
        self._sweep_at = UnixMs(0)

    def failing(self) -> list[tuple[str, str]] | None:
        """Return the domains whose mail receivers would refuse, each with whose it is and why; None: not known yet."""
        if self._outcomes is None:
            return None
        found = []
        for key, domain in self._rounds.things.items():
            if self._told.health(key) == "failed":
                outcome = self._outcomes.get(key)
                text = "" if outcome is None else f": {outcome.text}"
                found.append((domain.name, f"of tenant {domain.tenant}{text}"))
        return found

    async def run(self) -> None:
        """Look until cancelled."""
        await self._rounds.run()

    async def turn(self, tasks: asyncio.TaskGroup) -> None:
        """Tell what has changed, and begin to look at what is due, as far as there is room; the rest waits."""
        await self._rounds.turn(tasks)

    # ----------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Take over what was published of domains."""
        self._snapshots.refresh()
        snapshot = self._snapshots.current
        if self._version is not snapshot:
            if self._outcomes is None:
                self._outcomes = await self._read_outcomes(snapshot.domains)
            known = dict(self._rounds.things)
            changed = [each for each in snapshot.domains if known.pop(each.id, None) != each]
            for gone in known:
                self._rounds.drop(gone)
                self._outcomes.pop(gone, None)
            for domain in changed:
                self._rounds.put(domain.id, domain, self._next(domain))
            await self._tell(changed)
            self._version = snapshot
        await self._sweep()

    async def _read_outcomes(self, domains: Sequence[Domain]) -> dict[str, CheckOutcome]:
        by_id = {each.id: each for each in domains}
        found: dict[str, CheckOutcome] = {}

        def take(check: DomainCheck) -> None:
            if (domain := by_id.get(check.domain_id)) is not None:
                found[domain.id] = outcome_of(domain, check)

        if domains:
            await self._keeping.read_checks(take)
        return found

    async def _look(self, domain: Domain) -> None:
        began = self._clock()
        keys = await self._keeping.open_keys(domain)
        records = await self._look_up(domain, keys)
        check = DomainCheck(domain_id=domain.id, checked=began, records=records)
        await self._keeping.keep(domain, check)
        self._note(domain, check)
        newest = self._rounds.find(domain.id)
        await self._tell([] if newest is None else [newest])
        self._metrics.domain_checks.add()

    def _note(self, domain: Domain, check: DomainCheck) -> None:
        assert self._outcomes is not None  # ``_follow`` came before
        # As it is known now: it may have got a key while we looked
        newest = self._rounds.find(domain.id)
        if newest is None:
            return  # removed meanwhile
        self._outcomes[domain.id] = outcome_of(domain, check)
        self._rounds.put(domain.id, newest, self._next(newest))

    def _next(self, domain: Domain) -> UnixMs:
        assert self._outcomes is not None  # ``_follow`` came before
        return next_look(domain, self._outcomes.get(domain.id), spread_of(domain.id))

    async def _tell(self, domains: Sequence[Domain]) -> None:
        """Raises QueueError: then it is told later."""
        events = await self._told.tell(lambda: self._changes(domains), self._rounds.known)
        for event in events:
            _log(event)
        self._show()

    def _changes(self, domains: Sequence[Domain]) -> Iterator[Change]:
        assert self._outcomes is not None  # ``_follow`` came before
        now = self._clock()
        for domain in domains:
            before = self._told.health(domain.id)
            health = health_of(domain, self._outcomes.get(domain.id), before)
            if health != before:
                told = Told(health=health, since=now)
                yield Change(key=domain.id, told=told, events=self._events(domain, told))

    def _events(self, domain: Domain, told: Told) -> list[CataloguedKind]:
        assert self._outcomes is not None  # ``_follow`` came before
        before = self._told.find(domain.id)
        events: list[CataloguedKind] = []
        if before is None:
            events.append(_verified(domain, told.since))
        if told.health == "failed":
            events.append(_failed(domain, self._outcomes[domain.id], told.since))
        elif before is not None:
            events.append(_recovered(domain, before.since, told.since))
        return events

    async def _sweep(self) -> None:
        """Forget keys that were retired long ago, and say that their records may go."""
        now = self._clock()
        if now < self._sweep_at or not self._rounds.known():
            return
        for domain, key in await self._keeping.forget_retired():
            log(
                "dkim_record_may_go",
                tenant=domain.tenant,
                domain=domain.name,
                record=record_name(domain, key),
            )
        self._sweep_at = UnixMs(now + SWEEP_MS)

    def _show(self) -> None:
        counts: dict[DomainHealth, int] = {"pending": 0, "verified": 0, "failed": 0}
        for key in self._rounds.known():
            counts[self._told.health(key)] += 1
        for health, number in counts.items():
            self._metrics.domains[health].set(number)


def _name_of(domain: Domain) -> str:
    return domain.name


def _verified(domain: Domain, now: UnixMs) -> DomainVerified:
    return DomainVerified(
        at=now,
        message_id=_ABOUT_NO_MESSAGE,
        tenant=domain.tenant,
        domain=domain.name,
        how="operator" if domain.assumed else "dns",
    )


def _failed(domain: Domain, outcome: CheckOutcome, now: UnixMs) -> DomainFailed:
    return DomainFailed(
        at=now,
        message_id=_ABOUT_NO_MESSAGE,
        tenant=domain.tenant,
        domain=domain.name,
        records=outcome.failed,
        text=outcome.text,
    )


def _recovered(domain: Domain, since: UnixMs, now: UnixMs) -> DomainRecovered:
    return DomainRecovered(
        at=now,
        message_id=_ABOUT_NO_MESSAGE,
        tenant=domain.tenant,
        domain=domain.name,
        since=since,
    )


def _log(event: CataloguedKind) -> None:
    if isinstance(event, DomainFailed):
        records = ", ".join(event.records)
        log(
            "domain_failed",
            "warning",
            tenant=event.tenant,
            domain=event.domain,
            records=records,
            problem=event.text,
        )
    elif isinstance(event, DomainVerified):
        log("domain_verified", tenant=event.tenant, domain=event.domain, how=event.how)
    elif isinstance(event, DomainRecovered):
        log("domain_recovered", tenant=event.tenant, domain=event.domain)
