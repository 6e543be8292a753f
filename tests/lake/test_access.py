"""Mirrors angarium/lake/access.py."""

import asyncio
from pathlib import Path

import pytest

from angarium.lake import access
from angarium.lake.access import WAITING, WAITING_OF_ONE, LakeAccess
from angarium.lake.asking.answering import Asked
from angarium.lake.asking.question import Answer, Said
from angarium.lake.model import LakeAwayError
from tests.lake.conftest import config_of


async def test_questions_wait_for_each_other_and_too_many_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LAC1"""
    running, most = 0, 0
    go_on = asyncio.Event()

    class Slow:
        def __init__(self, _: object) -> None:
            pass

        async def ask(self, _: Asked) -> Said:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await go_on.wait()
            running -= 1
            return Answer()

    monkeypatch.setattr(access, "Asker", Slow)
    lake = LakeAccess(config_of(tmp_path))

    def ask(tenant: str) -> "asyncio.Task[Said]":
        return asyncio.create_task(lake.ask(Asked(sql="SELECT 1", tenant=tenant)))

    asked = [ask(str(number // WAITING_OF_ONE)) for number in range(WAITING + 1)]
    await asyncio.sleep(0)
    with pytest.raises(LakeAwayError, match="too many"):
        await ask("another")
    go_on.set()
    assert await asyncio.gather(*asked) == [Answer()] * (WAITING + 1)
    assert most == 1
    one = [ask("one") for _ in range(WAITING_OF_ONE)]
    go_on.clear()
    await asyncio.sleep(0)
    with pytest.raises(LakeAwayError, match="too many"):
        await ask("one")
    go_on.set()
    await asyncio.gather(*one)
    assert not lake._under_way
