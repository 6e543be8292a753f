"""Mirrors angarium/mta/egress/gates/tenant_transfers.py, and holds it under an egress queue."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.mta.egress.egress_queue import EgressQueue
from angarium.mta.egress.gates.tenant_transfers import ASK_AGAIN_MS, GONE_MS, TenantTransfers
from angarium.mta.egress.policy import Traffic, Wait, traffic_of
from angarium.mta.egress.work import Group, Work
from angarium.queue.model import UnixMs
from angarium.routing.resolution import Site
from tests.mta.egress.fakes import FOR_NOW, PATH, Around, head, message, settle, site, until

NOW = UnixMs(1_700_000_000_000)


def work_of(tenant: str) -> Work:
    of = message([head(1, 0, tenant)])
    return Work(of, of.recipients)


def traffic(to: Site, tenant: str = "t") -> Traffic:
    return traffic_of(Group([head(1, 0, tenant)]), to)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=60), st.integers(1, 3))
def test_tn1_no_more_of_a_tenant_begin_than_it_may_have(
    steps: list[tuple[str, bool]], limit: int
) -> None:  # Invariant 6
    transfers, to = TenantTransfers(), site(tenant_connections=limit)
    under_way = {"a": 0, "b": 0}
    for tenant, begins in steps:
        if begins:
            may = transfers.may_begin(work_of(tenant), to)
            assert may == (under_way[tenant] < limit)
            if may:
                transfers.begin(work_of(tenant), to)
                under_way[tenant] += 1
        elif under_way[tenant]:
            transfers.end(work_of(tenant), to)
            under_way[tenant] -= 1


def test_as_many_again_may_wait_for_a_connection_and_the_others_wait_for_those() -> None:
    transfers, to = TenantTransfers(), site(tenant_connections=2)
    for _ in range(4):
        assert transfers.find_wait(traffic(to), PATH, NOW) is None
        transfers.take(traffic(to), PATH, NOW)
    wait = Wait(
        UnixMs(NOW + ASK_AGAIN_MS), "the tenant_connections of p are 2", "tenant_connections"
    )
    assert transfers.find_wait(traffic(to), PATH, NOW) == wait
    assert transfers.find_wait(traffic(to, "other"), PATH, NOW) is None
    transfers.begin(work_of("t"), to)
    assert transfers.find_wait(traffic(to), PATH, NOW) == wait  # it counts once
    transfers.end(work_of("t"), to)
    assert transfers.find_wait(traffic(to), PATH, NOW) is None


def test_what_never_began_is_forgotten() -> None:
    transfers, to = TenantTransfers(), site(tenant_connections=1)
    for _ in range(2):
        transfers.take(traffic(to), PATH, NOW)
    assert transfers.find_wait(traffic(to), PATH, UnixMs(NOW + GONE_MS - 1)) is not None
    assert transfers.find_wait(traffic(to), PATH, UnixMs(NOW + GONE_MS)) is None


def test_a_limit_that_comes_by_a_reload_counts_what_is_under_way() -> None:
    transfers, free, limited = TenantTransfers(), site(), site(tenant_connections=1)
    transfers.begin(work_of("t"), free)
    assert not transfers.may_begin(work_of("t"), limited)
    transfers.end(work_of("t"), limited)
    assert transfers.may_begin(work_of("t"), limited)


async def test_one_tenants_ceiling_holds_over_connections_and_keeps_nobody_else() -> None:
    around = Around()
    transfers = around.policy.tenants
    queue = EgressQueue(
        around.shared, PATH, site(connections=6, tenant_connections=2), around.mover
    )
    around.hosts.may_carry.clear()
    for number in range(1, 7):
        queue.push(head(number, 0, "many"))
    queue.push(head(9, 0, "one"))
    queue.kick()
    await settle()
    await until(lambda: transfers._under_way == {("many", "p"): 2, ("one", "p"): 1})  # Invariant 6
    await settle()
    assert transfers._under_way == {("many", "p"): 2, ("one", "p"): 1}
    around.hosts.may_carry.set()
    await until(lambda: len(around.clerk.outcomes) == 7)
    assert transfers._under_way == {}
    queue.drain()


async def test_what_another_host_is_to_get_waits_for_no_place_of_its_tenant() -> None:
    around = Around()
    transfers = around.policy.tenants
    to = site("a", "b", tenant_connections=1)
    queue = EgressQueue(around.shared, PATH, to, around.mover)
    around.hosts.outcomes = [[FOR_NOW]]
    queue.push(head(1))
    queue.kick()
    around.hosts.may_carry.clear()
    await until(lambda: transfers._under_way == {("t", "p"): 1})
    transfers.begin(work_of("t"), to)  # another queue's: it went by another source
    around.hosts.may_carry.set()
    await until(lambda: bool(around.clerk.outcomes))
    assert around.clerk.outcomes == [FOR_NOW]  # what the host said stands
    queue.drain()
