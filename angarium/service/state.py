"""Whether each process is well, as one small file per process: cheap to write each second, and to read for /readyz."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from angarium.service.slot import Slot

BEAT_S: Final = 1.0
STALE_S: Final = 6.0  # ours: six missed beats; a process that swaps or starts is not yet dead


class State(msgspec.Struct, frozen=True, kw_only=True):
    pid: int
    at: float  # time.monotonic, the same clock in all processes of a boot; wall clocks jump
    reasons: tuple[str, ...]  # why it does not do its work; empty: it does


class StateFile:
    """What one process says of itself."""

    def __init__(self, directory: Path, slot: Slot) -> None:
        self._path = directory / f"{slot.name}.json"
        self._temporary = directory / f".{slot.name}.new"

    def write(self, reasons: Iterable[str]) -> None:
        """Not synced: after a crash it means nothing."""
        state = State(pid=os.getpid(), at=time.monotonic(), reasons=tuple(reasons))
        self._temporary.write_bytes(msgspec.json.encode(state))
        self._temporary.rename(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def read_reasons(directory: Path, slots: Iterable[Slot]) -> list[str]:
    """Return why the server is not ready, each reason with the process that has it. Empty: it is."""
    found: list[str] = []
    now = time.monotonic()
    for slot in slots:
        try:
            state = msgspec.json.decode((directory / f"{slot.name}.json").read_bytes(), type=State)
        except (OSError, msgspec.DecodeError):
            found.append(f"{slot.name}: not running")
            continue
        if now - state.at > STALE_S:
            found.append(f"{slot.name}: not heard of for {now - state.at:.0f} s")
        found += [f"{slot.name}: {reason}" for reason in state.reasons]
    return found
