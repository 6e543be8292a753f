"""What a tree of processes costs: CPU time exactly, memory by sampling."""

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")  # of what /proc counts in


class Memory(msgspec.Struct, frozen=True):
    """Octets over a tree of processes; shared pages are counted once (PSS)."""

    pss: int = 0
    anonymous: int = 0  # without files: LMDB's map is the page cache's, and given back when needed
    largest_rss: int = 0  # of the largest process, pages of the map that it touched included
    largest_anonymous: int = 0  # of the process with the most memory of its own


class MemoryPeak:
    """Samples while the block runs. A sample walks page tables, so there is one a second only."""

    def __init__(self, pids: Callable[[], Iterable[int]], interval_s: float = 1.0) -> None:
        self._pids = pids
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak = Memory()

    def __enter__(self) -> "MemoryPeak":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._take()

    def _sample(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._take()

    def _take(self) -> None:
        now, old = memory(self._pids()), self.peak
        self.peak = Memory(
            max(old.pss, now.pss),
            max(old.anonymous, now.anonymous),
            max(old.largest_rss, now.largest_rss),
            max(old.largest_anonymous, now.largest_anonymous),
        )


def tree(roots: Iterable[int]) -> list[int]:
    """Return the pids of the roots and all their living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.append(pid)
            todo += children.get(pid, ())
    return found


def cpu_ticks(roots: Iterable[int]) -> tuple[int, int]:
    """Return user and system time of the trees, the dead included that were waited for.

    A dead child's time is its parent's once it was waited for, so the living ones' own and waited-for
    times sum to all: also of the many short-lived processes of Postfix.
    """
    user = system = 0
    for pid in tree(roots):
        if fields := _stat(pid):
            utime, stime, waited_utime, waited_stime = (int(each) for each in fields[11:15])
            user += utime + waited_utime
            system += stime + waited_stime
    return user, system


def process_ticks(pid: int) -> tuple[int, int]:
    """Return user and system time of one process, without its children; 0 when it is gone."""
    fields = _stat(pid)
    return (int(fields[11]), int(fields[12])) if fields else (0, 0)


def command_line(pid: int) -> list[str]:
    """Return the words with which it was started; none when it is gone."""
    try:
        octets = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return octets.decode(errors="replace").rstrip("\0").split("\0")


def processor_ticks() -> list[int]:
    """Return user, nice, system, idle, iowait, irq, softirq and steal of the whole machine."""
    return [int(each) for each in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]


def stolen_share(before: list[int], after: list[int]) -> float:
    """Return the share of the time between that the host gave to others (steal)."""
    spent = [b - a for a, b in zip(before, after, strict=True)]
    return spent[7] / max(1, sum(spent))


def memory(pids: Iterable[int]) -> Memory:
    pss = anonymous = largest_rss = largest_anonymous = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:  # gone meanwhile
            continue
        values = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        pss += values.get("Pss", 0)
        anonymous += values.get("Pss_Anon", 0)
        largest_rss = max(largest_rss, values.get("Rss", 0))
        largest_anonymous = max(largest_anonymous, values.get("Anonymous", 0))
    return Memory(pss, anonymous, largest_rss, largest_anonymous)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name; the state is the first. Empty when gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()
