"""Mirrors angarium/api/native/operator.py."""

import asyncio
import threading
from pathlib import Path

import pytest

from angarium.api.native.operator import AT_ONCE, Operator
from angarium.insight.admin.protocol import Reason, Refused
from angarium.insight.admin.queue_reads import SummarizeQueue
from angarium.intake.order import FaultError, FaultKind


async def test_so_many_questions_are_asked_at_once_and_others_wait_opr1(tmp_path: Path) -> None:
    operator = Operator(lambda: tmp_path)
    gate, counting = threading.Event(), threading.Lock()
    under_way, most = 0, 0

    def work(_: Path) -> int:
        nonlocal under_way, most
        with counting:
            under_way += 1
            most = max(most, under_way)
            if under_way == AT_ONCE:
                gate.set()
        gate.wait(60)
        with counting:
            under_way -= 1
        return 1

    done = await asyncio.gather(*(operator.work(work) for _ in range(3 * AT_ONCE)))
    assert sum(done) == 3 * AT_ONCE
    assert most == AT_ONCE


@pytest.mark.parametrize(
    ("reason", "kind", "field"),
    [
        ("invalid", FaultKind.INVALID, "filter"),
        ("empty_filter", FaultKind.MISSING, "filter"),
        ("not_found", FaultKind.NOT_FOUND, ""),
        ("no_room", FaultKind.DISK_FULL, ""),
        ("stopping", FaultKind.BUSY, ""),
        ("failed", FaultKind.INTERNAL, ""),
    ],
)
async def test_a_refusal_is_a_fault(
    tmp_path: Path, reason: Reason, kind: FaultKind, field: str
) -> None:
    with pytest.raises(FaultError) as raised:
        await Operator(lambda: tmp_path).work(lambda _: Refused(reason, "no"), "filter")
    assert (raised.value.fault.kind, raised.value.fault.field) == (kind, field)


async def test_a_server_that_does_not_run_is_busy(tmp_path: Path) -> None:
    with pytest.raises(FaultError) as raised:
        await Operator(lambda: tmp_path).ask(SummarizeQueue())
    assert raised.value.fault.kind is FaultKind.BUSY
    assert raised.value.fault.retry_after_s == 1
