"""Mirrors angarium/routing/fair_turns.py."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from angarium.routing.fair_turns import Shares, Turns, Whose

PATHS = st.tuples(st.sampled_from("ab"), st.sampled_from("cd"), st.sampled_from("efg"))


def everybody(_: Whose) -> bool:
    return True


def drained(turns: Turns[str]) -> list[str]:
    items = []
    while (found := turns.next(everybody)) is not None:
        items.append(found[1])
    return items


def test_groups_take_turns_and_so_do_the_groups_in_them() -> None:
    turns: Turns[str] = Turns()
    for item in ("b1", "b2", "b3", "b4"):
        turns.add(("bad", (item[-1] in "12" and "x") or "y"), item)
    for item in ("g1", "g2"):
        turns.add(("good", "x"), item)
    assert drained(turns) == ["b1", "g1", "b3", "g2", "b2", "b4"]


def test_who_may_not_have_more_is_passed_over() -> None:
    turns: Turns[str] = Turns()
    turns.add(("bad", "x"), "1")
    turns.add(("good", "x"), "2")
    assert turns.next(lambda group: group[0] != "bad") == (("good", "x"), "2")
    assert turns.next(lambda group: group[0] != "bad") is None
    assert len(turns) == 1
    assert turns.next(everybody) == (("bad", "x"), "1")


def test_what_waits_already_keeps_its_place() -> None:
    turns: Turns[str] = Turns()
    for item in ("1", "2", "1"):
        turns.add(("a",), item)
    assert len(turns) == 2
    assert drained(turns) == ["1", "2"]


@given(st.lists(st.tuples(PATHS, st.integers(0, 3), st.booleans()), max_size=60))
def test_what_was_added_and_not_discarded_comes_once(
    steps: list[tuple[Whose, int, bool]],
) -> None:
    turns: Turns[tuple[Whose, int]] = Turns()
    expected = set()
    for path, item, is_added in steps:
        if is_added:
            turns.add(path, (path, item))
            expected.add((path, item))
        else:
            turns.discard(path, (path, item))
            expected.discard((path, item))
        assert len(turns) == len(expected)
    found = []
    while (each := turns.next(everybody)) is not None:
        assert each[0] == each[1][0]
        found.append(each[1])
    assert sorted(found) == sorted(expected)


def test_one_that_wants_all_leaves_a_part_for_each_wider_group() -> None:  # SH1
    shares, limit = Shares(), 120

    def take_all(whose: Whose) -> int:
        taken = 0
        while shares.allows(whose, limit - shares.total):
            shares.take(whose)
            taken += 1
        return taken

    assert take_all(("t", "s", "1")) == 60  # a message, half
    assert take_all(("t", "s", "2")) == 20  # its sender, two thirds with it
    assert take_all(("t", "s", "3")) == 0
    assert take_all(("t", "r", "1")) == 10  # its tenant, three quarters
    assert take_all(("t", "q", "1")) == 0
    assert take_all(("u", "s", "1")) == 15  # anybody else, half of what is left


@given(st.lists(PATHS, max_size=200), st.integers(1, 20))
def test_none_takes_the_last_from_who_has_none(wants: list[Whose], limit: int) -> None:  # SH1
    shares = Shares()
    taken = []
    for whose in wants:
        free = limit - shares.total
        allows = partial(shares.allows_group, depth=3, free=free)
        assert shares.allows(whose, free) == all(allows(whose[:n]) for n in (1, 2, 3))
        if shares.allows(whose, free):
            shares.take(whose)
            taken.append(whose)
    assert shares.total == len(taken) <= limit
    if len({whose[0] for whose in taken}) == 1 and limit > 4:
        assert shares.total < limit
        assert shares.allows(("new", "c", "e"), limit - shares.total)
    for whose in taken:
        shares.give_back(whose)
    assert shares.total == shares.held(("a",)) == 0
