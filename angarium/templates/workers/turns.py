"""What waits to be rendered: tenants take turns, a few fillings at a time. Pure."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Invariant WK1: between two turns of a tenant, each other one that waits has one."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()  # whose turn is next first
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def waiting_of(self, tenant: str) -> int:
        return len(self._waiting.get(tenant, ()))

    def add(self, tenant: str, items: Iterable[T]) -> None:
        """Behind what the tenant has waiting."""
        waiting = self._waiting.setdefault(tenant, deque())
        before = len(waiting)
        waiting.extend(items)
        self._count += len(waiting) - before
        if not waiting:
            del self._waiting[tenant]

    def put_back(self, tenant: str, items: list[T]) -> None:
        """Before what the tenant has waiting: they were taken, and not begun."""
        if items:
            self._waiting.setdefault(tenant, deque()).extendleft(reversed(items))
            self._count += len(items)

    def take(self, limit: int) -> tuple[str, list[T]] | None:
        """Return the next tenant and up to so many of its items; None: nothing waits."""
        if not self._waiting:
            return None
        tenant, waiting = self._waiting.popitem(last=False)
        taken = [waiting.popleft() for _ in range(min(limit, len(waiting)))]
        self._count -= len(taken)
        if waiting:
            self._waiting[tenant] = waiting  # last: the others go first  # WK1
        return tenant, taken

    def drop(self, tenant: str, is_wanted: Callable[[T], bool]) -> None:
        """Forget what is wanted no longer."""
        waiting = self._waiting.pop(tenant, None)
        if waiting is None:
            return
        kept = deque(each for each in waiting if is_wanted(each))
        self._count -= len(waiting) - len(kept)
        if kept:
            self._waiting[tenant] = kept

    def take_all(self) -> list[T]:
        found = [each for waiting in self._waiting.values() for each in waiting]
        self._waiting.clear()
        self._count = 0
        return found
