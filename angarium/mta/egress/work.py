"""Claimed recipients of one message, on their way through one transaction. Plain values."""

from typing import Any

import msgspec

from angarium.mta.transport.transfer import Transfer
from angarium.queue.model import Claimed, ClaimedMessage


class Work(msgspec.Struct, frozen=True):
    message: ClaimedMessage
    recipients: tuple[Claimed, ...]  # at most the provider's recipients_per_message; one partition
    tries: int = 0  # transactions of this claim that ended without an answer for these recipients
    met: frozenset[str] = frozenset()  # what has refused them for now: see ``next_host.met_at``

    @property
    def octets(self) -> int:
        return len(self.message.content)


class Prepared(msgspec.Struct, frozen=True):
    """Work, and the transaction that carries it."""

    work: Work
    transfer: Transfer

    def retry(self, recipients: tuple[Claimed, ...], *, counts: bool = True) -> "Prepared":
        """Return the same for some of its recipients, once more. ``counts``: nothing was gained by the last try."""
        return self._part(recipients, tries=self.work.tries + counts)

    def elsewhere(self, recipients: tuple[Claimed, ...], met: frozenset[str]) -> "Prepared":
        """Return the same for some of its recipients, for a host that is not among these."""
        return self._part(recipients, met=met)

    def _part(self, recipients: tuple[Claimed, ...], **changes: Any) -> "Prepared":
        return Prepared(
            msgspec.structs.replace(self.work, recipients=recipients, **changes),
            msgspec.structs.replace(self.transfer, recipients=recipients),
        )


def split(messages: list[ClaimedMessage], recipients_per_message: int) -> list[Work]:
    """Cut claimed messages into transactions."""
    work: list[Work] = []
    for message in messages:
        everyone = message.recipients
        if len(everyone) <= recipients_per_message:
            work.append(Work(message, everyone))
            continue
        work.extend(
            Work(message, everyone[start : start + recipients_per_message])
            for start in range(0, len(everyone), recipients_per_message)
        )
    return work
