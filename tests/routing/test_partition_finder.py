"""Mirrors angarium/routing/partition_finder.py."""

from collections.abc import Sequence

from angarium.config.schema import Provider
from angarium.queue import PartitionNumber, RouteHint
from angarium.routing.partition_finder import KEPT_S, PartitionFinder
from angarium.routing.placement import partition_of
from angarium.routing.routing import Routing


class Memory:
    def __init__(self) -> None:
        self.hints: dict[str, RouteHint] = {}
        self.asked = 0

    def partitions(self) -> Sequence[PartitionNumber]:
        return [PartitionNumber(each) for each in range(16)]

    def find_route(self, domain: str) -> RouteHint | None:
        self.asked += 1
        return self.hints.get(domain)


def test_what_the_queue_remembers_wins_over_what_is_guessed_and_is_asked_now_and_then() -> None:
    memory, now = Memory(), [0.0]
    find = PartitionFinder(Routing((), (), 25), memory, lambda: now[0])
    assert find("a.test") == find("a.test") == partition_of("a.test", 16)
    assert memory.asked == 1
    memory.hints["a.test"] = RouteHint(
        domain="a.test", partition=PartitionNumber(7), provider="x", site="x"
    )
    now[0] += KEPT_S
    assert find("a.test") == 7


def test_an_exchanged_routing_is_asked_at_once() -> None:
    find = PartitionFinder(Routing((), (), 25), Memory(), lambda: 0.0)
    assert find("a.test") == partition_of("a.test", 16)
    find.exchange(Routing((), [Provider(name="mine", domains=("a.test",))], 25))
    assert find("a.test") == partition_of("mine", 16)
