"""Where suppressions are kept: the protocol of their store."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, Protocol

from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.model import UnixMs
from angarium.queue.suppression_changes import SuppressionChange
from angarium.queue.suppression_filter import SuppressionFilter
from angarium.queue.suppressions import Suppression, SuppressionPage
from angarium.queue.trouble import Trouble

NO_TROUBLES: Final[Mapping[str, Trouble | None]] = {}


class Suppressions(Protocol):
    """On the event loop only; ``find`` and ``count`` read mapped pages for microseconds.

    Invariants:

    SU1. What ``apply`` has returned of is what every later ``find`` of every process sees.
    SU2. There is one suppression of an address and scope, and each change of it has its event in its transaction.
    """

    def find(self, address: str, tenant: str, stream: str, topic: str = "") -> Suppression | None:
        """Return what keeps mail of a tenant's stream and topic ("": it has none) from an address now, the widest
        first. Never raises for an address.
        """
        ...

    def find_each(
        self, addresses: Sequence[str], tenant: str, stream: str, topic: str
    ) -> list[Suppression | None]:
        """The same of several, in one look."""
        ...

    async def page(
        self, wanted: SuppressionFilter, after: bytes | None, limit: int
    ) -> SuppressionPage:
        """Return up to ``limit`` that are in force behind the cursor of the page before (None: from the start).

        A coroutine, since a filter that matches little reads them all: in short transactions, and the loop runs
        between them. Raises ValueError for a filter's address or domain that is none.
        """
        ...

    def apply(
        self,
        changes: Sequence[SuppressionChange],
        events: Sequence[CataloguedKind] = (),
        troubles: Mapping[str, Trouble | None] = NO_TROUBLES,
    ) -> Awaitable[list[bool]]:
        """Make the changes and ``events`` durable once awaited, all or nothing; returns which changes did something.

        ``troubles``: what is remembered of addresses from now on, by the compared form; None forgets one.

        So it may be asked twice of the same. Raises QueueFullError (nothing written) or QueueFailedError; ValueError
        for what is no address.
        """
        ...

    def find_troubles(self, addresses: Sequence[str]) -> list[Trouble | None]:
        """Return what is remembered of addresses' failures."""
        ...

    async def forget_troubles(self, before: UnixMs) -> int:
        """Forget those whose last failure was before; returns how many. Reads them all, in short parts."""
        ...

    def count(self) -> int:
        """Return how many there are; those whose time is over count until they are swept."""
        ...

    async def sweep(self) -> int:
        """Take away those whose time is over, with their events, in short parts; returns how many."""
        ...
