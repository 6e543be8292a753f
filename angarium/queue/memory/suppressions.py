"""Suppressions in memory, for tests."""

from collections.abc import Mapping, Sequence

from angarium.queue.act import Actor
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.memory.state import MemoryState
from angarium.queue.model import UnixMs
from angarium.queue.suppression_changes import (
    SWEEPER,
    Suppress,
    SuppressionChange,
    added_event,
    removed_event,
)
from angarium.queue.suppression_filter import CompiledSuppressionFilter, SuppressionFilter
from angarium.queue.suppression_key import address_key
from angarium.queue.suppression_store import NO_TROUBLES
from angarium.queue.suppressions import Suppression, SuppressionPage, scopes_of
from angarium.queue.trouble import TROUBLE_LIMIT, Trouble


class MemorySuppressions:
    """Implements Suppressions; the state survives a crash."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._kept = state.suppressions

    def find(self, address: str, tenant: str, stream: str, topic: str = "") -> Suppression | None:
        return self.find_each((address,), tenant, stream, topic)[0]

    def find_each(
        self, addresses: Sequence[str], tenant: str, stream: str, topic: str
    ) -> list[Suppression | None]:
        scopes = scopes_of(tenant, stream, topic)
        return [self._state.find_suppression(each, scopes) for each in addresses]

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
        self,
        changes: Sequence[SuppressionChange],
        events: Sequence[CataloguedKind] = (),
        troubles: Mapping[str, Trouble | None] = NO_TROUBLES,
    ) -> list[bool]:
        remembered = {address_key(email): each for email, each in troubles.items()}
        keyed = [(each.key, each.bounded()) for each in changes]
        done = [self._change(key, each) for key, each in keyed]
        for event in events:
            self._state.append(event)
        for key, trouble in remembered.items():
            if trouble is None:
                self._state.troubles.pop(key, None)
            elif len(self._state.troubles) < TROUBLE_LIMIT or key in self._state.troubles:
                self._state.troubles[key] = trouble
        return done

    def find_troubles(self, addresses: Sequence[str]) -> list[Trouble | None]:
        return [self._state.troubles.get(address_key(each)) for each in addresses]

    async def forget_troubles(self, before: UnixMs) -> int:
        troubles = self._state.troubles
        old = [key for key, each in troubles.items() if each.last_at < before]
        for key in old:
            del troubles[key]
        return len(old)

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
            self._tell(change)
            self._kept[key] = change.suppression
            self._state.append(added_event(change, now))
        elif before is None or not change.concerns(before):
            return False
        else:
            self._tell(change)
            self._remove(key, change.by)
            self._state.troubles.pop(address_key(change.email), None)
        return True

    def _tell(self, change: SuppressionChange) -> None:
        for event in change.events:
            self._state.append(event)

    def _remove(self, key: bytes, by: Actor) -> None:
        self._state.append(removed_event(self._kept.pop(key), by, self._state.clock()))
