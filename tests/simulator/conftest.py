"""A provider to talk to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from angarium.simulator.internet import Internet
from angarium.simulator.scenario import Behaviour, Scenario, SimulatedProvider
from tests.simulator.oak import Clock, Oak, OakFactory


@pytest.fixture
def oak() -> OakFactory:
    """Run an internet with one provider: ``oak(greylist_s=5)`` or ``oak(plan={...}, mailboxes=...)``."""

    @asynccontextmanager
    async def run(
        plan: dict[str, Any] | None = None, scenario: dict[str, Any] | None = None, **behaviour: Any
    ) -> AsyncIterator[Oak]:
        clock = Clock()
        provider = SimulatedProvider(
            name="oak",
            domains=("oak.example",),
            **{"behaviour": Behaviour(**behaviour), "tls": "none", **(plan or {})},
        )
        async with Internet(Scenario(provider=(provider,), **(scenario or {})), clock) as net:
            yield Oak(net, clock)

    return run
