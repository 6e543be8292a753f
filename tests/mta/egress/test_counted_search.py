"""Mirrors angarium/mta/egress/counted_search.py."""

import asyncio

from angarium.mta.egress.counted_search import CountedSearch
from angarium.mta.egress.policy import Wait
from angarium.mta.egress.shared import Way
from angarium.mta.egress.work import NOBODY
from angarium.queue.model import UnixMs
from tests.mta.egress.fakes import PATH, Around, host, settle, site


class Owner:
    def kick(self) -> None: ...


async def test_each_further_address_is_a_connection_of_its_own_and_waits_for_the_rate() -> None:
    # Invariant 6
    around, way = Around(), Way(PATH, site("mx1", "mx2", "mx3"))
    lease = around.places.try_take(way.key, 1, Owner(), site="s", opener=NOBODY)
    assert lease is not None
    search = CountedSearch(around.shared, way, lease)
    await search.trying(host("mx1"), "mx1.1")
    assert around.policy.connects == 0  # whoever took the place counted it
    await search.trying(host("mx2"), "mx2.1")
    assert around.policy.connects == 1
    around.policy.connection_wait = Wait(UnixMs(around.clock() + 1), "the connection_rate")
    waiting = asyncio.create_task(search.trying(host("mx3"), "mx3.1"))
    await settle()
    assert not waiting.done()
    assert around.policy.connects == 1
    assert lease.tried == (host("mx2"), "mx2.1")
    around.policy.connection_wait = None
    async with asyncio.timeout(10):
        await waiting
    assert around.policy.connects == 2
    assert lease.tried == (host("mx3"), "mx3.1")
