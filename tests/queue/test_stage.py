"""Mirrors angarium/queue/stage.py."""

from typing import get_args

import msgspec

from angarium.queue import Attempt, UnixMs
from angarium.queue.stage import KnownStage
from angarium.telemetry.metrics import STAGES


def known() -> set[str]:
    return {stage for part in get_args(KnownStage) for stage in get_args(part)}


def test_metrics_name_each_stage_and_no_other() -> None:
    assert set(STAGES) - {"other"} == known() - {""}


def test_a_stage_that_another_version_wrote_is_read() -> None:
    attempt = Attempt(
        at=UnixMs(1),
        host="",
        address="",
        source="",
        code=0,
        enhanced="",
        text="",
        tls="",
        stage="rset",
    )
    raw = msgspec.msgpack.encode(attempt).replace(b"rset", b"warp")
    assert msgspec.msgpack.decode(raw, type=Attempt).stage == "warp"
