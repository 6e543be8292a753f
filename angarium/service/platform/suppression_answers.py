"""Answers which addresses nothing is sent to, and changes that: through the committer of the platform process."""

from collections.abc import Sequence
from typing import Final

from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.suppressions import (
    SUPPRESSIONS_LISTED,
    AddSuppressions,
    ListSuppressions,
    RemoveSuppressions,
    SuppressionsChanged,
)
from angarium.queue import (
    QueueFullError,
    Suppress,
    SuppressionChange,
    SuppressionPage,
    Suppressions,
    Unsuppress,
)
from angarium.queue.act import Actor
from angarium.service.admin_socket import Asker, Handlers

# In one transaction. Some 10 ms: the event loop and the server's other processes wait meanwhile
LOT: Final = 1000


class SuppressionAnswers:
    def __init__(self, suppressions: Suppressions) -> None:
        self._suppressions = suppressions

    def handlers(self) -> Handlers:
        return (
            Handlers()
            .on(ListSuppressions, self.list_some)
            .on(AddSuppressions, self.add)
            .on(RemoveSuppressions, self.remove)
        )

    async def list_some(self, asked: ListSuppressions, _: Asker) -> SuppressionPage | Refused:
        limit = min(max(asked.limit, 1), SUPPRESSIONS_LISTED)
        try:
            return await self._suppressions.page(asked.wanted, asked.after, limit)
        except ValueError as error:
            return Refused("invalid", str(error))

    async def add(self, asked: AddSuppressions, asker: Asker) -> SuppressionsChanged | Refused:
        by = Actor(who=asker.name, reason=asked.reason)
        return await self._apply(
            [
                Suppress(suppression=each, by=by, replaces=asked.replaces)
                for each in asked.suppressions
            ]
        )

    async def remove(
        self, asked: RemoveSuppressions, asker: Asker
    ) -> SuppressionsChanged | Refused:
        by = Actor(who=asker.name, reason=asked.reason)
        return await self._apply(
            [Unsuppress(email=each.email, scope=each.scope, by=by) for each in asked.addresses]
        )

    async def _apply(self, changes: Sequence[SuppressionChange]) -> SuppressionsChanged | Refused:
        done: list[bool] = []
        try:
            for start in range(0, len(changes), LOT):
                done += await self._suppressions.apply(changes[start : start + LOT])
        except ValueError as error:
            return Refused("invalid", str(error))
        except QueueFullError as error:
            return Refused("no_room", f"{error}; {len(done)} of {len(changes)} were changed")
        return SuppressionsChanged(tuple(done))
