"""The bundles that a worker has, in the order of their use: kept alike at both ends. Pure."""

from collections import OrderedDict
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MAX_OCTETS: Final = 8 << 20  # ours: of encoded bundles together; one alone may be as large


class Recent(Generic[T]):
    """Invariant WK3: at most ``limit`` bundles of at most MAX_OCTETS together, or one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._octets = 0

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, digest: str) -> bool:
        return digest in self._items

    def find(self, digest: str) -> T | None:
        """Return it, and note that it was used."""
        found = self._items.get(digest)
        if found is None:
            return None
        self._items.move_to_end(digest)
        return found[0]

    def add(self, digest: str, item: T, octets: int) -> None:
        self.forget(digest)
        self._items[digest] = item, octets
        self._octets += octets
        while len(self._items) > 1 and (
            len(self._items) > self._limit or self._octets > MAX_OCTETS
        ):
            self.forget(next(iter(self._items)))  # WK3

    def forget(self, digest: str) -> None:
        found = self._items.pop(digest, None)
        if found is not None:
            self._octets -= found[1]
