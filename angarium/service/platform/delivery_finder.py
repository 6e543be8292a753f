"""Finds how mail left that somebody says something of later: by which source, to which provider, and when.

Of the event log, as far as its events are kept: it is read from the mail's acceptance on until all that were asked for
at once are found.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from angarium.queue import (
    Complained,
    EventLog,
    ReportBounced,
    Unsubscribed,
    message_id_ms,
)
from angarium.queue.events.catalogue import Departure

Feedback = Complained | ReportBounced | Unsubscribed
# Ours: events that are looked at between two turns of the event loop, some milliseconds
READ: Final = 5_000
# Ours: mail that left further behind its acceptance than so many events, some second of a processor, is not found
FAR: Final = 2_000_000
# Ours: several who follow the events ask for the same deliveries within a short time
REMEMBERED: Final = 4_000
_ABOUT_MS: Final = 1000

_Key = tuple[bytes, int, str]


class _Search(NamedTuple):
    start: int  # its first event is about there
    feedback: Feedback


class DeliveryFinder:
    """Invariant DF1: who asks at the same time for what another one asks for waits for that one's answer."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._known: OrderedDict[_Key, Departure | None] = OrderedDict()
        self._asking = asyncio.Lock()

    async def find(self, feedback: Sequence[Feedback]) -> list[Departure | None]:
        """Return of each how its mail left; None: its events are kept no more, or it never did.

        To ask for many at once costs little more than for the one that left latest.
        """
        if not feedback:
            return []
        async with self._asking:  # DF1
            missing = [each for each in feedback if _key(each) not in self._known]
            departures = await self._look_for(missing)
            self._known |= {_key(each): departures.get(_key(each)) for each in missing}
            found = [self._known[_key(each)] for each in feedback]
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            return found

    async def _look_for(self, feedback: Sequence[Feedback]) -> dict[_Key, Departure]:
        waiting = self._searches(feedback)
        found: dict[_Key, Departure] = {}
        searched: dict[bytes, list[_Search]] = {}
        position = 0
        while waiting or searched:
            if not searched:
                position = max(position, waiting[0].start - 1)
            while waiting and waiting[0].start <= position + READ:
                search = waiting.popleft()
                searched.setdefault(search.feedback.message_id, []).append(search)
            seen = self._events.departures(searched, position, READ)
            for departure in seen.events:
                found |= {_key(each): departure for each in _settle(searched, departure)}
            if seen.is_end:
                break
            position = seen.last
            _give_up(searched, position)
            await asyncio.sleep(0)
        return found

    def _searches(self, feedback: Sequence[Feedback]) -> deque[_Search]:
        """Those whose events are kept, by where their search begins."""
        oldest = next(iter(self._events.read(0, 1)), None)
        starts: dict[int, int] = {}
        found = []
        for each in feedback:
            accepted = message_id_ms(each.message_id)
            if oldest is None or oldest.event.at > accepted:
                continue
            second = accepted // _ABOUT_MS - 1  # the event may be a little earlier than the id
            if second not in starts:
                starts[second] = self._events.first_at(second * _ABOUT_MS)
            found.append(_Search(starts[second], each))
        return deque(sorted(found, key=lambda search: search.start))


def _settle(searched: dict[bytes, list[_Search]], departure: Departure) -> list[Feedback]:
    """Take out those that it is the departure of, and return them."""
    searches = searched.pop(departure.message_id, [])
    left = [each for each in searches if not _is_of(departure, each.feedback)]
    if left:
        searched[departure.message_id] = left
    return [each.feedback for each in searches if _is_of(departure, each.feedback)]


def _give_up(searched: dict[bytes, list[_Search]], position: int) -> None:
    for message_id, searches in list(searched.items()):
        if all(each.start + FAR < position for each in searches):
            del searched[message_id]


def _key(feedback: Feedback) -> _Key:
    return (feedback.message_id, feedback.index, feedback.recipient)


def _is_of(departure: Departure, feedback: Feedback) -> bool:
    """A recipient whose index is not known is told by its address."""
    if feedback.index < 0:
        return departure.recipient == feedback.recipient
    return departure.index == feedback.index
