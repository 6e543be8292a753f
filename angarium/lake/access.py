"""Asks the lake for tenants, from an event loop: one question at a time, with a bound on how many wait."""

import asyncio
from collections import Counter
from typing import Final

from angarium.config.schema import Config
from angarium.lake.asking.answering import Asked, Asker
from angarium.lake.asking.question import Answer, Said
from angarium.lake.model import LakeAwayError
from angarium.telemetry.log import log

# Ours: what waits beyond that is told to come again
WAITING: Final = 8
WAITING_OF_ONE: Final = 2


class LakeAccess:
    """Invariant LAC1: one question is answered at a time, WAITING others wait at most, and of one tenant
    WAITING_OF_ONE at most are under way; others are refused.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._turn = asyncio.Lock()
        self._under_way: Counter[str] = Counter()
        self._lacking: tuple[str, ...] = ()

    def exchange(self, config: Config) -> None:
        """Go by this from now on."""
        self._config = config

    async def ask(self, asked: Asked) -> Said:
        """Raises LakeAwayError: also where too many ask."""
        whose = asked.tenant or ""
        if self._under_way.total() > WAITING or self._under_way[whose] >= WAITING_OF_ONE:  # LAC1
            raise LakeAwayError("too many questions wait for the lake")
        self._under_way[whose] += 1
        try:
            async with self._turn:  # LAC1
                said = await Asker(self._config).ask(asked)
        finally:
            self._under_way[whose] -= 1
            self._under_way += Counter()  # forgets who has none
        self._tell_lacking(said)
        return said

    def _tell_lacking(self, said: Said) -> None:
        if isinstance(said, Answer) and said.lacking != self._lacking:
            self._lacking = said.lacking
            log("lake_questions_less_confined", "warning", lacking=list(said.lacking))
