"""How senders stand, as the event log tells: kept in memory, written down now and then, acted upon at once.

Start with ``Standing``, the consumer of events. Sources, providers, tenants, campaigns and domains have their figures;
tenants and campaigns are judged.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from angarium.queue import (
    EventCursor,
    HoldRuleRemoved,
    Position,
    QueueFullError,
    SenderPaused,
    SenderResumed,
    UnixMs,
)
from angarium.queue.event_log import KeptBack
from angarium.queue.keepsakes import Keepsakes
from angarium.reputation.figures import SPANS, Figures, Kind, Subject
from angarium.reputation.standing_keepsakes import (
    FIGURES,
    PARTIES,
    POSITION,
    book_name,
    encoded,
    party_name,
    read_books,
    read_evidence,
    read_position,
)
from angarium.service.platform.delivery_finder import DeliveryFinder, Feedback
from angarium.service.platform.sender_breaker import SenderBreaker
from angarium.service.platform.standing_facts import Fact, fact_of, feedback_fact

STANDING: Final = "standing"
# Between two writes; and longer where more is written: so many octets a second at most
WRITE_EVERY_MS: Final = 5_000
OCTETS_PER_S: Final = 100_000
_FINEST_MS: Final = SPANS["hour"][0]


class Standing:
    """Invariant STD1: every event counts once in what is on disk, whatever crashes: that is written with the number of
    the last event in it, in one transaction, and nothing behind that is acknowledged.
    """

    def __init__(
        self,
        breaker: SenderBreaker,
        finder: DeliveryFinder,
        keepsakes: Keepsakes,
        clock: Callable[[], UnixMs],
    ) -> None:
        self.figures = Figures()
        self.breaker = breaker
        self._finder = finder
        self._keepsakes = keepsakes
        self._clock = clock
        self.is_begun = False  # what was kept is read
        self._position = 0
        self._written = 0
        self._untold: list[SenderPaused | SenderResumed] = []
        self._write_at = 0

    @property
    def name(self) -> str:
        return STANDING

    async def begin(self, cursor: EventCursor) -> int:
        kept: Mapping[str, bytes] = {
            **self._keepsakes.read(FIGURES),
            **self._keepsakes.read(PARTIES),
            **self._keepsakes.read(POSITION),
        }
        self.figures.restore(read_books(kept))
        self.breaker.breaker.restore(read_evidence(kept))
        self._untold = []
        self._position = self._written = max(cursor.position, read_position(kept))  # STD1
        self.is_begun = True
        return self._position

    async def handle(self, batch: Sequence[Position]) -> KeptBack | None:
        new = [each for each in batch if each.sequence > self._position]
        feedback = [each.event for each in new if isinstance(each.event, Feedback)]
        departures = iter(await self._finder.find(feedback))  # what may fail comes first
        facts = [
            feedback_fact(event, next(departures))
            if isinstance(event, Feedback)
            else fact_of(event)
            for event in (each.event for each in new)
        ]
        self._count([each for each in facts if each is not None])
        for each in new:
            if isinstance(each.event, HoldRuleRemoved):
                resumed = self.breaker.hear(each.event)
                self._untold += [] if resumed is None else [resumed]
        self._position = new[-1].sequence if new else self._position
        self._untold += await self.breaker.act()
        if self._untold or (self._written != self._position and self._clock() >= self._write_at):
            await self._write()
        return None if self._written == self._position else KeptBack.YES

    async def close(self) -> None:
        """Write what it came to at the end. Raises QueueFailedError."""
        if self._written != self._position:
            await self._write()

    # ----------------------------------------------------------------------------------------

    def _count(self, facts: Sequence[Fact]) -> None:
        counts: Counter[tuple[Kind, str, int, str]] = Counter()
        for fact in facts:
            for kind, name in fact.subjects():
                counts[kind, name, fact.at // _FINEST_MS, fact.measure] += 1
            if fact.counts is not None:
                self.breaker.breaker.count(
                    fact.tenant,
                    fact.campaign,
                    fact.counts,
                    at=fact.at,
                    sent_at=fact.sent_at,
                    provider=fact.provider,
                )
        for (kind, name, bucket, measure), number in counts.items():
            at = UnixMs(bucket * _FINEST_MS)
            self.figures.count(Subject(kind=kind, name=name), at, measure, number)

    async def _write(self) -> None:
        """Where there is no room it is tried again, with what comes until then."""
        books, parties = self.figures.changed(), self.breaker.breaker.changed()
        changes = {book_name(each): encoded(book) for each, book in books.items()}
        changes |= {party_name(each): encoded(evidence) for each, evidence in parties.items()}
        changes[POSITION] = encoded(self._position)
        try:
            await self._keepsakes.write(changes, self._untold)  # STD1
        except QueueFullError:
            self._write_at = self._clock() + WRITE_EVERY_MS
            return
        self.figures.written()
        self.breaker.breaker.written(parties)
        self._untold = []
        self._written = self._position
        octets = sum(len(each or b"") for each in changes.values())
        self._write_at = self._clock() + max(WRITE_EVERY_MS, octets * 1000 // OCTETS_PER_S)
