"""Looks at the DNS records of all tenants' domains, at once when something is new and then daily; tells what changed.

What a look comes to is ``tenancy.domain_check``'s, what follows of it ``domain_keeping``'s. A domain whose token
appears is verified, and a key whose record appears signs, without anybody's doing.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.dkim.keys import SigningKey
from angarium.queue import (
    DomainFailed,
    DomainRecovered,
    DomainVerified,
    MessageId,
    QueueError,
    UnixMs,
)
from angarium.queue.keepsakes import Keepsakes
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import Metrics
from angarium.tenancy import SnapshotFile, TenancySetupError
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

# Ours: with the publisher's quarter of a second, a new domain is looked at within one
LOOK_S: Final = 0.5
# Domains at once; ours: nameservers of others are not hurried
AT_ONCE: Final = 8
# One domain, whatever its nameservers do
WITHIN_S: Final = 120.0
SWEEP_MS: Final = 3_600_000
AFTER_TROUBLE_MS: Final = 60_000
PREFIX: Final = "domain/"
_ABOUT_NO_MESSAGE: Final = MessageId(b"")
_Event = DomainVerified | DomainFailed | DomainRecovered
LookUp = Callable[[Domain, Sequence[SigningKey]], Awaitable[tuple[CheckedRecord, ...]]]


class Keeping(Protocol):
    """``domain_keeping.DomainKeeping`` does."""

    async def read_checks(self, take: Callable[[DomainCheck], None]) -> None: ...

    async def open_keys(self, domain: Domain) -> list[SigningKey]: ...

    async def keep(self, domain: Domain, check: DomainCheck) -> None: ...

    async def forget_retired(self) -> list[tuple[Domain, DomainKey]]: ...


class Told(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What was told last of a domain; on disk, so fields are only appended."""

    health: DomainHealth
    since: UnixMs


class DomainWatch:
    """Invariant DW1: that a domain is verified, has failed or is well again is told once, whatever is restarted: on
    disk with its event.

    Invariant DW2: at most AT_ONCE domains are looked at, each once at a time.
    """

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
        self._keepsakes = keepsakes
        self._clock = clock
        self._metrics = metrics
        self._told = {
            name.removeprefix(PREFIX): msgspec.msgpack.decode(octets, type=Told)
            for name, octets in keepsakes.read(PREFIX).items()
        }
        # Caches, of what the database has of each domain by its id: what was found, when to look again
        self._outcomes: dict[str, CheckOutcome] | None = None  # None: not read yet
        self._due: dict[str, tuple[UnixMs, Domain]] = {}
        self._version: object = None
        self._under_way: set[str] = set()
        self._sweep_at = UnixMs(0)
        self._rest_until = UnixMs(0)
        self._trouble = ""
        self._telling = asyncio.Lock()

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self.turn(tasks)
                await asyncio.sleep(LOOK_S)

    async def turn(self, tasks: asyncio.TaskGroup) -> None:
        """Tell what has changed, and begin to look at what is due, as far as there is room; the rest waits."""
        now = self._clock()
        if now < self._rest_until:
            return
        try:
            await self._follow()
            await self._sweep(now)
        except (TenancySetupError, QueueError) as error:
            self._rest(str(error))
            return
        except Exception as error:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("internal_error", error, where="domains")
            self._rest_until = UnixMs(now + AFTER_TROUBLE_MS)
            return
        free = AT_ONCE - len(self._under_way)  # DW2
        due = [
            (at, each)
            for at, each in self._due.values()
            if at <= now and each.id not in self._under_way
        ]
        for _, domain in sorted(due, key=lambda each: each[0])[:free]:
            self._under_way.add(domain.id)
            tasks.create_task(self._look(domain))

    # ----------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Take over what was published of domains."""
        self._snapshots.refresh()
        snapshot = self._snapshots.current
        if self._version is snapshot:
            return
        if self._outcomes is None:
            self._outcomes = await self._read_outcomes(snapshot.domains)
        known = {key: domain for key, (_, domain) in self._due.items()}
        changed = [each for each in snapshot.domains if known.pop(each.id, None) != each]
        for gone in known:
            del self._due[gone]
            self._outcomes.pop(gone, None)
        for domain in changed:
            self._due[domain.id] = (self._next(domain), domain)
        await self._tell(changed)
        self._version = snapshot

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
        try:
            began = self._clock()
            keys = await self._keeping.open_keys(domain)
            async with asyncio.timeout(WITHIN_S):
                records = await self._look_up(domain, keys)
            check = DomainCheck(domain_id=domain.id, checked=began, records=records)
            await self._keeping.keep(domain, check)
            self._note(domain, check)
            await self._tell([self._due[domain.id][1]] if domain.id in self._due else [])
            self._trouble = ""
            self._metrics.domain_checks.add()
        except TimeoutError:
            self._postpone(domain, FAILED_MS)
            log("domain_not_checked", "warning", domain=domain.name, within_s=WITHIN_S)
        except (TenancySetupError, QueueError) as error:
            self._postpone(domain)
            self._rest(str(error))
        except Exception as error:  # noqa: BLE001  (one domain must not end the others)
            self._postpone(domain)
            log_exception("internal_error", error, where="domains")
        finally:
            self._under_way.discard(domain.id)

    def _note(self, domain: Domain, check: DomainCheck) -> None:
        assert self._outcomes is not None  # ``_follow`` came before
        if domain.id not in self._due:
            return  # removed meanwhile
        self._outcomes[domain.id] = outcome_of(domain, check)
        # As it is known now: it may have got a key while we looked
        newest = self._due[domain.id][1]
        self._due[domain.id] = (self._next(newest), newest)

    def _postpone(self, domain: Domain, by_ms: int = AFTER_TROUBLE_MS) -> None:
        if (known := self._due.get(domain.id)) is not None:
            self._due[domain.id] = (UnixMs(self._clock() + by_ms), known[1])

    def _next(self, domain: Domain) -> UnixMs:
        assert self._outcomes is not None  # ``_follow`` came before
        digest = hashlib.sha256(domain.id.encode()).digest()
        spread = int.from_bytes(digest[:4], "big") / 2**32
        return next_look(domain, self._outcomes.get(domain.id), spread)

    async def _tell(self, domains: Sequence[Domain]) -> None:
        """Write what has changed with its events, all or nothing. Raises QueueError: then it is told later."""
        async with self._telling:
            now = self._clock()
            after: dict[str, Told] = {}
            events: list[_Event] = []
            for domain in domains:
                if (told := self._find_change(domain, now)) is not None:
                    after[domain.id] = told
                    events += self._events(domain, told)
            gone = self._told.keys() - self._due.keys()
            if after or gone:
                changes: dict[str, bytes | None] = {f"{PREFIX}{each}": None for each in gone}
                for key, told in after.items():
                    changes[f"{PREFIX}{key}"] = msgspec.msgpack.encode(told)
                await self._keepsakes.write(changes, events)  # DW1
                for key in gone:
                    del self._told[key]
                self._told |= after
            for event in events:
                _log(event)
            self._show()

    def _find_change(self, domain: Domain, now: UnixMs) -> Told | None:
        """None: it is as was told."""
        assert self._outcomes is not None  # ``_follow`` came before
        before = self._health(domain)
        health = health_of(domain, self._outcomes.get(domain.id), before)
        return None if health == before else Told(health=health, since=now)

    def _events(self, domain: Domain, told: Told) -> list[_Event]:
        assert self._outcomes is not None  # ``_follow`` came before
        before = self._told.get(domain.id)
        events: list[_Event] = []
        if before is None:
            events.append(_verified(domain, told.since))
        if told.health == "failed":
            events.append(_failed(domain, self._outcomes[domain.id], told.since))
        elif before is not None:
            events.append(_recovered(domain, before.since, told.since))
        return events

    def _health(self, domain: Domain) -> DomainHealth:
        """As it was told."""
        told = self._told.get(domain.id)
        return "pending" if told is None else told.health

    async def _sweep(self, now: UnixMs) -> None:
        """Forget keys that were retired long ago, and say that their records may go."""
        if now < self._sweep_at or not self._due:
            return
        for domain, key in await self._keeping.forget_retired():
            log(
                "dkim_record_may_go",
                tenant=domain.tenant,
                domain=domain.name,
                record=record_name(domain, key),
            )
        self._sweep_at = UnixMs(now + SWEEP_MS)

    def _rest(self, trouble: str) -> None:
        """What cannot be done now is tried again in a minute, and said once."""
        self._rest_until = UnixMs(self._clock() + AFTER_TROUBLE_MS)
        if trouble != self._trouble:
            log("domains_not_checked", "error", problem=trouble)
        self._trouble = trouble

    def _show(self) -> None:
        counts: dict[DomainHealth, int] = {"pending": 0, "verified": 0, "failed": 0}
        for _, domain in self._due.values():
            counts[self._health(domain)] += 1
        for health, number in counts.items():
            self._metrics.domains[health].set(number)


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


def _log(event: _Event) -> None:
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
    else:
        log("domain_recovered", tenant=event.tenant, domain=event.domain)
