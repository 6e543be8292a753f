"""Nothing between load and sink: what the machine and the load themselves allow at most."""

from collections.abc import Sequence
from pathlib import Path

from bench.peer import Candidate, StartPeer

NAME = "nothing between"


class DirectPeer:
    """The sink itself, under the name of a peer."""

    def __init__(self, folder: Path, sink_port: int) -> None:
        self.port = sink_port

    def roots(self) -> Sequence[int]:
        return ()

    def stop(self) -> None: ...


def _find() -> StartPeer:
    return DirectPeer


DIRECT = Candidate(NAME, _find)
