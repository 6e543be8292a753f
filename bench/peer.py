"""What a benchmark needs of a mail system: the one measured, or the one it is measured against."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from bench.errors import PeerAbsent


class Peer(Protocol):
    """A running mail system that relays everything from ``port`` to the sink."""

    port: int

    def roots(self) -> Sequence[int]:
        """Return the pids whose trees are the whole system."""
        ...

    def stop(self) -> None: ...


StartPeer = Callable[[Path, int], Peer]  # folder, port of the sink


class Candidate(msgspec.Struct, frozen=True):
    """A system that may be measured here. ``find`` raises PeerAbsent, with why it may not."""

    name: str
    find: Callable[[], StartPeer]


def present(
    candidates: Iterable[Candidate], say: Callable[[str], None]
) -> list[tuple[str, StartPeer]]:
    """Return those that can run here; says of each other why it cannot."""
    found = []
    for each in candidates:
        try:
            found.append((each.name, each.find()))
        except PeerAbsent as e:
            say(f"without {each.name}: {e}")
    return found


def work_folder(parent: Path, name: str) -> Path:
    """Make an empty folder that other users may enter: Postfix's daemons are not root."""
    folder = Path(tempfile.mkdtemp(prefix=f"angarium-bench-{name}-", dir=parent))
    folder.chmod(0o755)
    return folder
