"""One round: a mail system between load and sink, measured from the first message to the last."""

import resource
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.errors import BenchError
from bench.html_letter import write_letter
from bench.load import submit
from bench.meter import Meter
from bench.peer import Peer, StartPeer, work_folder
from bench.processes import TICK_S, MemoryPeak, cpu_ticks, processor_ticks, stolen_share
from bench.sinks import Count, Sink, SinkKind, make_sink

# Messages that are not counted.
WARM_UP: Final = 200
# So long a second copy may take to show up.
QUIET_S: Final = 0.5
# Of the processors' time: a round in which the host took more is run again.
STOLEN_LIMIT: Final = 0.05
# Of a round; then the least disturbed one counts.
ATTEMPTS: Final = 4


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run consists of."""

    messages: int
    sizes: tuple[int, ...]
    rounds: int
    sessions: int
    reconnect: bool  # a new connection per message
    sink: SinkKind
    folder: Path  # where queues are made: a real disk
    is_html: bool = False  # each message is a letter with links


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One system, one size, once."""

    peer: str
    size: int
    messages: int
    accept_s: float
    end_to_end_s: float
    user_s: float
    system_s: float
    load_s: float  # processor time of load and sink together: what any system pays beside its own
    memory_pss: int
    memory_anonymous: int
    signed: int | None
    proved_once: bool  # each recipient was seen exactly once; False: only the number is known
    stolen: float  # share of the processors' time that the host gave to others

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The medians of one system's rounds at one size."""

    peer: str
    size: int
    accept_per_s: float
    end_to_end_per_s: float
    cpu_ms: float
    load_ms: float
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
                rounds.append(_undisturbed(partial(one_round, plan, size, name, start), title, say))
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


def one_round(plan: Plan, size: int, name: str, start: StartPeer) -> Round:
    """Start the system on an empty queue, warm it up, measure, stop it."""
    folder = work_folder(plan.folder, "run")
    try:
        with make_sink(plan.sink) as sink, Meter() as meter:
            peer = start(folder, sink.port)
            try:
                meter.adopt(peer.roots())
                return _measure(plan, size, name, peer, sink, meter)
            finally:
                peer.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(plan: Plan, size: int, name: str, peer: Peer, sink: Sink, meter: Meter) -> Round:
    letter = write_letter(plan.folder / "letter.eml", size) if plan.is_html else None
    warm = partial(submit, peer.port, size=size, sessions=plan.sessions, letter=letter)
    warm(messages=WARM_UP, name="warm")
    before = wait_for(sink, WARM_UP)
    cpu_before, load_before, ticks = meter.cpu(), _load_s(sink), processor_ticks()
    with MemoryPeak(meter.pids) as watch:
        began = time.monotonic()
        accept_s = submit(
            peer.port,
            messages=plan.messages,
            size=size,
            sessions=plan.sessions,
            reconnect=plan.reconnect,
            letter=letter,
        )
        after = wait_for(sink, before.messages + plan.messages)
        spent = meter.cpu().since(cpu_before)
    load_s = _load_s(sink) - load_before
    stolen = stolen_share(ticks, processor_ticks())
    time.sleep(QUIET_S)
    proved = _prove_once(sink.count(), WARM_UP + plan.messages)
    return Round(
        peer=name,
        size=size,
        messages=plan.messages,
        accept_s=accept_s,
        end_to_end_s=after.last - began,
        user_s=spent.user_s,
        system_s=spent.system_s,
        load_s=load_s,
        memory_pss=watch.peak.pss,
        memory_anonymous=watch.peak.anonymous,
        signed=after.signed,
        proved_once=proved,
        stolen=stolen,
    )


def _load_s(sink: Sink) -> float:
    """Return the seconds of processor time that the loads that ended and the sink have taken."""
    loads = resource.getrusage(resource.RUSAGE_CHILDREN)  # peers are waited for after the measuring
    return loads.ru_utime + loads.ru_stime + sum(cpu_ticks([sink.pid])) * TICK_S


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
        load_ms=median(each.load_s / each.messages * 1000 for each in group),
        memory_pss=max(each.memory_pss for each in group),
        memory_anonymous=max(each.memory_anonymous for each in group),
        proved_once=all(each.proved_once for each in group),
        slowest_per_s=min(rates),
        fastest_per_s=max(rates),
    )
