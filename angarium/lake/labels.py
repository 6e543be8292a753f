"""Finds what a message's first event says of it, for the rows of later ones: most come soon after it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from angarium.history.story import HistoryAwayError, Introduction, Introductions
from angarium.lake.rows import Labels, labels_of, needs_labels, sender_domain_of
from angarium.queue.event_log import Position
from angarium.queue.events import MessageAccepted
from angarium.queue.model import MessageId

# Ours: messages that are remembered, some 500 octets each
_REMEMBERED: Final = 100_000
FindAccepted = Callable[[MessageId], Awaitable[MessageAccepted | None]]


class LabelFinder:
    """Remembers, asks the history, which has an index, and of what that does not know the event log."""

    def __init__(self, introductions: Introductions | None, find_accepted: FindAccepted) -> None:
        self._introductions = introductions
        self._find_accepted = find_accepted
        self._known: dict[MessageId, Labels | None] = {}

    async def find(self, batch: Sequence[Position]) -> dict[MessageId, Labels]:
        """Return those of a batch's messages; nobody knows one that is long over. Raises QueueError."""
        found: dict[MessageId, Labels] = {}
        missing: list[MessageId] = []
        for each in batch:
            event = each.event
            if isinstance(event, MessageAccepted):
                self._keep(event.message_id, labels_of(event))
            elif needs_labels(event) and event.message_id not in found:
                if event.message_id not in self._known:
                    missing.append(event.message_id)
                elif (labels := self._known[event.message_id]) is not None:
                    found[event.message_id] = labels
        if missing:
            found |= await self._ask(list(dict.fromkeys(missing)))
        return found

    async def _ask(self, missing: Sequence[MessageId]) -> dict[MessageId, Labels]:
        found: dict[MessageId, Labels] = {}
        if self._introductions is not None:
            try:
                told = await self._introductions.abouts(missing)
            except HistoryAwayError:
                told = {}  # it is behind or away: the log has it for as long as that is kept
            found = {each: _labels(one) for each, one in told.items()}
        for each in missing:
            if each not in found:
                accepted = await self._find_accepted(each)
                if accepted is not None:
                    found[each] = labels_of(accepted)
            # Also that nobody knows it: asking costs most there
            self._keep(each, found.get(each))
        return found

    def _keep(self, message_id: MessageId, labels: Labels | None) -> None:
        self._known[message_id] = labels
        while len(self._known) > _REMEMBERED:  # the oldest goes
            del self._known[next(iter(self._known))]


def _labels(introduction: Introduction) -> Labels:
    about = introduction.about
    return Labels(
        tenant=introduction.tenant,
        stream=introduction.stream,
        campaign=introduction.campaign,
        tags=introduction.tags,
        template=about.template_id,
        template_version=about.template_version,
        sender_domain=sender_domain_of(about, introduction.reverse_path),
    )
