"""Whose copy it was: what a message's first event says of it, for verdicts on what was fetched."""

from collections.abc import Awaitable, Callable, Collection
from email.utils import parseaddr
from typing import Final

import msgspec

from angarium.history.introducing import introduction_of
from angarium.history.story import HistoryAwayError, Introduction, Introductions
from angarium.queue import MessageAccepted, MessageId

# Ours: recipients of messages that are remembered
MOST_RECIPIENTS: Final = 200_000
FindAccepted = Callable[[MessageId], Awaitable[MessageAccepted | None]]


class CopyFacts(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    stream: str
    campaign: str
    sender_domain: str
    recipients: tuple[str, ...]

    def recipient(self, index: int) -> str:
        return self.recipients[index] if 0 <= index < len(self.recipients) else ""


class CopyFactsFinder:
    """Asks the history, which has an index, and of what that does not know the event log."""

    def __init__(self, introductions: Introductions | None, find_accepted: FindAccepted) -> None:
        self._introductions = introductions
        self._find_accepted = find_accepted
        self._known: dict[MessageId, CopyFacts] = {}
        self._recipients = 0

    async def find(self, message_ids: Collection[MessageId]) -> dict[MessageId, CopyFacts]:
        """Return what is known of these; nobody knows a message whose history is over. Raises QueueError."""
        found = {each: self._known[each] for each in message_ids if each in self._known}
        missing = [each for each in message_ids if each not in found]
        if missing and self._introductions is not None:
            try:
                told = await self._introductions.abouts(missing)
            except HistoryAwayError:
                told = {}  # it is behind or away: the log has it for as long as that is kept
            found |= {each: self._keep(each, _facts(one)) for each, one in told.items()}
        for each in missing:
            if each not in found:
                accepted = await self._find_accepted(each)
                if accepted is not None:
                    found[each] = self._keep(each, _facts(introduction_of(accepted)))
        return found

    def _keep(self, message_id: MessageId, facts: CopyFacts) -> CopyFacts:
        self._known[message_id] = facts
        self._recipients += len(facts.recipients) + 1
        while self._recipients > MOST_RECIPIENTS and len(self._known) > 1:
            first = self._known.pop(next(iter(self._known)))
            self._recipients -= len(first.recipients) + 1
        return facts


def _facts(introduction: Introduction) -> CopyFacts:
    author = parseaddr(introduction.about.author)[1] or introduction.reverse_path
    return CopyFacts(
        tenant=introduction.tenant,
        stream=introduction.stream,
        campaign=introduction.campaign,
        sender_domain=author.rpartition("@")[2].lower(),
        recipients=introduction.recipients,
    )
