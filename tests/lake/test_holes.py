"""Mirrors angarium/lake/holes.py."""

import random

import pytest

from angarium.lake.holes import Holes


def test_numbers_in_holes_are_wanted_and_those_that_do_not_come_are_missed() -> None:
    """LW2"""
    holes = Holes([(3, 5), (8, 8), (11, 20)])
    assert holes.first == 3
    assert [each for each in (1, 3, 5, 6, 7, 8, 9, 10, 12, 13) if holes.reach(each)] == [
        *(3, 5, 8, 12, 13)
    ]
    assert (holes.missed, holes.reached, holes.is_ahead) == (2, 13, True)
    holes.keep()
    assert (holes.missed, holes.is_ahead) == (0, False)
    assert not holes.reach(13)
    assert not holes.reach(21)
    assert (holes.missed, holes.first) == (7, None)
    holes.keep()
    assert not holes.reach(22)
    assert not holes.is_ahead


def test_what_was_given_up_is_missed() -> None:
    """LW2"""
    holes = Holes([(3, 9)])
    assert holes.reach(3)
    holes.keep()
    assert [holes.reach(each) for each in (4, 5)] == [True, True]
    holes.undo()
    assert not holes.is_ahead
    assert holes.reach(8)
    assert holes.missed == 4


@pytest.mark.parametrize("seed", range(20))
def test_each_number_of_a_hole_is_wanted_or_missed(seed: int) -> None:
    """LW2"""
    dice = random.Random(seed)
    inside = sorted(dice.sample(range(1, 200), dice.randint(1, 60)))
    spans: list[tuple[int, int]] = []
    for each in inside:
        if spans and spans[-1][1] == each - 1:
            spans[-1] = (spans[-1][0], each)
        else:
            spans.append((each, each))
    holes = Holes(spans)
    missed, wanted = 0, set[int]()
    come = sorted(dice.sample(range(1, 220), dice.randint(1, 150)))
    for each in come:
        if holes.reach(each):
            wanted.add(each)
        if dice.random() < 0.1:
            missed += holes.missed
            holes.keep()
    assert wanted == set(come) & set(inside)
    assert missed + holes.missed == len({each for each in inside if each < come[-1]} - wanted)
