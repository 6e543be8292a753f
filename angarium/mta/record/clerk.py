"""Claims recipients in the partitions of this process, and records what became of them."""

from collections.abc import Callable, Mapping, Sequence

from angarium.mta.egress.shared import NOW
from angarium.mta.egress.work import Work
from angarium.mta.record.circumstances import with_circumstances
from angarium.mta.record.conclusion import Conclusion
from angarium.mta.record.settler import Settler
from angarium.mta.transport.outcome import Outcome
from angarium.queue import ClaimedMessage, DueHead, Partition, PartitionNumber, Released, UnixMs


class QueueClerk:
    """Satisfies ``egress.shared.Clerk``.

    Invariant QC1: a recipient is claimed only here, and from then on concluded or given back by us.
    """

    def __init__(
        self,
        partitions: Mapping[PartitionNumber, Partition],
        settler: Settler,
        conclusion: Conclusion,
        leave_memory: Callable[[Sequence[DueHead]], None],
    ) -> None:
        """``leave_memory`` is told of recipients that are claimed, or not due any more."""
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
        return messages

    def conclude(
        self,
        work: Work,
        outcomes: Sequence[Outcome],
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
