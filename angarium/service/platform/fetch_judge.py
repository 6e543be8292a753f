"""Makes ``opened`` and ``clicked`` of what was fetched, each with a verdict, once all that bears on it is known."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.queue import Clicked, EventCursor, EventLog, Fetched, Opened, Position, UnixMs
from angarium.queue.event_log import KeptBack
from angarium.service.platform.copy_facts import CopyFacts, CopyFactsFinder
from angarium.service.platform.event_follower import BATCH
from angarium.tracking.fetches import Fetches, Judged
from angarium.tracking.judging import HONEYPOT, PICTURE

TRACKING: Final = "tracking"
# Verdicts of one transaction
AT_ONCE: Final = 500
_SEQUENCE_OCTETS: Final = 8
_UNKNOWN: Final = CopyFacts(tenant="", stream="", campaign="", sender_domain="", recipients=())


class FetchJudge:
    """An EventConsumer. Its state in the queue is the sequence number from which on a restart reads company.

    FJ1: a fetch has its event once, in the transaction that acknowledges it; none is lost, and none comes twice.
    FJ2: what was fetched before a restart has its part in the verdicts after it, as if there had been none.
    """

    def __init__(
        self,
        events: EventLog,
        facts: CopyFactsFinder,
        clock: Callable[[], UnixMs],
        judged_after_s: float,
    ) -> None:
        self._events = events
        self._facts = facts
        self._clock = clock
        self._window_ms = int(judged_after_s * 1000)
        self._fetches = Fetches(self._window_ms)
        self._taken = 0  # up to this sequence number

    @property
    def name(self) -> str:
        return TRACKING

    async def begin(self, cursor: EventCursor) -> int:
        self._fetches = Fetches(self._window_ms)
        after = int.from_bytes(cursor.state, "big") - 1 if cursor.state else cursor.position
        while after < cursor.position:
            batch = self._events.read(after, BATCH)
            if not batch:
                break
            for each in batch:
                if each.sequence <= cursor.position and isinstance(each.event, Fetched):
                    self._fetches.take(each.sequence, each.event, was_judged=True)  # FJ2
            after = batch[-1].sequence
        self._taken = cursor.position
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> bytes | KeptBack:
        """Raises QueueError; then the same batch comes again."""
        for each in batch:
            if each.sequence > self._taken:
                self._taken = each.sequence
                if isinstance(each.event, Fetched):
                    self._fetches.take(each.sequence, each.event)
        while await self._judge_some():
            pass
        self._fetches.forget_old(self._clock())
        return self._state() if self._fetches.next_sequence is None else KeptBack.YES

    async def _judge_some(self) -> bool:
        """Judge what is due, at most AT_ONCE; whether there may be more."""
        due = list(self._fetches.due(self._clock(), AT_ONCE))
        if not due:
            return False
        facts = await self._facts.find({each.fetch.message_id for each in due})
        events = [
            event
            for each in due
            if (event := _event(each, facts.get(each.fetch.message_id, _UNKNOWN))) is not None
        ]
        await self._events.ack(TRACKING, due[-1].sequence, self._state(), events)  # FJ1
        self._fetches.settle(len(due))
        return len(due) == AT_ONCE

    def _state(self) -> bytes:
        first = self._fetches.first_sequence
        return (self._taken + 1 if first is None else first).to_bytes(_SEQUENCE_OCTETS, "big")


def _event(judged: Judged, facts: CopyFacts) -> Opened | Clicked | None:
    """Return None for the link that nobody sees: it is evidence, and nothing that anybody did."""
    fetch = judged.fetch
    if fetch.link_number == HONEYPOT:
        return None
    is_picture = fetch.link_number == PICTURE
    opened = Opened(
        at=fetch.at,
        message_id=fetch.message_id,
        tenant=facts.tenant or fetch.tenant,
        stream=facts.stream,
        campaign=facts.campaign,
        index=fetch.index,
        recipient=facts.recipient(fetch.index),
        sender_domain=facts.sender_domain,
        report=b"",
        client=f"{fetch.network} {fetch.agent}".strip() if fetch.index >= 0 else "",
        verdict=judged.verdict.by,
        reasons=judged.verdict.reasons,
    )
    return opened if is_picture else _clicked(opened, fetch)


def _clicked(opened: Opened, fetch: Fetched) -> Clicked:
    return Clicked(**msgspec.structs.asdict(opened), link=fetch.link, link_number=fetch.link_number)
