"""Writers killed at random moments, again and again, with what was acknowledged logged outside the queue.

Invariants 1, 2 and 3, held for the queue by itself.

SEED and ROUNDS choose and lengthen the long runs (bin/test --faults).
"""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from angarium.queue import (
    Delivered,
    Filter,
    InDoubt,
    LmdbSpool,
    MessageAccepted,
    PartitionNumber,
    QueueOperator,
    delivery_id_text,
    message_id_text,
)
from tests.queue.lmdb.writer_process import CONFIG, clock

ROOT = Path(__file__).parents[3]
WRITER = ROOT / "tests" / "queue" / "lmdb" / "writer_process.py"


class Ledger:
    """What the writers logged, over all rounds."""

    def __init__(self, log: Path) -> None:
        self.accepted: dict[str, int] = {}
        self.claiming: set[str] = set()
        self.sent: list[str] = []
        self.done: set[str] = set()
        for line in log.read_text().splitlines() if log.exists() else ():
            match line.split():
                case ["accepted", message, count]:
                    self.accepted[message] = int(count)
                case ["claiming", delivery]:
                    self.claiming.add(delivery)
                case ["sent", delivery]:
                    self.sent.append(delivery)
                case ["done", delivery]:
                    self.done.add(delivery)
                case ["broken", message]:
                    pytest.fail(f"{message} came back with other content")


def start(
    queue: Path, log: Path, seed: int, number: int, wrap: list[str] | None = None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(WRITER), str(queue), str(log), str(seed), str(number)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with error_file(log, number).open("wb") as errors:
        return subprocess.Popen(
            (wrap or []) + command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )


def error_file(log: Path, number: int) -> Path:
    return log.with_name(f"stderr-{number}")


def wait_for(log: Path, text: str, process: subprocess.Popen[bytes], within_s: float = 20) -> None:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if log.exists() and text in log.read_text():
            return
        assert process.poll() is None, [each.read_text() for each in log.parent.glob("stderr-*")]
        time.sleep(0.005)
    pytest.fail(f"no {text!r} in the log within {within_s} s")


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


async def check(queue: Path, ledger: Ledger) -> None:
    """Hold the queue and its event log against what was acknowledged."""
    spool = LmdbSpool.open(queue, CONFIG, clock)
    try:
        for number in range(CONFIG.partitions):
            partition = await spool.own(PartitionNumber(number), "check")
            await partition.replay()
        operator = QueueOperator(spool._env, clock)
        entries = operator.page(Filter(), None, 10**6).entries
        queued = {delivery_id_text(each.id): each for each in entries}
        events = [each.event for each in spool.events.read(0, 10**7)]
        assert [each.sequence for each in spool.events.read(0, 10**7)] == list(
            range(1, len(events) + 1)
        )
        delivered = [event_id(each) for each in events if isinstance(each, Delivered)]
        in_doubt = {event_id(each) for each in events if isinstance(each, InDoubt)}
        in_log = {message_id_text(e.message_id) for e in events if isinstance(e, MessageAccepted)}
        finished = set(delivered)
        for message, count in ledger.accepted.items():  # test_accepted_is_durable
            assert message in in_log
            for index in range(count):  # test_nothing_accepted_is_lost
                delivery = f"{message}.{index}"
                assert (delivery in queued) != (delivery in finished), delivery
        assert ledger.done <= finished
        assert len(delivered) == len(finished)
        again = {each for each, count in Counter(ledger.sent).items() if count > 1}
        assert again <= in_doubt  # test_duplicates_only_in_doubt
        assert in_doubt <= ledger.claiming
        assert all(each.state == "scheduled" for each in entries)
        for message in {each.id.message_id for each in entries}:
            assert (spool.content(message) or b"")[:16] == message
        summary = spool.summary()
        assert summary.messages == len({each.id.message_id for each in entries})
        assert summary.recipients == len(entries) == summary.scheduled
    finally:
        spool.close()


def event_id(event: Delivered | InDoubt) -> str:
    return f"{message_id_text(event.message_id)}.{event.index}"


def run_rounds(tmp_path: Path, seed: int, rounds: int, processes: int) -> Ledger:
    chance = random.Random(seed)
    queue, log = tmp_path / "queue", tmp_path / "log"
    running = [start(queue, log, seed, number) for number in range(processes)]
    seeds = [seed] * processes
    try:
        for round_number in range(rounds):
            for number, process in enumerate(running):
                wait_for(log, f"ready {number} {seeds[number]}\n", process)
            time.sleep(chance.uniform(0.02, 0.3))  # the moment of death, not a wait for anything
            victim = chance.randrange(processes)
            kill(running[victim])
            seeds[victim] = seed + round_number + 1
            running[victim] = start(queue, log, seeds[victim], victim)
        wait_for(log, "accepted", running[victim])
    finally:
        for process in running:
            kill(process)
    return Ledger(log)


@pytest.mark.parametrize("processes", [1, 2])
async def test_killed_writers_lose_nothing_acknowledged(tmp_path: Path, processes: int) -> None:
    ledger = await asyncio.to_thread(run_rounds, tmp_path, 7, 3, processes)
    await check(tmp_path / "queue", ledger)


@pytest.mark.faults
async def test_killed_writers_lose_nothing_acknowledged_over_many_rounds(tmp_path: Path) -> None:
    seed, rounds = int(os.environ.get("SEED", "1")), int(os.environ.get("ROUNDS", "40"))
    ledger = await asyncio.to_thread(run_rounds, tmp_path, seed, rounds, 2)
    assert len(ledger.accepted) > rounds
    await check(tmp_path / "queue", ledger)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("when", [18, 19, 26])
async def test_a_kill_at_the_nth_fdatasync_loses_nothing_acknowledged(
    tmp_path: Path, when: int
) -> None:
    queue, log = tmp_path / "queue", tmp_path / "log"
    inject = f"inject=fdatasync:signal=SIGKILL:when={when}"
    wrap = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject]
    process = start(queue, log, when, 0, wrap)
    try:
        await asyncio.to_thread(process.wait, 40)
    except subprocess.TimeoutExpired:
        kill(process)
        pytest.skip("strace cannot trace here")
    error = error_file(log, 0).read_text()
    if "ptrace" in error:
        pytest.skip(f"strace cannot trace here: {error.strip()}")
    assert process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), error
    await check(queue, Ledger(log))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_a_process_whose_fsync_failed_acknowledges_nothing_more(tmp_path: Path) -> None:
    queue, log = tmp_path / "queue", tmp_path / "log"
    inject = "inject=fdatasync:error=EIO:when=26+"
    wrap = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject]
    process = start(queue, log, 1, 0, wrap)
    try:
        await asyncio.to_thread(process.wait, 40)
    finally:
        kill(process)
    error = error_file(log, 0).read_text()
    if "ptrace" in error:
        pytest.skip("strace cannot trace here")
    assert "QueueFailedError" in error
    assert process.returncode == 1
    await check(queue, Ledger(log))


FILL_A_DISK = """
import asyncio, sys
from angarium.config.schema import Queue
from angarium.queue import *
from tests.queue.samples import attempt, submission
from tests.queue.lmdb.writer_process import clock

async def main():
    new_id = MessageIdGenerator(clock, __import__("os").urandom)
    spool = LmdbSpool.open(sys.argv[1], Queue(partitions=1, min_free_octets=int(sys.argv[2])), clock)
    partition = await spool.own(PartitionNumber(0), "here")
    accepted = []
    try:
        while True:
            message_id = new_id()
            await spool.accept([submission(message_id, content=bytes(20_000))])
            accepted.append(message_id)
            spool._env.space._checked = float("-inf")  # ask the disk each time, not each second
    except QueueFullError as error:
        print("full:", error)
    delivered = 0
    while heads := partition.due(clock(), 50).heads:
        for message in await partition.claim(heads):
            assert message.content == bytes(20_000)
            done = [Done(id=e.id, outcome="delivered", attempt=attempt()) for e in message.recipients]
            await partition.commit(Commit(settled=done))
            delivered += 1
    assert delivered == len(accepted) > 10, (delivered, len(accepted))
    spool._env.space._checked = float("-inf")
    print("delivered all", delivered, spool.summary().recipients)
    spool.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("min_free_octets", [0, 1 << 20])
def test_a_full_disk_loses_nothing(tmp_path: Path, min_free_octets: int) -> None:
    """On a real file system of 4 MiB: with the free-space mark, and without it until the very end."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = 'mount -t tmpfs -o size=4m none "$1" || exit 77; exec "$2" -c "$3" "$1/queue" "$4"'
    arguments = [str(disk), sys.executable, FILL_A_DISK, str(min_free_octets)]
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", mount, "sh", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("full: ")
    assert "delivered all" in done.stdout
