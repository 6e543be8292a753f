"""Suppressions in memory, for tests."""

from collections.abc import Sequence

from angarium.queue.act import Actor
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.memory.state import MemoryState
from angarium.queue.suppression_changes import (
    SWEEPER,
    Suppress,
    SuppressionChange,
    added_event,
    removed_event,
)
from angarium.queue.suppression_filter import CompiledSuppressionFilter, SuppressionFilter
from angarium.queue.suppressions import Suppression, SuppressionPage


class MemorySuppressions:
    """Implements Suppressions; the state survives a crash."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._kept = state.suppressions

    def find(self, address: str, tenant: str, stream: str) -> Suppression | None:
        return self._state.find_suppression(address, tenant, stream)

    def find_each(
        self, addresses: Sequence[str], tenant: str, stream: str
    ) -> list[Suppression | None]:
        return [self.find(each, tenant, stream) for each in addresses]

    async def page(
        self, wanted: SuppressionFilter, after: bytes | None, limit: int
    ) -> SuppressionPage:
        asked, now = CompiledSuppressionFilter(wanted), self._state.clock()
        found = [
            (key, each)
            for key, each in sorted(self._kept.items())
            if (after is None or key > after) and each.is_in_force(now) and asked.matches(each)
        ]
        page = found[: max(limit, 0)]
        cursor = page[-1][0] if len(found) > len(page) > 0 else None
        return SuppressionPage(tuple([each for _, each in page]), cursor)

    async def apply(
        self, changes: Sequence[SuppressionChange], events: Sequence[CataloguedKind] = ()
    ) -> list[bool]:
        keyed = [(each.key, each.bounded()) for each in changes]
        done = [self._change(key, each) for key, each in keyed]
        for event in events:
            self._state.append(event)
        return done

    def count(self) -> int:
        return len(self._kept)

    async def sweep(self) -> int:
        now = self._state.clock()
        over = [key for key, each in self._kept.items() if not each.is_in_force(now)]
        for key in over:
            self._remove(key, SWEEPER)
        return len(over)

    def _change(self, key: bytes, change: SuppressionChange) -> bool:
        before, now = self._kept.get(key), self._state.clock()
        if isinstance(change, Suppress):
            if before is not None and not change.prevails(before, now):
                return False
            self._kept[key] = change.suppression
            self._state.append(added_event(change, now))
        elif before is None:
            return False
        else:
            self._remove(key, change.by)
        return True

    def _remove(self, key: bytes, by: Actor) -> None:
        self._state.append(removed_event(self._kept.pop(key), by, self._state.clock()))
