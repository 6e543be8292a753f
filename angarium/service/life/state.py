"""Whether each process is well, as one small file per process: cheap to write each second, and to read for /readyz.

A file is made once and then written over in place, so that a full disk is told of, too: it needs no new block.
"""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from angarium.host.directory import Directory
from angarium.service.life.slot import Slot

BEAT_S: Final = 1.0
STALE_S: Final = 6.0  # ours: six missed beats; a process that swaps or starts is not yet dead
RECORD_OCTETS: Final = 4096  # one block; the rest behind the JSON is blank
_READS: Final = 3  # a record that is being written over may be read half


class State(msgspec.Struct, frozen=True, kw_only=True):
    pid: int
    at: float  # time.monotonic, the same clock in all processes of a boot; wall clocks jump
    reasons: tuple[str, ...]  # why it does not do its work; empty: it does


class StateFile:
    """What one process says of itself."""

    def __init__(self, directory: Path, slot: Slot) -> None:
        self._path = _path(directory, slot)
        self._fd: int | None = None

    def write(self, reasons: Iterable[str]) -> None:
        """Not synced: after a crash it means nothing. Raises OSError: it cannot be made."""
        state = State(pid=os.getpid(), at=time.monotonic(), reasons=tuple(reasons))
        if self._fd is None:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.pwrite(self._fd, _record(state), 0)

    def close(self) -> None:
        """The process ends: from now on it is not running."""
        if self._fd is not None:
            with contextlib.suppress(OSError):  # a file without its block, on a full disk
                os.pwrite(self._fd, _BLANK, 0)
            os.close(self._fd)
            self._fd = None


def blank(directory: Directory, slot: Slot) -> None:
    """A process has died: its file stays for its successor, which could make none on a full disk."""
    with contextlib.suppress(OSError), directory:
        fd = directory.open(_name(slot), os.O_WRONLY)
        try:
            os.pwrite(fd, _BLANK, 0)
        finally:
            os.close(fd)


def read_reasons(directory: Path, slots: Iterable[Slot]) -> list[str]:
    """Return why the server is not ready, each reason with the process that has it. Empty: it is."""
    found: list[str] = []
    now = time.monotonic()
    for slot in slots:
        state = _find_state(_path(directory, slot))
        if state is None:
            found.append(f"{slot.name}: not running")
            continue
        if now - state.at > STALE_S:
            found.append(f"{slot.name}: not heard of for {now - state.at:.0f} s")
        found += [f"{slot.name}: {reason}" for reason in state.reasons]
    return found


def read_pids(directory: Path, slots: Iterable[Slot]) -> dict[str, int]:
    """Return which process fills each slot; one that is not running is left out."""
    states = {slot.name: _find_state(_path(directory, slot)) for slot in slots}
    return {name: state.pid for name, state in states.items() if state is not None}


_BLANK: Final = b" " * RECORD_OCTETS


def _path(directory: Path, slot: Slot) -> Path:
    return directory / _name(slot)


def _name(slot: Slot) -> str:
    return f"{slot.name}.json"


def _record(state: State) -> bytes:
    record = msgspec.json.encode(state)
    while len(record) > RECORD_OCTETS:  # the first reason is the one to mend
        shorter = state.reasons[:-1] or (state.reasons[0][: len(state.reasons[0]) // 2],)
        state = msgspec.structs.replace(state, reasons=shorter)
        record = msgspec.json.encode(state)
    return record.ljust(RECORD_OCTETS)


def _find_state(path: Path) -> State | None:
    for _ in range(_READS):
        try:
            return msgspec.json.decode(path.read_bytes(), type=State)
        except OSError:
            return None
        except msgspec.DecodeError:
            continue
    return None
