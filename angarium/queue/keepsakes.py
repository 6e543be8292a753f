"""Small values that outlive the process: what limits, warm-up and rules have come to. The protocol of their store."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, Protocol

from angarium.queue.events.catalogue import CataloguedKind

# Ours: LMDB's keys end at 511 octets
MAX_NAME_OCTETS: Final = 400
# Ours, of one value; what is larger is not a keepsake
MAX_VALUE_OCTETS: Final = 65_536


class Keepsakes(Protocol):
    """Names are paths, as ``warmup/ip1/gmail``. One owner for each name: who writes it, and nobody else."""

    def read(self, prefix: str) -> dict[str, bytes]:
        """Return what is on disk of all names that begin so, in their order. Reads mapped pages."""
        ...

    def write(
        self, changes: Mapping[str, bytes | None], events: Sequence[CataloguedKind] = ()
    ) -> Awaitable[None]:
        """Make these durable once awaited, all or nothing, with the events that tell of them; None removes a name.

        Raises QueueFullError (nothing written) or QueueFailedError; ValueError for what is too large or has no name.
        """
        ...


def check_changes(changes: Mapping[str, bytes | None]) -> dict[bytes, bytes | None]:
    """Return them by their keys. Raises ValueError."""
    checked: dict[bytes, bytes | None] = {}
    for name, value in changes.items():
        key = name.encode()
        if not 0 < len(key) <= MAX_NAME_OCTETS:
            raise ValueError(f"a keepsake's name has 1 to {MAX_NAME_OCTETS} octets: {name[:50]!r}")
        if value is not None and len(value) > MAX_VALUE_OCTETS:
            raise ValueError(f"{name}: more than {MAX_VALUE_OCTETS} octets")
        checked[key] = value
    return checked
