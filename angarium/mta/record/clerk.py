"""Claims recipients in the partitions of this process, and records what became of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from angarium.mta.egress.shared import NOW
from angarium.mta.egress.work import Work
from angarium.mta.record.circumstances import with_circumstances
from angarium.mta.record.conclusion import Conclusion
from angarium.mta.record.settler import Settler
from angarium.mta.record.suppressed import suppressed
from angarium.mta.transport.outcome import Outcome, Suppressed
from angarium.queue import (
    Claimed,
    ClaimedMessage,
    DueHead,
    Partition,
    PartitionNumber,
    Released,
    Suppression,
    UnixMs,
)


class FindsSuppressions(Protocol):
    """The part of ``queue.Suppressions`` that is asked here."""

    def find_each(
        self, addresses: Sequence[str], tenant: str, stream: str, topic: str
    ) -> list[Suppression | None]: ...


class QueueClerk:
    """Satisfies ``egress.shared.Clerk``.

    Invariant QC1: a recipient is claimed only here, and from then on concluded or given back by us.
    Invariant QC2: no claim is returned of an address that was suppressed when it was made.
    """

    def __init__(
        self,
        partitions: Mapping[PartitionNumber, Partition],
        settler: Settler,
        conclusion: Conclusion,
        leave_memory: Callable[[Sequence[DueHead]], None],
        suppressions: FindsSuppressions,
        clock: Callable[[], UnixMs],
    ) -> None:
        """``leave_memory`` is told of recipients that are claimed, or not due any more."""
        self._suppressions = suppressions
        self._clock = clock
        self._partitions = partitions
        self._settler = settler
        self._conclusion = conclusion
        self._leave_memory = leave_memory
        self._is_closed = False

    def close(self) -> None:
        """No more claims."""
        self._is_closed = True

    def may_claim(self) -> bool:
        return not self._is_closed and self._settler.is_clear

    async def claim(
        self, partition: PartitionNumber, heads: Sequence[DueHead], source: str = ""
    ) -> list[ClaimedMessage]:
        """Return those that are still due, once their claims are on disk. Raises QueueFullError: none is claimed."""
        messages = await self._partitions[partition].claim(heads, source)  # QC1
        self._leave_memory(heads)  # in flight, or not due any more: the disk knows
        found: list[ClaimedMessage] = []
        for message in messages:
            left = self.without_suppressed(message, message.recipients)  # QC2
            if len(left) == len(message.recipients):
                found.append(message)
            elif left:
                found.append(msgspec.structs.replace(message, recipients=left))
        return found

    def without_suppressed(
        self, message: ClaimedMessage, recipients: tuple[Claimed, ...]
    ) -> tuple[Claimed, ...]:
        """Return those that may be sent to now; the others are recorded as suppressed, and their sender told."""
        addresses = [each.forward_path for each in recipients]
        found = self._suppressions.find_each(
            addresses, message.tenant, message.stream, message.topic
        )
        if not any(found):
            return recipients
        pairs = list(zip(recipients, found, strict=True))
        spared = tuple([recipient for recipient, why in pairs if why is not None])
        now = self._clock()
        outcomes = [suppressed(why, now) for why in found if why is not None]
        self.conclude(Work(message, spared), outcomes, final=False)
        return tuple([recipient for recipient, why in pairs if why is None])

    def conclude(
        self,
        work: Work,
        outcomes: Sequence[Outcome | Suppressed],
        *,
        final: bool,
        offers_dsn: bool = False,
        not_before: UnixMs = NOW,
        attempted: bool = True,
    ) -> None:
        concluded = self._conclusion.conclude(
            work,
            with_circumstances(outcomes, work),
            final=final,
            offers_dsn=offers_dsn,
            not_before=not_before,
            attempted=attempted,
        )
        self._settler.settle(work.recipients[0].partition, concluded.settled, concluded.submissions)

    def give_back(self, work: Work, now: UnixMs) -> None:
        """Nothing was attempted: it is due as before."""
        self._settler.settle(
            work.recipients[0].partition,
            [Released(id=recipient.id, due=now) for recipient in work.recipients],
        )
