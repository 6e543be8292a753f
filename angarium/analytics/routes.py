"""Which ways mail goes: provider and source as one small number. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from angarium.analytics.counters import key_text

# Ours: there are as many as configurations have had sources and providers; beyond it they are not told apart
MAX_ROUTES: Final = 50_000
UNKNOWN: Final = 0


class Route(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    provider: str  # "": none was found
    source: str  # "": none was chosen


class Routes:
    """Invariant CRT1: a number means one way for ever, as counted mail has it on disk."""

    def __init__(self, known: Iterable[Route]) -> None:
        self._by_number = {each.number: each for each in known}
        self._numbers = {(it.provider, it.source): it.number for it in self._by_number.values()}
        self.new: list[Route] = []  # since they were read from disk

    def number(self, provider: str, source: str) -> int:
        if not provider and not source:
            return UNKNOWN
        found = self._numbers.get((provider, source))
        if found is None:
            found = self._add(provider, source)
        return found

    def find(self, number: int) -> Route | None:
        return self._by_number.get(number)

    def _add(self, provider: str, source: str) -> int:
        number = len(self._numbers) + 1  # CRT1
        if number > MAX_ROUTES:
            return UNKNOWN
        route = Route(number=number, provider=key_text(provider), source=key_text(source))
        self._numbers[provider, source] = number
        self._by_number[number] = route
        self.new.append(route)
        return number
