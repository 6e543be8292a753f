"""Whose turn it is among lines that may go: by priority, then tenants in turn, then the lines of each. Pure."""

from collections.abc import Iterator
from typing import Final, Generic, Protocol, TypeVar

# Of so many turns one is for who has waited longest. Ours: what is urgent loses an eighth of the connections at most,
# and with the three streams that ship nobody waits for more than sixteen turns of others.
SHARED_TURN: Final = 8


class Line(Protocol):
    @property
    def priority(self) -> int:
        """1 first."""
        ...

    @property
    def tenant(self) -> str: ...


L = TypeVar("L", bound=Line)  # compared by identity


class PriorityTurns(Generic[L]):
    """Invariant PRT1: a turn is the first priority's that has a line; each ``SHARED_TURN``-th is that of the priority
    which has had none for longest. So of n priorities none waits for more than ``SHARED_TURN`` * (n - 1) turns.

    Invariant PRT2: within a priority tenants take turns, however many lines they have, and so do a tenant's lines.
    """

    def __init__(self) -> None:
        self._tenants: dict[int, dict[str, dict[L, None]]] = {}  # by priority; none is empty
        self._turn = 0
        self._served: dict[int, int] = {}  # by priority: its last turn; at most one per priority
        # The priority of the last turn, and its turn before
        self._undone: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[L]:
        for tenants in self._tenants.values():
            for lines in tenants.values():
                yield from lines

    def add(self, line: L) -> None:
        """It may go, as the last of its tenant."""
        tenants = self._tenants.setdefault(line.priority, {})
        tenants.setdefault(line.tenant, {})[line] = None

    def remove(self, line: L) -> None:
        tenants = self._tenants[line.priority]
        lines = tenants[line.tenant]
        del lines[line]
        if not lines:
            del tenants[line.tenant]
        if not tenants:
            del self._tenants[line.priority]

    @property
    def first(self) -> L | None:
        """Whose turn is next; None: nobody's."""
        if not self._tenants:
            return None
        tenants = self._tenants[self._next_priority()]
        return next(iter(next(iter(tenants.values()))))

    @property
    def most_urgent(self) -> L | None:
        """Who is first of the first priority, whose turn it may not be; None: nobody is."""
        if not self._tenants:
            return None
        return next(iter(next(iter(self._tenants[min(self._tenants)].values()))))

    def take(self) -> L | None:
        """Give the next turn; whose it was comes last of its kind then."""
        line = self.first
        if line is None:
            return None
        self._turn += 1
        self._undone = (line.priority, self._served.get(line.priority, 0))
        self._served[line.priority] = self._turn
        tenants = self._tenants[line.priority]
        lines = tenants.pop(line.tenant)  # PRT2
        del lines[line]
        lines[line] = None
        tenants[line.tenant] = lines
        return line

    def undo(self) -> None:
        """The last turn came to nothing: it is the next one's of the same right."""
        if self._undone is not None:
            self._turn -= 1
            priority, self._served[priority] = self._undone
            self._undone = None

    def clear(self) -> None:
        self._tenants.clear()

    def _next_priority(self) -> int:
        if len(self._tenants) > 1 and (self._turn + 1) % SHARED_TURN == 0:
            return min(self._tenants, key=lambda each: (self._served.get(each, 0), each))  # PRT1
        return min(self._tenants)
