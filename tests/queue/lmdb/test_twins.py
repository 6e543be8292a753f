"""Fifty twins of each idempotency key, in two processes that are killed again and again: one message each (P6).

SEED and ROUNDS choose and lengthen the long run (bin/test --faults).
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from angarium.queue import LmdbSpool, MessageAccepted, message_id_text
from angarium.queue.lmdb.once_table import TENANT_OCTETS, tenant_digest
from angarium.queue.terms import Repeated, Terms
from tests.queue.lmdb.twin_process import CONFIG, TENANT, clock, once

ROOT = Path(__file__).parents[3]
PROCESS = ROOT / "tests" / "queue" / "lmdb" / "twin_process.py"


def start(folder: Path, number: int) -> subprocess.Popen[bytes]:
    with (folder / f"stderr-{number}").open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, str(PROCESS), str(folder / "queue"), str(folder / f"log-{number}")],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )


def lines(folder: Path, number: int) -> list[str]:
    log = folder / f"log-{number}"
    return log.read_text().splitlines() if log.exists() else []


def wait_until(reached: Callable[[], bool], folder: Path, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < end, [each.read_text() for each in folder.glob("stderr-*")]
        time.sleep(0.005)


def run_rounds(folder: Path, seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    running = [start(folder, number) for number in range(2)]
    try:
        for _ in range(rounds):
            victim = chance.randrange(2)
            before = len(lines(folder, victim))
            answers = before + chance.randrange(2, 120)  # the moment of death, by what it has done
            wait_until(lambda v=victim, n=answers: len(lines(folder, v)) >= n, folder)  # type: ignore[misc]
            running[victim].kill()
            running[victim].wait()
            running[victim] = start(folder, victim)
        for number in range(2):
            more = len(lines(folder, number)) + 60
            wait_until(lambda v=number, n=more: len(lines(folder, v)) >= n, folder)  # type: ignore[misc]
    finally:
        for each in running:
            each.kill()
            each.wait()


async def check(folder: Path) -> int:
    """Hold the queue against what was answered; returns how many keys there were."""
    told: dict[str, set[str]] = defaultdict(set)
    stored: Counter[str] = Counter()
    for line in (*lines(folder, 0), *lines(folder, 1)):
        match line.split():
            case ["stored", key, message]:
                told[key].add(message)
                stored[key] += 1
            case ["repeated", key, message]:
                told[key].add(message)
            case ["ready"]:
                pass
            case _:
                pytest.fail(line)
    spool = LmdbSpool.open(folder / "queue", CONFIG, clock)
    try:
        events = [each.event for each in spool.events.read(0, 10**6)]
        accepted = {each.campaign: message_id_text(each.message_id) for each in events}  # type: ignore[union-attr]
        assert all(isinstance(each, MessageAccepted) for each in events)
        assert len(accepted) == len(events)  # one message of each key
        assert all(count == 1 for count in stored.values())
        for key, messages in told.items():
            assert messages == {accepted[key]}
        # Counted once, with the message; and no key without its message
        use = {each.period: each.used for each in spool.quota_use(TENANT)}
        assert use["month"] == len(events) == spool.summary().messages
        with spool._env.read() as txn:
            keys = {key for key, _ in txn.cursor(spool._env.once).iternext()}
            count = txn.get(b"once:" + tenant_digest(TENANT), db=spool._env.meta)
        assert len(keys) == len(events) == int.from_bytes(count or b"", "big")
        assert {len(key) for key in keys} == {TENANT_OCTETS + 32}
        for key, message in accepted.items():
            again = await spool.accept_on_terms([], Terms(once=once(key, b"")))
            assert isinstance(again, Repeated)
            assert message_id_text(again.answer) == message  # type: ignore[arg-type]
    finally:
        spool.close()
    return len(events)


async def test_fifty_twins_and_a_kill_yield_one_message(tmp_path: Path) -> None:
    await asyncio.to_thread(run_rounds, tmp_path, 3, 3)
    assert await check(tmp_path) > 1


@pytest.mark.faults
async def test_twins_yield_one_message_each_over_many_kills(tmp_path: Path) -> None:
    seed, rounds = int(os.environ.get("SEED", "1")), int(os.environ.get("ROUNDS", "40"))
    await asyncio.to_thread(run_rounds, tmp_path, seed, rounds)
    assert await check(tmp_path) > rounds / 4
