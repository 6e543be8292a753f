"""Mirrors angarium/queue/doorbell.py, on real Unix sockets."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from angarium.queue import DoorbellReceiver, DoorbellSender, PartitionNumber, doorbell_path


class Answers:
    def __init__(self) -> None:
        self.count = 0
        self._heard = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._heard.set()

    async def next(self) -> None:
        await asyncio.wait_for(self._heard.wait(), 5)
        self._heard.clear()


@pytest.fixture(params=["short", "long" * 40])
async def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return doorbell_path(tmp_path / request.param, 0)


@pytest.fixture
async def answers(path: Path) -> AsyncIterator[Answers]:
    heard = Answers()
    receiver = DoorbellReceiver(path, heard)
    receiver.open(asyncio.get_running_loop())
    yield heard
    receiver.close()
    assert not path.exists()


async def test_a_ring_is_heard_whatever_the_length_of_the_path(
    path: Path, answers: Answers
) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sender = DoorbellSender([path])
    sender.ring(PartitionNumber(3))
    await answers.next()
    sender.close()
    assert sender.lost == 0


async def test_rings_of_one_turn_are_one_byte_for_each_process(
    path: Path, answers: Answers
) -> None:
    sender = DoorbellSender([path, path.parent / "absent"])
    loop = asyncio.get_running_loop()
    for partition in (0, 2, 4, 6):
        sender.ring_soon(loop, PartitionNumber(partition))
    await answers.next()
    sender.ring_soon(loop, PartitionNumber(8))
    await answers.next()
    sender.close()
    assert answers.count == 2
    assert sender.lost == 0


async def test_partitions_are_shared_out_over_the_processes(tmp_path: Path) -> None:
    heard = [Answers(), Answers()]
    paths = [doorbell_path(tmp_path, number) for number in range(2)]
    receivers = [DoorbellReceiver(p, a) for p, a in zip(paths, heard, strict=True)]
    for receiver in receivers:
        receiver.open(asyncio.get_running_loop())
    sender = DoorbellSender(paths)
    sender.ring(PartitionNumber(5))
    await heard[1].next()
    assert heard[0].count == 0
    sender.close()
    for receiver in receivers:
        receiver.close()


async def test_an_absent_peer_is_no_error(tmp_path: Path) -> None:
    sender = DoorbellSender([doorbell_path(tmp_path, 0)])
    sender.ring(PartitionNumber(0))
    sender.close()
    assert sender.lost == 1


async def test_a_peer_that_does_not_listen_does_not_block(path: Path, answers: Answers) -> None:
    sender = DoorbellSender([path])
    for _ in range(5000):  # far more than its buffer holds, while its loop does not run
        sender.ring(PartitionNumber(0))
    sender.close()
    await answers.next()


async def test_a_receiver_takes_the_place_of_a_dead_one(path: Path, answers: Answers) -> None:
    heard = Answers()
    successor = DoorbellReceiver(path, heard)
    successor.open(asyncio.get_running_loop())
    sender = DoorbellSender([path])
    sender.ring(PartitionNumber(0))
    await heard.next()
    assert answers.count == 0
    sender.close()
    successor.close()
