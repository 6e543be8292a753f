"""Mirrors angarium/lake/exporting.py: rows of a stretch of time, in order."""

import asyncio
import json
from pathlib import Path

import pytest

from angarium.lake.exporting import Wanted, export
from angarium.lake.model import HOUR_MS
from tests.history.samples import Log
from tests.lake.conftest import House, fill


@pytest.mark.parametrize("of", ["parts", "hours", "days"])
def test_of_a_stretch_there_are_its_rows_by_tenant_and_time(
    house: House, log: Log, tmp_path: Path, of: str
) -> None:
    fill(log, messages=40, hours=4)
    house.catch_up(flush=9)
    if of != "parts":
        house.compact()
    if of == "days":
        house.compact_days()
    first = log.positions[0].event.at // HOUR_MS
    expected = {
        each.sequence for each in log.positions if first < each.event.at // HOUR_MS < first + 3
    }
    wanted = Wanted(form="json", first_hour=first + 1, end_hour=first + 3)
    target = tmp_path / "events.jsonl"
    assert asyncio.run(export(house.config, wanted, target)) == len(expected) > 0
    rows = [json.loads(each) for each in target.read_text().splitlines()]
    assert {each["sequence"] for each in rows} == expected
    order = [(each["tenant"], each["ts"], each["sequence"]) for each in rows]
    assert order == sorted(order)
    one = Wanted(form="csv", tenant="a", first_hour=first + 1, end_hour=first + 3)
    mine = sum(each["tenant"] == "a" for each in rows)
    assert asyncio.run(export(house.config, one, tmp_path / "a.csv")) == mine
