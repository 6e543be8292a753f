"""Mirrors angarium/campaigns/fetching.py: a file is fetched beside the turns, once, and again after a crash."""

import asyncio

from angarium.campaigns.asked import decode_asked
from angarium.campaigns.fetching import FETCHED, IN_TURN, OF_A_TENANT
from angarium.queue import UnixMs
from angarium.queue.ledger.rules import Cancel, Conflict, Describe
from angarium.queue.ledger.values import MAX_ASKED_OCTETS, LedgerCampaign
from tests.campaigns.world import LAYOUT, World

URL = "https://files.example/list.csv?signature=secret"
TWO = ["r0@example.net", "r1@example.net"]


async def to_fetch(world: World, start: int = 0) -> LedgerCampaign:
    asked = {"layout": None, "csv_url": URL}
    return await world.create(asked=asked, start=UnixMs(start))


async def go_on(world: World) -> None:
    """Let what was begun go on, then the runner."""
    for _ in range(3):
        await asyncio.sleep(0)
        await world.run()


async def test_it_begins_once_its_file_is_there_and_forgets_the_url() -> None:
    world = World(TWO)
    made = await to_fetch(world)
    await go_on(world)
    found = world.found(made)
    assert (found.phase, found.waits, world.fetches.begun) == ("accept", FETCHED, [URL])
    world.fetches.goes_on.set()
    await go_on(world)
    found = world.found(made)
    asked = decode_asked(found.asked)
    assert (found.phase, found.rows, found.waits) == ("ready_to_send", 2, "")
    assert (asked.layout, asked.csv_url, asked.filename) == (LAYOUT, "", "fetched.csv")
    assert (world.fetches.begun, world.fetches.cleaned) == ([URL], [made.number])


async def test_others_are_taken_on_meanwhile() -> None:
    world = World(TWO)
    await to_fetch(world)
    other = await world.create()
    await go_on(world)
    assert world.found(other).phase == "ready_to_send"


async def test_a_file_is_fetched_before_the_start_that_it_waits_for() -> None:
    world = World(TWO)
    made = await to_fetch(world, world.clock.now + 60_000)
    world.fetches.goes_on.set()
    await go_on(world)
    found = world.found(made)
    assert (found.phase, decode_asked(found.asked).layout) == ("scheduled", LAYOUT)
    assert found.waits == ""


async def test_what_cannot_be_fetched_fails_it_and_says_why() -> None:
    world = World(TWO)
    world.fetches.refusal = "csvFileUrl: is answered with 403: expired"
    world.fetches.goes_on.set()
    made = await to_fetch(world)
    await go_on(world)
    found = world.found(made)
    assert (found.phase, found.reason) == ("failed", "csvFileUrl: is answered with 403: expired")
    assert world.fetches.cleaned == [made.number]


async def test_it_is_fetched_anew_after_a_crash() -> None:
    world = World(TWO)
    made = await to_fetch(world)
    await go_on(world)
    await world.fetching.close()
    world.crash()
    world.fetches.goes_on.set()
    await go_on(world)
    assert world.found(made).phase == "ready_to_send"
    assert world.fetches.begun == [URL, URL]


async def test_what_is_called_off_is_fetched_no_further() -> None:
    world = World(TWO)
    made = await to_fetch(world)
    await go_on(world)
    await world.spool.ledger.change(made.number, Cancel())
    await go_on(world)
    assert (world.fetches.cancelled, world.fetches.cleaned) == (1, [made.number])


async def test_nothing_else_is_asked_of_one_that_has_begun_nor_too_much() -> None:
    world = World(TWO)
    made = await to_fetch(world)
    refused = await world.spool.ledger.change(made.number, Describe(b" " * (MAX_ASKED_OCTETS + 1)))
    assert isinstance(refused, Conflict)
    world.fetches.goes_on.set()
    await go_on(world)
    before = world.found(made)
    assert isinstance(await world.spool.ledger.change(made.number, Describe(b"{}")), Conflict)
    assert world.found(made) == before


async def test_a_tenant_has_so_many_files_fetched_at_once() -> None:
    world = World(TWO)
    made = [await to_fetch(world) for _ in range(OF_A_TENANT + 1)]
    await go_on(world)
    assert world.found(made[-1]).waits == IN_TURN
    assert len(world.fetches.begun) == OF_A_TENANT
    world.fetches.goes_on.set()
    await go_on(world)
    await go_on(world)
    assert {world.found(each).phase for each in made} == {"ready_to_send"}
