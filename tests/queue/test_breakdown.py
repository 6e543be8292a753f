"""Mirrors angarium/queue/breakdown.py, and what ``QueueAdministration`` promises of it."""

from typing import Any

import pytest

from angarium.queue import Filter, MessageIdGenerator, PartitionNumber, RouteHint
from angarium.queue import breakdown as module
from angarium.routing.resolution import SiteName
from tests.queue.samples import FakeClock, submission


async def test_values_are_counted_by_age_and_state(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.accept([submission(new_id(), ["a@one.example", "b@two.example"])])
    clock.now += 300_000  # five minutes are not less than five
    await spool.accept([submission(new_id(), ["c@one.example"], accepted=clock.now)])
    found = await spool.administration.breakdown(Filter(), "domain", 9)
    assert [(each.value, each.count, each.ages[:3]) for each in found.slices] == [
        ("one.example", 2, [1, 1, 0]),
        ("two.example", 1, [0, 1, 0]),
    ]
    assert (found.total.count, found.total.scheduled, found.others) == (3, 3, None)
    first = clock.now - 300_000
    assert [each.oldest_at for each in (*found.slices, found.total)] == [first] * 3
    ages = await spool.administration.breakdown(Filter(domains=("one.example",)), "age", 9)
    assert [(each.value, each.count) for each in ages.slices] == [("5m", 1), ("15m", 1)]


async def test_what_is_too_much_to_be_kept_is_counted_together(
    spool: Any, new_id: MessageIdGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VALUES_KEPT", 2)
    await spool.accept([submission(new_id(), [f"a@d{n}.example" for n in (1, 1, 2, 3, 3, 3)])])
    found = await spool.administration.breakdown(Filter(), "domain", 1)
    assert [(each.value, each.count) for each in found.slices] == [("d1.example", 2)]
    assert found.others is not None
    assert (found.others.count, found.total.count) == (4, 6)


async def test_whose_a_domain_is_can_be_told_before_delivery_has_remembered_it(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    addresses = [f"a@{name}.example" for name in ("one", "two", "three")]
    await spool.accept([submission(new_id(), addresses)])
    spool.remember_routes(
        RouteHint(
            domain=f"{domain}.example",
            partition=PartitionNumber(0),
            provider=provider,
            site=SiteName("s"),
        )
        for domain, provider in (("one", "old"), ("two", "found"))
    )
    told = {"one.example": "told"}
    spool.administration.tell_providers(told.get)
    await spool.accept([submission(new_id(), ["b@three.example"])])  # behind what is remembered
    found = await spool.administration.breakdown(Filter(), "provider", 9)
    assert {each.value: each.count for each in found.slices} == {"told": 1, "found": 1, "": 2}
    page = await spool.administration.page(Filter(providers=("told",)), None, 9)
    assert [each.domain for each in page.entries] == ["one.example"]
