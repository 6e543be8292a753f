"""Whose turn it is among members of different weights: smoothly, and without chance. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

# Of one pool whose turns are remembered; ours: beyond them the oldest begins anew, at a member that is due
PROVIDERS: Final = 10_000


class SmoothRotation:
    """The member that is furthest behind its share is next.

    Invariant SR1: in each run of as many turns as the weights add up to, counted from the start, each member has
    exactly its weight; members take turns within it, none has all of its own in a row.
    """

    def __init__(self, weights: Sequence[int]) -> None:
        self._weights = tuple(weights)
        self._behind = [0] * len(self._weights)  # times the sum; they add up to 0

    def next(self, is_usable: Callable[[int], bool]) -> int | None:
        """Return the next of those that are usable; None: none is. The others gain nothing meanwhile."""
        usable = [at for at in range(len(self._weights)) if is_usable(at)]
        if not usable:
            return None
        for at in usable:
            self._behind[at] += self._weights[at]
        chosen = max(usable, key=lambda at: self._behind[at])
        self._behind[chosen] -= sum(self._weights[at] for at in usable)  # SR1
        return chosen

    def begin_with(self, member: int) -> None:
        """Count a first turn that was decided elsewhere."""
        for at, weight in enumerate(self._weights):
            self._behind[at] += weight
        self._behind[member] -= sum(self._weights)


class Rotations:
    """Of one pool: a rotation per provider, so that each of them sees every member by its share.

    Invariant SR2: whose first turn it is at a provider is decided by a rotation over providers: thousands of them with
    a message each see every member by its share, too.
    """

    def __init__(self, weights: Sequence[int]) -> None:
        self._weights = tuple(weights)
        self._first = SmoothRotation(weights)
        self._of: dict[str, SmoothRotation] = {}  # a cache, in order of insertion

    def next(self, provider: str, is_usable: Callable[[int], bool]) -> int | None:
        rotation = self._of.get(provider)
        if rotation is not None:
            return rotation.next(is_usable)
        member = self._first.next(is_usable)  # SR2
        if member is not None:
            rotation = self._of[provider] = SmoothRotation(self._weights)
            rotation.begin_with(member)
            if len(self._of) > PROVIDERS:
                del self._of[next(iter(self._of))]
        return member
