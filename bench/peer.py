"""What a benchmark needs of a mail system: the one measured, or the one it is measured against."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Peer(Protocol):
    """A running mail system that relays everything from ``port`` to the sink."""

    name: str
    port: int

    def roots(self) -> Sequence[int]:
        """Return the pids whose trees are the whole system."""
        ...

    def stop(self) -> None: ...


def work_folder(parent: Path, name: str) -> Path:
    """Make an empty folder that other users may enter: Postfix's daemons are not root."""
    folder = Path(tempfile.mkdtemp(prefix=f"angarium-bench-{name}-", dir=parent))
    folder.chmod(0o755)
    return folder
