"""Asks DNS blocklists for our addresses and domains, now and then, and tells what has changed.

What a listing means is ``reputation.blocklists``'. Nothing here is an error where there is no internet: what is not
answered is neither listed nor not.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from angarium.config.blocklists import all_zones
from angarium.config.schema import Blocklists, BlocklistZone
from angarium.insight.blocklist_asking import LookUps, ask_blocklist
from angarium.queue import AddressDelisted, AddressListed, MessageId, QueueError, UnixMs
from angarium.queue.keepsakes import Keepsakes
from angarium.reputation.blocklists import (
    PREFIX,
    Clear,
    Listing,
    NotAnswered,
    Reading,
    asks_of,
    keepsake_name,
    keepsake_of,
    read_kept,
)
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import Metrics

# Ours: nobody is asked faster
AT_ONCE: Final = 8
_ABOUT_NO_MESSAGE: Final = MessageId(b"")
_Key = tuple[str, str]  # zone, address or domain


class BlocklistWatch:
    """Invariant BW1: a listing is told once, and so is its end, whatever is restarted: on disk with their events.

    Invariant BW2: only an answer changes what is known: silence, refusals and zones that list everything do not.
    """

    def __init__(
        self,
        settings: Blocklists,
        subjects: Callable[[], Sequence[str]],
        dns: LookUps,
        keepsakes: Keepsakes,
        clock: Callable[[], UnixMs],
        metrics: Metrics,
    ) -> None:
        """``subjects``: what is asked for; called before each round, in a thread."""
        self.settings = settings
        self.zones = all_zones(settings)
        self.asked_for: Sequence[str] = ()
        self.checked_at: UnixMs | None = None
        self.unanswered: dict[str, str] = {}  # by zone: why
        self._subjects = subjects
        self._dns = dns
        self._keepsakes = keepsakes
        self._clock = clock
        self._metrics = metrics
        self._checking = asyncio.Lock()
        self._changed = asyncio.Event()
        kept = [read_kept(each) for each in keepsakes.read(PREFIX).values()]
        self._listings: dict[_Key, Listing] = {
            (each.zone, each.address): each for each in kept if each is not None
        }
        self._show()

    @property
    def listings(self) -> Sequence[Listing]:
        return [self._listings[each] for each in sorted(self._listings)]

    def exchange(self, settings: Blocklists) -> None:
        """Go by these from now on; what changed is asked at once."""
        if settings != self.settings:
            self.settings, self.zones = settings, all_zones(settings)
            self._changed.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        await self._wait(self.settings.first_s)
        while True:
            if self.settings.enabled:
                try:
                    await self.check()
                except Exception as error:  # noqa: BLE001  (periodic: the next time may do)
                    log_exception("internal_error", error, where="blocklists")
            await self._wait(self.settings.every_s)

    async def check(self) -> None:
        """Ask all zones for all that is ours, now; what has changed is on disk on return."""
        async with self._checking:
            subjects = await asyncio.to_thread(self._subjects)
            pairs = [
                (zone, each) for zone in self.zones for each in subjects if asks_of(zone, each)
            ]
            places = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask(*pair, places)) for pair in pairs]
            readings = {
                (zone.name, subject): task.result()
                for (zone, subject), task in zip(pairs, tasks, strict=True)
            }
            self._note_unanswered(readings)
            await self._take(readings)
            self.asked_for = subjects
            self.checked_at = self._clock()

    # ----------------------------------------------------------------------------------------

    async def _ask(
        self, zone: BlocklistZone, subject: str, places: asyncio.Semaphore
    ) -> Reading | Listing:
        async with places:
            return await ask_blocklist(zone, subject, self._dns, self._clock())

    async def _take(self, readings: dict[_Key, Reading | Listing]) -> None:
        """Write what has changed; where there is no room, the next round sees it again."""
        changes: dict[str, bytes | None] = {}
        events: list[AddressListed | AddressDelisted] = []
        after = {key: each for key, each in self._listings.items() if key in readings}
        for key in self._listings.keys() - readings.keys():
            changes[keepsake_name(*key)] = None  # ours no more, or nobody asks that zone
        for key, reading in readings.items():
            known = self._listings.get(key)
            if isinstance(reading, Listing) and (known is None or known.codes != reading.codes):
                after[key] = reading
                changes[keepsake_name(*key)] = keepsake_of(reading)
                events.append(_listed(reading))
            elif isinstance(reading, Clear) and known is not None:
                del after[key]
                changes[keepsake_name(*key)] = None
                events.append(_delisted(known, self._clock()))
        if changes:
            try:
                await self._keepsakes.write(changes, events)  # BW1
            except QueueError as error:
                log("blocklists_not_written", "error", reason=str(error))
                return
        self._listings = after
        for event in events:
            _log(event)
        self._show()

    def _note_unanswered(self, readings: dict[_Key, Reading | Listing]) -> None:
        results = {"listed": 0, "clear": 0, "unanswered": 0}
        unanswered: dict[str, str] = {}
        for (zone, _), reading in readings.items():
            if isinstance(reading, NotAnswered):
                unanswered.setdefault(zone, reading.why)  # BW2
            results[_result(reading)] += 1
        for result, number in results.items():
            self._metrics.blocklist_lookups[result].add(number)
        for zone in sorted(unanswered.keys() - self.unanswered.keys()):
            log("blocklist_unanswered", zone=zone, reason=unanswered[zone])
        self.unanswered = unanswered

    def _show(self) -> None:
        self._metrics.blocklist_listings.set(len(self._listings))

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()


def _result(reading: Reading | Listing) -> str:
    if isinstance(reading, NotAnswered):
        return "unanswered"
    return "clear" if isinstance(reading, Clear) else "listed"


def _listed(listing: Listing) -> AddressListed:
    return AddressListed(
        at=listing.since,
        message_id=_ABOUT_NO_MESSAGE,
        zone=listing.zone,
        address=listing.address,
        codes=listing.codes,
        meaning=listing.meaning,
        text=listing.text,
    )


def _delisted(listing: Listing, now: UnixMs) -> AddressDelisted:
    return AddressDelisted(
        at=now,
        message_id=_ABOUT_NO_MESSAGE,
        zone=listing.zone,
        address=listing.address,
        since=listing.since,
    )


def _log(event: AddressListed | AddressDelisted) -> None:
    if isinstance(event, AddressListed):
        log(
            "address_listed",
            "error",
            zone=event.zone,
            address=event.address,
            meaning=event.meaning,
            text=event.text,
        )
    else:
        log("address_delisted", zone=event.zone, address=event.address)
