"""Mirrors angarium/templates/workers/turns.py."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.templates.workers.turns import Turns


def test_tenants_take_turns_wk1() -> None:
    turns: Turns[int] = Turns()
    turns.add("a", range(5))
    turns.add("b", range(10, 12))
    turns.add("a", [5])
    assert len(turns) == 8
    assert turns.take(2) == ("a", [0, 1])
    assert turns.take(2) == ("b", [10, 11])
    assert turns.take(2) == ("a", [2, 3])
    assert turns.take(9) == ("a", [4, 5])
    assert turns.take(9) is None
    assert len(turns) == 0


def test_what_was_not_begun_comes_before_the_rest() -> None:
    turns: Turns[int] = Turns()
    turns.add("a", range(4))
    taken = turns.take(3)
    assert taken == ("a", [0, 1, 2])
    turns.put_back("a", [1, 2])
    turns.put_back("b", [])
    assert turns.take(9) == ("a", [1, 2, 3])


def test_what_is_not_wanted_is_dropped() -> None:
    turns: Turns[int] = Turns()
    turns.add("a", range(6))
    turns.add("b", [1])
    turns.drop("a", lambda each: each % 2 == 0)
    turns.drop("nobody", lambda each: False)
    assert (len(turns), turns.waiting_of("a"), turns.waiting_of("b")) == (4, 3, 1)
    turns.drop("b", lambda each: False)
    assert turns.take(9) == ("a", [0, 2, 4])
    assert turns.take(9) is None


def test_all_can_be_taken() -> None:
    turns: Turns[int] = Turns()
    turns.add("a", [1, 2])
    turns.add("b", [3])
    turns.add("c", [])
    assert sorted(turns.take_all()) == [1, 2, 3]
    assert len(turns) == 0


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 20), min_size=1), st.integers(1, 7))
def test_nobody_has_two_turns_while_another_one_waits_wk1(
    waiting: dict[str, int], limit: int
) -> None:
    turns: Turns[tuple[str, int]] = Turns()
    for tenant, count in waiting.items():
        turns.add(tenant, [(tenant, number) for number in range(count)])
    left, had, taken = dict(waiting), dict.fromkeys(waiting, 0), []
    while (turn := turns.take(limit)) is not None:
        tenant, items = turn
        assert all(had[tenant] <= had[each] for each, count in left.items() if count)
        left[tenant] -= len(items)
        had[tenant] += 1
        taken += items
    assert sorted(taken) == sorted(
        (tenant, number) for tenant, count in waiting.items() for number in range(count)
    )
