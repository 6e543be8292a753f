"""What was told last of each thing that is looked at: kept, so that a restart neither repeats nor forgets anything."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal

import msgspec

from angarium.queue import UnixMs
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.keepsakes import Keepsakes

Health = Literal["pending", "verified", "failed"]


class Told(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What was told last of a thing; on disk, so fields are only appended."""

    health: Health
    since: UnixMs


class Change(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    told: Told  # from now on
    events: Sequence[CataloguedKind]  # what says so


class Tellings:
    """Invariant TLG1: that something has changed is told once, whatever is restarted: on disk with its event."""

    def __init__(self, keepsakes: Keepsakes, prefix: str) -> None:
        self._keepsakes = keepsakes
        self._prefix = prefix
        self._told = {
            name.removeprefix(prefix): msgspec.msgpack.decode(octets, type=Told)
            for name, octets in keepsakes.read(prefix).items()
        }
        self._writing = asyncio.Lock()

    def find(self, key: str) -> Told | None:
        return self._told.get(key)

    def health(self, key: str) -> Health:
        """As it was told; of what nothing was told, "pending"."""
        told = self._told.get(key)
        return "pending" if told is None else told.health

    async def tell(
        self, find: Callable[[], Iterable[Change]], there_is: Callable[[], Collection[str]]
    ) -> list[CataloguedKind]:
        """Write what ``find`` says has changed with its events, all or nothing, and return these.

        What there is no more is forgotten. Both are asked when it is their turn. Raises QueueError: tell it later.
        """
        async with self._writing:
            found = list(find())
            gone = self._told.keys() - there_is()
            events = [event for each in found for event in each.events]
            if found or gone:
                changes: dict[str, bytes | None] = {f"{self._prefix}{each}": None for each in gone}
                for each in found:
                    changes[f"{self._prefix}{each.key}"] = msgspec.msgpack.encode(each.told)
                await self._keepsakes.write(changes, events)  # TLG1
                for key in gone:
                    del self._told[key]
                self._told |= {each.key: each.told for each in found}
            return events
