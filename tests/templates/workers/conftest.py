"""A pool of real workers, with an engine that does what it is told, and a record of what its observer hears."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from angarium.templates.rendering import Filling, Problem, Rendered
from angarium.templates.workers.observer import KillReason, Unobserved
from angarium.templates.workers.pool import RenderPool
from angarium.templates.workers.request import Settings

FOLDER = str(Path(__file__).parent)
SETTINGS = Settings(
    workers=2,
    memory_octets=64 << 20,
    wall_s=30.0,  # nobody hangs in most tests, and the machine may be busy
    cpu_s=10.0,
    output_octets=1 << 20,
    cache_bundles=4,
)


class Witness(Unobserved):
    def __init__(self) -> None:
        self.ended: list[tuple[KillReason, str, str]] = []  # reason, tenant, digest
        self.rests: list[tuple[str, str]] = []
        self.failures: list[tuple[str, float]] = []
        self.answers: list[Rendered | Problem] = []

    def rendered(self, answer: Rendered | Problem) -> None:
        self.answers.append(answer)

    def worker_ended(
        self, reason: KillReason, words: str, *, tenant: str, digest: str, pid: int
    ) -> None:
        self.ended.append((reason, tenant, digest))

    def bundle_rests(self, tenant: str, digest: str, problem: Problem) -> None:
        self.rests.append((tenant, digest))

    def workers_fail(self, reason: str, rest_s: float) -> None:
        self.failures.append((reason, rest_s))

    def reasons(self) -> list[str]:
        return [reason for reason, _, _ in self.ended]


class Pool:
    """A pool in a test: fillings are given as their data, and answers told in short."""

    def __init__(self, pool: RenderPool, witness: Witness) -> None:
        self.pool = pool
        self.witness = witness
        self.loaded: list[str] = []

    def load(self, bundle: str) -> Callable[[], bytes]:
        def load() -> bytes:
            self.loaded.append(bundle)
            return bundle.encode()

        return load

    async def answers(
        self, *data: dict[str, Any], bundle: str = "b", tenant: str = "t"
    ) -> list[Rendered | Problem]:
        fillings = [Filling(data=each) for each in data]
        return await self.pool.render(bundle, self.load(bundle), fillings, tenant=tenant)

    async def render(
        self, *data: dict[str, Any], bundle: str = "b", tenant: str = "t"
    ) -> list[str]:
        """Return the subject of each, or the kind of its problem."""
        return [in_short(each) for each in await self.answers(*data, bundle=bundle, tenant=tenant)]


def in_short(answer: Rendered | Problem) -> str:
    return answer.subject if isinstance(answer, Rendered) else answer.kind.value


OpenPool = Callable[..., Pool]


@pytest.fixture
async def open_pool() -> AsyncIterator[OpenPool]:
    """Called with changes of SETTINGS, and ``engine``: a function of stand_in."""
    pools: list[RenderPool] = []

    def open_pool(engine: str = "open_engine", **changes: Any) -> Pool:
        settings = Settings(
            **{each: getattr(SETTINGS, each) for each in SETTINGS.__struct_fields__} | changes
        )
        witness = Witness()
        pool = RenderPool(settings, witness, engine=f"stand_in:{engine}", path=(FOLDER,))
        pools.append(pool)
        return Pool(pool, witness)

    yield open_pool
    for pool in pools:
        await pool.close()


@pytest.fixture
def pool(open_pool: OpenPool) -> Pool:
    return open_pool()


async def until(is_so: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.01)
