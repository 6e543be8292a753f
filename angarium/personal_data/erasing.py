"""Having a person out of all stores, in an order in which nothing comes back. Blocks.

First the person gets nothing more, and what waits for them goes; then the event log, of which other stores are made;
then, once those have read it that far, they. Each step may be done again: who was killed begins anew.
"""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from angarium.personal_data.opening import Stores
from angarium.personal_data.store import Erased, PersonalStore, Subject
from angarium.queue.events.person_erased import PersonErased
from angarium.queue.model import MessageId, UnixMs

# Ours: an attempt that is under way ends within its time-outs, most in seconds
IN_FLIGHT_S: Final = 30.0
# For stores that are made of events to have read them: the slowest write every few minutes
FOLLOW_S: Final = 60.0
_POLL_S: Final = 0.25
# Events that came while others were written anew have the address, too
_ROUNDS: Final = 5
_FREE_PAGES: Final = (
    "free pages of the queue's file and of databases may have it until they are written over: `postmaster erase"
    " --compact` with the server stopped gives them back"
)
_BACKUPS: Final = "backups and copies have it until they are deleted"


class StoreReport(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    found: int
    changed: int
    left: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was found and done. It has the alias, not the address."""

    alias: str
    tenant: str | None
    at: UnixMs
    dry_run: bool
    stores: tuple[StoreReport, ...]
    remains: tuple[str, ...]  # of no store alone

    @property
    def found(self) -> int:
        return sum(each.found for each in self.stores)

    @property
    def is_complete(self) -> bool:
        return not any(each.left for each in self.stores)


class Erasure:
    def __init__(
        self,
        stores: Stores,
        subject: Subject,
        clock: Callable[[], UnixMs],
        *,
        follow_s: float = FOLLOW_S,
        in_flight_s: float = IN_FLIGHT_S,
    ) -> None:
        self._stores = stores
        self._subject = subject
        self._clock = clock
        self._follow_s = follow_s
        self._in_flight_s = in_flight_s

    def look(self) -> Report:
        """Say what there is, and change nothing. Raises StoreAwayError."""
        rows = [
            StoreReport(name=each.name, found=self._count(each), changed=0)
            for each in self._stores.all()
        ]
        return self._report(rows, dry_run=True)

    def erase(self) -> Report:
        """Raises StoreAwayError, QueueError: what was done until then stays, and it may be begun anew."""
        stores = self._stores
        before = {each.name: self._count(each) for each in stores.all()}
        done = {each.name: self._erase(each) for each in stores.of_queue}
        done["queue"] = self._wait_for_attempts(done["queue"])
        done[stores.events.name], behind = self._erase_events()
        for each in (*stores.made_of_events, *stores.others):
            done[each.name] = self._erase(each)
        rows = [self._row(each, before[each.name], done[each.name]) for each in stores.all()]
        report = self._report(rows, dry_run=False, also=behind)
        if report.found:
            self._tell(report)
        return report

    def _erase(self, store: PersonalStore) -> Erased:
        return store.erase(self._subject)

    def _wait_for_attempts(self, done: Erased) -> Erased:
        """What is being tried is cancelled when its attempt has failed, or was delivered."""
        queue = next(each for each in self._stores.of_queue if each.name == "queue")
        end = time.monotonic() + (self._in_flight_s if self._stores.server else 0)
        while any("tried just now" in each for each in done.left) and time.monotonic() < end:
            time.sleep(_POLL_S)
            again = self._erase(queue)
            done = Erased(changed=done.changed + again.changed, left=again.left)
        return done

    def _erase_events(self) -> tuple[Erased, tuple[str, ...]]:
        """Until none has the address, and all that are made of them have read up to there."""
        changed = 0
        behind: tuple[str, ...] = ()
        end = time.monotonic() + self._follow_s
        for attempt in range(_ROUNDS):
            now = self._erase(self._stores.events).changed
            changed += now
            if attempt and not now:
                break
            behind = self._wait_for_followers(end)
        return Erased(changed=changed), behind

    def _wait_for_followers(self, end: float) -> tuple[str, ...]:
        """Who has read events with the address, and not yet written them, would write them behind us."""
        queue = self._stores.queue
        if self._stores.server is None:
            return ()
        last = queue.last_event()
        while True:
            behind = [name for name, at in queue.consumers().items() if at < last]
            if not behind:
                return ()
            if time.monotonic() >= end:
                text = ", ".join(sorted(behind))
                return (f"what is behind the event log ({text}) may yet write it: erase again",)
            time.sleep(_POLL_S)

    def _row(self, store: PersonalStore, found: int, done: Erased) -> StoreReport:
        """With what is found still: a store that has it says why, or nobody knows."""
        still = 0 if done.left else self._count(store)  # PD1
        left = done.left or ((f"{still} records have it still: erase again",) if still else ())
        return StoreReport(name=store.name, found=found, changed=done.changed, left=left)

    def _count(self, store: PersonalStore) -> int:
        return sum(1 for _ in store.find(self._subject))

    def _report(
        self, rows: list[StoreReport], *, dry_run: bool, also: tuple[str, ...] = ()
    ) -> Report:
        return Report(
            alias=self._subject.person.alias,
            tenant=self._subject.tenant,
            at=self._clock(),
            dry_run=dry_run,
            stores=tuple(rows),
            remains=() if dry_run else (*also, _FREE_PAGES, _BACKUPS),
        )

    def _tell(self, report: Report) -> None:
        by = self._subject.by.bounded()
        self._stores.queue.append(
            PersonErased(
                at=report.at,
                message_id=MessageId(b""),
                alias=report.alias,
                tenant=report.tenant or "",
                found=report.found,
                actor=by.who,
                reason=self._subject.person.out_of_text(by.reason),
            )
        )
