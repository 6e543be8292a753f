"""What the processes of one system cost, whoever reaps them: CPU time exactly, and which they are.

The kernel counts a dead child into its parent only when the parent waited for it, and Exim's do not wait. So root
gives the system a cgroup of its own; without one, the tree of processes is summed, which is exact for the others.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import msgspec

from bench.processes import TICK_S, cpu_ticks, tree


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of processor time."""

    user_s: float = 0.0
    system_s: float = 0.0

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s

    def since(self, before: "Cpu") -> "Cpu":
        return Cpu(
            user_s=self.user_s - before.user_s,
            system_s=self.system_s - before.system_s,
        )

    def plus(self, other: "Cpu") -> "Cpu":
        return Cpu(
            user_s=self.user_s + other.user_s,
            system_s=self.system_s + other.system_s,
        )


class Meter:
    """``with Meter() as meter: meter.adopt(pids)``; what they start from then on is counted, too.

    The block ends after the processes did: a cgroup cannot be removed before.
    """

    def __init__(self) -> None:
        self._group = _make_group()
        self._roots: tuple[int, ...] = ()

    @property
    def counts_orphans(self) -> bool:
        return self._group is not None

    def adopt(self, roots: Iterable[int]) -> None:
        self._roots = tuple(roots)
        if self._group is None:
            return
        moved: set[int] = set()
        while new := set(tree(self._roots)) - moved:  # one may be started while others are moved
            for pid in new:
                _move(pid, self._group)
            moved |= new

    def pids(self) -> list[int]:
        if self._group is None:
            return tree(self._roots)
        return [int(each) for each in (self._group / "cgroup.procs").read_text().split()]

    def cpu(self) -> Cpu:
        if self._group is None:
            user, system = cpu_ticks(self._roots)
            return Cpu(user_s=user * TICK_S, system_s=system * TICK_S)
        return parse_cpu_stat((self._group / "cpu.stat").read_text())

    def __enter__(self) -> "Meter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        deadline = time.monotonic() + 5
        while self._group is not None:
            try:
                self._group.rmdir()
                return
            except OSError:  # the kernel has not let go of the last process yet
                if time.monotonic() > deadline:
                    return
                time.sleep(0.02)


def parse_cpu_stat(text: str) -> Cpu:
    """Read a cgroup's ``cpu.stat`` (Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files")."""
    values = dict(line.split() for line in text.splitlines())
    return Cpu(
        user_s=int(values["user_usec"]) / 1e6,
        system_s=int(values["system_usec"]) / 1e6,
    )


def find_cgroup2(mounts: str) -> Path | None:
    """Return where version 2 of the hierarchy is mounted, by the text of /proc/self/mounts."""
    found = re.search(r"^\S+ (\S+) cgroup2 ", mounts, re.MULTILINE)
    return Path(found[1]) if found else None


def _make_group() -> Path | None:
    top = find_cgroup2(Path("/proc/self/mounts").read_text())
    if top is None:
        return None
    group = top / f"angarium-bench-{os.getpid()}"
    try:
        group.mkdir(exist_ok=True)
    except OSError:  # not root, or a container that may only look
        return None
    return group


def _move(pid: int, group: Path) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
        (group / "cgroup.procs").write_text(str(pid))
