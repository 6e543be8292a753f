"""Places that are shared fairly: who may have another one, and whose turn is next. Pure.

Whoever wants a place belongs to groups within groups, as ``(tenant, account, sender, message)``; each front part of
such a path is a group. All paths of one ``Turns`` are of one length. Knows nothing of what the places are for.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

Whose = tuple[Hashable, ...]  # from the widest group to the narrowest
# Whatever no mail asks for
NOBODY: Final[Whose] = ("", "", "", "")
T = TypeVar("T")  # hashable


class Shares:
    """How many places each group holds.

    Invariant SH1: a narrowest group gets no place while it holds as many as are free, the one around it while it holds
    twice as many, and so on outwards. So whatever somebody asks for, some are left for others, at each level.
    """

    def __init__(self) -> None:
        self._held: dict[Whose, int] = {}  # none is 0
        self.total = 0

    def held(self, group: Whose) -> int:
        return self._held.get(group, 0)

    def allows_group(self, group: Whose, depth: int, free: int) -> bool:
        """Whether a group may have another place, of so many that are free; ``depth``: the length of whole paths."""
        return self._held.get(group, 0) < (depth - len(group) + 1) * free  # SH1

    def allows(self, whose: Whose, free: int) -> bool:
        """Whether all of its groups may."""
        depth = len(whose)
        return all(self.allows_group(whose[:length], depth, free) for length in range(1, depth + 1))

    def take(self, whose: Whose) -> None:
        self.total += 1
        for length in range(1, len(whose) + 1):
            group = whose[:length]
            self._held[group] = self._held.get(group, 0) + 1

    def give_back(self, whose: Whose) -> None:
        self.total -= 1
        for length in range(1, len(whose) + 1):
            group = whose[:length]
            left = self._held[group] - 1
            if left:
                self._held[group] = left
            else:
                del self._held[group]


class Turns(Generic[T]):
    """What waits. First in, first out within a narrowest group; groups take turns, and so do the groups in them."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Any] = {}  # nested; innermost: the items of a path, in order
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, whose: Whose, item: T) -> None:
        """An item that waits there already keeps its place."""
        items = self._groups
        for name in whose:
            items = items.setdefault(name, {})
        if item not in items:
            items[item] = None
            self._count += 1

    def discard(self, whose: Whose, item: T) -> None:
        """It waits no longer."""
        path = [self._groups]
        for name in whose:
            if name not in path[-1]:
                return
            path.append(path[-1][name])
        if item not in path[-1]:
            return
        del path[-1][item]
        self._count -= 1
        for group, name in zip(reversed(path[:-1]), reversed(whose), strict=True):
            if group[name]:
                return
            del group[name]

    def next(self, allows_group: Callable[[Whose], bool]) -> tuple[Whose, T] | None:
        """Take the first of the group whose turn it is, of those that are allowed; None: there is none."""
        found = self._next(self._groups, (), allows_group)
        if found is not None:
            self._count -= 1
        return found

    def _next(
        self, within: dict[Hashable, Any], group: Whose, allows_group: Callable[[Whose], bool]
    ) -> tuple[Whose, T] | None:
        for name, inner in within.items():
            if inner is None:
                del within[name]
                return group, name  # type: ignore[return-value]
            if not allows_group((*group, name)):
                continue
            found = self._next(inner, (*group, name), allows_group)
            if found is not None:
                del within[name]
                if inner:
                    within[name] = inner  # last: the others go first
                return found
        return None
