"""``bin/bench profile``: where the processor time of a message goes, on a disk whose fsync is nearly free.

Three rounds, since to look is to disturb: one undisturbed, which says how much each process takes; one with stacks
sampled in each process, which says which part of the code takes it; one under ``perf``, which says what of it is the
interpreter, a C library or the kernel.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import msgspec
from rich.table import Table

from bench.angarium_peer import EMPTY, AngariumPeer, Setup
from bench.errors import PeerAbsent
from bench.load import submit
from bench.machine import describe
from bench.measure import WARM_UP, wait_for
from bench.meter import Cpu
from bench.peer import work_folder
from bench.perf import Perf
from bench.processes import TICK_S, command_line, process_ticks, tree
from bench.report import console, print_machine, save
from bench.sampler import sitecustomize
from bench.sinks import OwnSink
from bench.stacks import PARTS, Stack, part_of, read_stacks

# So many are printed.
FUNCTIONS: Final = 30
# A binary or system call with less is not printed.
LEAST_SHARE: Final = 0.002

Watch = Callable[[Sequence[int]], AbstractContextManager[object]]  # of these pids


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that went through a server: how fast, and the seconds that each role took for it."""

    messages: int
    end_to_end_s: float
    cpu: dict[str, Cpu]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What a part, a function or a place takes of a message's processor time."""

    name: str
    ms: float
    share: float


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    setup: str
    size: int
    undisturbed: Passage
    sampled: Passage
    samples: int
    parts: list[Share]
    functions: list[Share]
    places: list[Share]


def run(folder: Path, size: int, messages: int, setups: Sequence[Setup]) -> None:
    machine = describe(folder)
    print_machine(machine)
    profiles = [_profile(folder, size, messages, setup) for setup in setups]
    for each in profiles:
        _print(each)
    save("profile", machine, messages=messages, profiles=profiles)


def _profile(parent: Path, size: int, messages: int, setup: Setup) -> Profile:
    undisturbed = _pass(parent, size, messages, setup)
    folder = work_folder(parent, "profile")
    try:
        sampled, stacks = _sampled(parent, folder, size, messages, setup)
        places = _places(parent, folder / "perf.data", size, messages, setup)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    per_role = {role: cpu.total_s / messages * 1000 for role, cpu in undisturbed.cpu.items()}
    whole_ms = sum(per_role.values())
    return Profile(
        setup=setup.name,
        size=size,
        undisturbed=undisturbed,
        sampled=sampled,
        samples=sum(map(len, stacks.values())),
        parts=sorted(_weigh(stacks, per_role, part_of), key=_place_in_parts),
        functions=sorted(_weigh(stacks, per_role, _function), key=lambda each: -each.ms),
        places=[Share(name=name, ms=share * whole_ms, share=share) for name, share in places],
    )


def _sampled(
    parent: Path, folder: Path, size: int, messages: int, setup: Setup
) -> tuple[Passage, dict[str, list[Stack]]]:
    """Return a passage and the stacks that were sampled during it, by role; what came before is left out."""
    before: dict[Path, int] = {}
    found: dict[str, list[Stack]] = {}

    class _Reading(AbstractContextManager[object]):
        def __init__(self, pids: Sequence[int]) -> None:
            self._files = {folder / f"{pid}.samples": _role(pid) for pid in pids}

        def __enter__(self) -> object:
            before.update((file, file.stat().st_size) for file in self._files if file.exists())
            return self

        def __exit__(self, *_: object) -> None:
            for file, role in self._files.items():
                if file in before:
                    text = file.read_bytes()[before[file] :].decode(errors="replace")
                    found.setdefault(role, []).extend(read_stacks(text))

    environment = {
        sitecustomize.FOLDER: str(folder),
        "PYTHONPATH": str(Path(sitecustomize.__file__).parent),
    }
    return _pass(parent, size, messages, setup, environment, _Reading), found


def _places(
    parent: Path, file: Path, size: int, messages: int, setup: Setup
) -> list[tuple[str, float]]:
    """Return the shares of binaries and system calls by perf; none without it."""
    perfs: list[Perf] = []

    def watch(pids: Sequence[int]) -> Perf:
        perfs.append(Perf(pids, file))
        return perfs[0]

    try:
        _pass(parent, size, messages, setup, watch=watch)
    except PeerAbsent as e:
        console.print(f"without perf: {e}")
        return []
    return list(perfs[0].shares().items())


def _pass(
    parent: Path,
    size: int,
    messages: int,
    setup: Setup,
    environment: Mapping[str, str] = EMPTY,
    watch: Watch = nullcontext,
) -> Passage:
    """Let so many messages through a server of its own, while its processes are watched."""
    folder = work_folder(parent, "run")
    try:
        with OwnSink() as sink:
            peer = AngariumPeer(folder, sink.port, setup, environment)
            try:
                submit(peer.port, messages=WARM_UP, size=size, name="warm")
                wait_for(sink, WARM_UP)
                pids = tree(peer.roots())
                with watch(pids):
                    before = {pid: process_ticks(pid) for pid in pids}
                    began = time.monotonic()
                    submit(peer.port, messages=messages, size=size)
                    count = wait_for(sink, WARM_UP + messages)
                    cpu = _cpu_by_role(before)
                return Passage(messages=messages, end_to_end_s=count.last - began, cpu=cpu)
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cpu_by_role(before: Mapping[int, tuple[int, int]]) -> dict[str, Cpu]:
    found: dict[str, Cpu] = {}
    for pid, (user, system) in before.items():
        now_user, now_system = process_ticks(pid)
        spent = Cpu(user_s=(now_user - user) * TICK_S, system_s=(now_system - system) * TICK_S)
        found[_role(pid)] = found.get(_role(pid), Cpu()).plus(spent)
    return found


def _role(pid: int) -> str:
    """Return what a process of the server is: its command line is ``... -m angarium.service.role ROLE NUMBER ...``."""
    words = command_line(pid)
    if "angarium.service.role" in words:
        return words[words.index("angarium.service.role") + 1]
    return "all roles" if "--single" in words else "supervisor"


def _weigh(
    stacks: Mapping[str, Sequence[Stack]],
    per_role: Mapping[str, float],
    name_of: Callable[[Stack], str],
) -> list[Share]:
    """Share out each role's milliseconds among the names of its samples."""
    found: dict[str, float] = {}
    for role, samples in stacks.items():
        for stack in samples:
            name = name_of(stack)
            found[name] = found.get(name, 0.0) + per_role[role] / len(samples)
    whole = sum(found.values())
    return [Share(name=name, ms=ms, share=ms / whole) for name, ms in found.items()]


def _function(stack: Stack) -> str:
    """Return the innermost function of ours, which answers for what it calls that is not ours."""
    return stack[0] if stack else part_of(stack)


def _place_in_parts(share: Share) -> int:
    names = list(PARTS)
    return names.index(share.name) if share.name in PARTS else len(names)


def _print(profile: Profile) -> None:
    messages, cpu = profile.undisturbed.messages, profile.undisturbed.cpu
    for passage, how in ((profile.undisturbed, "undisturbed"), (profile.sampled, "sampled")):
        total = sum(each.total_s for each in passage.cpu.values())
        console.print(
            f"{profile.setup}, {profile.size:,} octets, {how}: "
            f"{messages / passage.end_to_end_s:,.0f}/s, {total / messages * 1000:.3f} ms a message"
        )
    table = Table(title="by process", title_justify="left")
    for name in ("role", "user ms", "system ms"):
        table.add_column(name, justify="left" if name == "role" else "right")
    for role, each in cpu.items():
        table.add_row(
            role, f"{each.user_s / messages * 1000:.3f}", f"{each.system_s / messages * 1000:.3f}"
        )
    console.print(table)
    _print_shares(f"by part, {profile.samples:,} samples", profile.parts)
    _print_shares("by function", profile.functions[:FUNCTIONS])
    _print_shares(
        "by binary and system call", [each for each in profile.places if each.share > LEAST_SHARE]
    )


def _print_shares(title: str, shares: Sequence[Share]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("ms", justify="right")
    table.add_column("share", justify="right")
    for each in shares:
        table.add_row(each.name, f"{each.ms:.4f}", f"{each.share:.1%}")
    console.print(table)
