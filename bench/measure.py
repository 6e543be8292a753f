"""One round: a mail system between load and sink, measured from the first message to the last."""

import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.errors import BenchError
from bench.load import submit
from bench.peer import Peer, work_folder
from bench.processes import MemoryPeak, cpu_s, processor_ticks, stolen_share
from bench.sinks import Count, Sink, SinkKind, make_sink

WARM_UP: Final = 200  # messages that are not counted
QUIET_S: Final = 0.5  # so long a second copy may take to show up
# Of the processors' time: a round in which the host took more is run again.
STOLEN_LIMIT: Final = 0.05
ATTEMPTS: Final = 4  # of a round; then the least disturbed one counts

StartPeer = Callable[[Path, int], Peer]  # folder, port of the sink


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run consists of."""

    messages: int
    sizes: tuple[int, ...]
    rounds: int
    sessions: int
    reconnect: bool  # a new connection per message
    sink: SinkKind
    folder: Path  # where queues are made: a real disk


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One system, one size, once."""

    peer: str
    size: int
    messages: int
    accept_s: float
    end_to_end_s: float
    cpu_s: float
    memory_pss: int
    memory_anonymous: int
    signed: int | None
    proved_once: bool  # each recipient was seen exactly once; False: only the number is known
    stolen: float  # share of the processors' time that the host gave to others


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The medians of one system's rounds at one size."""

    peer: str
    size: int
    accept_per_s: float
    end_to_end_per_s: float
    cpu_ms: float
    memory_pss: int
    memory_anonymous: int
    proved_once: bool
    slowest_per_s: float
    fastest_per_s: float


def alternate(
    plan: Plan, peers: Sequence[tuple[str, StartPeer]], say: Callable[[str], None]
) -> list[Round]:
    """Run all systems in turn, the order turned round each time, so that a drifting machine hits all alike."""
    rounds: list[Round] = []
    for number in range(plan.rounds):
        for size in plan.sizes:
            for name, start in peers if number % 2 == 0 else list(reversed(peers)):
                title = f"round {number + 1}/{plan.rounds}  {size:>6} octets  {name}"
                rounds.append(_undisturbed(partial(one_round, plan, size, start), title, say))
    return rounds


def _undisturbed(run: Callable[[], Round], title: str, say: Callable[[str], None]) -> Round:
    """Run a round again while the host of this virtual machine takes processors away from it."""
    done: list[Round] = []
    while True:
        done.append(run())
        last = done[-1]
        rate = last.messages / last.end_to_end_s
        say(f"{title}: {rate:,.0f}/s, {last.stolen:.0%} of the processors' time stolen")
        if last.stolen <= STOLEN_LIMIT or len(done) == ATTEMPTS:
            return min(done, key=lambda each: each.stolen)


def one_round(plan: Plan, size: int, start: StartPeer) -> Round:
    """Start the system on an empty queue, warm it up, measure, stop it."""
    folder = work_folder(plan.folder, "run")
    try:
        with make_sink(plan.sink) as sink:
            peer = start(folder, sink.port)
            try:
                return _measure(plan, size, peer, sink)
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(plan: Plan, size: int, peer: Peer, sink: Sink) -> Round:
    submit(peer.port, messages=WARM_UP, size=size, sessions=plan.sessions, name="warm")
    before = wait_for(sink, WARM_UP)
    cpu_before, ticks = cpu_s(peer.roots()), processor_ticks()
    with MemoryPeak(peer.roots) as watch:
        began = time.monotonic()
        accept_s = submit(
            peer.port,
            messages=plan.messages,
            size=size,
            sessions=plan.sessions,
            reconnect=plan.reconnect,
        )
        after = wait_for(sink, before.messages + plan.messages)
        spent = cpu_s(peer.roots()) - cpu_before
    stolen = stolen_share(ticks, processor_ticks())
    time.sleep(QUIET_S)
    proved = _prove_once(sink.count(), WARM_UP + plan.messages)
    return Round(
        peer=peer.name,
        size=size,
        messages=plan.messages,
        accept_s=accept_s,
        end_to_end_s=after.last - began,
        cpu_s=spent,
        memory_pss=watch.peak.pss,
        memory_anonymous=watch.peak.anonymous,
        signed=after.signed,
        proved_once=proved,
        stolen=stolen,
    )


def wait_for(sink: Sink, messages: int, stall_s: float = 60.0) -> Count:
    """Wait until so many messages arrived; gives up when none did for ``stall_s``."""
    count, moved = sink.count(), time.monotonic()
    while count.messages < messages:
        time.sleep(0.02)
        now = sink.count()
        if now.messages > count.messages:
            moved = time.monotonic()
        elif time.monotonic() - moved > stall_s:
            raise BenchError(f"{messages - now.messages} of {messages} messages did not arrive")
        count = now
    return count


def _prove_once(count: Count, messages: int) -> bool:
    if count.messages != messages:
        raise BenchError(f"{count.messages} messages arrived, {messages} were accepted")
    if count.recipients is None:
        return False
    if count.recipients != messages or count.duplicates:
        raise BenchError(f"{count.duplicates} messages came twice, {count.recipients} recipients")
    return True


def results(rounds: Sequence[Round]) -> list[Result]:
    """Return the medians by size and system, in the order of appearance."""
    groups: dict[tuple[int, str], list[Round]] = {}
    for each in sorted(rounds, key=lambda each: each.size):
        groups.setdefault((each.size, each.peer), []).append(each)
    return [_result(group) for group in groups.values()]


def _result(group: Sequence[Round]) -> Result:
    rates = [each.messages / each.end_to_end_s for each in group]
    return Result(
        peer=group[0].peer,
        size=group[0].size,
        accept_per_s=median(each.messages / each.accept_s for each in group),
        end_to_end_per_s=median(rates),
        cpu_ms=median(each.cpu_s / each.messages * 1000 for each in group),
        memory_pss=max(each.memory_pss for each in group),
        memory_anonymous=max(each.memory_anonymous for each in group),
        proved_once=all(each.proved_once for each in group),
        slowest_per_s=min(rates),
        fastest_per_s=max(rates),
    )
