"""Mirrors angarium/mta/egress/priority_turns.py and ceiling.py."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from angarium.mta.egress.ceiling import Ceiling
from angarium.mta.egress.priority_turns import SHARED_TURN, PriorityTurns


class Lined:
    def __init__(self, priority: int, tenant: str = "t", name: str = "") -> None:
        self.priority = priority
        self.tenant = tenant
        self.name = name


def test_seven_of_eight_turns_are_the_first_prioritys_and_one_is_shared() -> None:  # PRT1
    turns: PriorityTurns[Lined] = PriorityTurns()
    for priority in (5, 1, 3):
        turns.add(Lined(priority))
    given = [line.priority for _ in range(32) if (line := turns.take()) is not None]
    assert Counter(given) == {1: 28, 3: 2, 5: 2}
    assert [at + 1 for at, each in enumerate(given) if each != 1] == [8, 16, 24, 32]


@given(st.lists(st.integers(1, 99), min_size=2, max_size=9, unique=True), st.data())
def test_no_priority_waits_for_long(priorities: list[int], data: st.DataObject) -> None:  # PRT1
    """Also where some come and go, and turns come to nothing."""
    turns: PriorityTurns[Lined] = PriorityTurns()
    constant = [Lined(each) for each in priorities]
    for line in constant:
        turns.add(line)
    waited: Counter[int] = Counter()
    for _ in range(SHARED_TURN * len(priorities) * 2):
        line = turns.take()
        assert line is not None
        if data.draw(st.booleans()):
            turns.remove(line)
            turns.undo()
            others = [each for each in constant if each is not line]
            turns.add(line)
            assert len(list(turns)) == len(others) + 1
            continue
        waited.update(priorities)
        waited[line.priority] = 0
        assert max(waited.values()) <= SHARED_TURN * (len(priorities) - 1)


def test_a_turn_that_came_to_nothing_is_the_next_ones_of_the_same_right() -> None:
    turns: PriorityTurns[Lined] = PriorityTurns()
    urgent, usual, bulk = Lined(1), Lined(3), Lined(5)
    for line in (urgent, usual, bulk):
        turns.add(line)
    assert [turns.take() for _ in range(SHARED_TURN - 1)] == [urgent] * (SHARED_TURN - 1)
    assert turns.take() is usual  # the shared turn
    turns.undo()
    turns.remove(usual)  # it has to wait
    assert turns.take() is bulk
    assert turns.take() is urgent


def test_within_a_priority_tenants_take_turns_and_then_their_lines() -> None:  # PRT2
    turns: PriorityTurns[Lined] = PriorityTurns()
    for name in ("a1", "a2", "a3", "b1"):
        turns.add(Lined(3, name[0], name))
    assert [turns.take().name for _ in range(6)] == ["a1", "b1", "a2", "b1", "a3", "b1"]  # type: ignore[union-attr]


def test_who_is_most_urgent_is_told_whosever_turn_it_is() -> None:
    turns = PriorityTurns[Lined]()
    assert turns.most_urgent is None
    urgent, bulk = Lined(1, "t"), Lined(5, "t")
    turns.add(bulk)
    turns.add(urgent)
    for _ in range(2 * SHARED_TURN):
        assert turns.most_urgent is urgent
        turns.take()


def test_who_is_next_is_told_without_taking_the_turn() -> None:
    turns: PriorityTurns[Lined] = PriorityTurns()
    assert turns.first is None
    for priority in (1, 5):
        turns.add(Lined(priority))
    for _ in range(20):
        first = turns.first
        assert turns.first is first
        assert turns.take() is first


def test_a_tenants_many_sites_wait_in_turn_with_anothers_single_one() -> None:
    ceiling: Ceiling[str] = Ceiling()
    for number in range(1_000):
        ceiling.add(f"big{number}", priority=3, tenant="big")
    ceiling.add("small", priority=3, tenant="small")
    assert [ceiling.take(), ceiling.take(), ceiling.take()] == ["big0", "small", "big1"]


def test_a_seeker_keeps_its_turn_until_its_mail_is_of_another_kind() -> None:
    ceiling: Ceiling[str] = Ceiling()
    for name in ("one", "two", "one"):
        ceiling.add(name, priority=5, tenant="t")
    ceiling.add("two", priority=1, tenant="t")
    assert ceiling.has_other_than("one")
    assert [ceiling.take(), ceiling.take(), ceiling.take()] == ["two", "one", None]
    assert not ceiling
    ceiling.add("one", priority=5, tenant="t")
    assert not ceiling.has_other_than("one")
    ceiling.discard("one")
    assert not ceiling
