"""Mirrors angarium/templates/workers/suspects.py."""

from angarium.templates.rendering import Problem, ProblemKind
from angarium.templates.workers.suspects import (
    ENOUGH,
    MAX_SUSPECTS,
    SOUND,
    SUSPECT_S,
    Suspects,
)

SLOW = Problem(kind=ProblemKind.TOO_SLOW, message="It takes too long")
WHOSE = ("t", "digest")


def test_who_ended_a_worker_is_suspect_for_a_while() -> None:
    suspects = Suspects()
    assert not suspects.is_suspect(WHOSE, 0)
    suspects.doubt(WHOSE, 0)
    assert suspects.is_suspect(WHOSE, SUSPECT_S - 1)
    assert suspects.find_verdict(WHOSE, 1) is None
    assert not suspects.is_suspect(("other", "digest"), 1)
    assert not suspects.is_suspect(WHOSE, SUSPECT_S)
    assert len(suspects) == 0


def test_enough_in_a_row_are_a_verdict_wk2() -> None:
    suspects = Suspects()
    struck = [suspects.strike(WHOSE, SLOW, now) for now in range(ENOUGH + 1)]
    assert struck == [False, False, True, False]
    verdict = suspects.find_verdict(WHOSE, ENOUGH)
    assert verdict is not None
    assert verdict.kind is ProblemKind.TOO_SLOW
    assert verdict.message.startswith("It takes too long; ")
    assert suspects.find_verdict(WHOSE, ENOUGH + SUSPECT_S) is None
    assert not suspects.strike(WHOSE, SLOW, ENOUGH + SUSPECT_S), "counted anew"


def test_one_that_was_rendered_between_breaks_the_row() -> None:
    suspects = Suspects()
    for now in range(10):
        assert not suspects.strike(WHOSE, SLOW, now)
        suspects.succeed(WHOSE)
    assert suspects.find_verdict(WHOSE, 10) is None
    assert suspects.is_suspect(WHOSE, 10)


def test_many_that_were_rendered_clear_it() -> None:
    suspects = Suspects()
    suspects.strike(WHOSE, SLOW, 0)
    for _ in range(SOUND):
        assert suspects.is_suspect(WHOSE, 1)
        suspects.succeed(WHOSE)
    assert not suspects.is_suspect(WHOSE, 1)
    suspects.succeed(WHOSE)


def test_the_number_of_suspects_is_bounded() -> None:
    suspects = Suspects()
    for number in range(MAX_SUSPECTS + 10):
        suspects.doubt(("t", str(number)), 0)
    assert len(suspects) == MAX_SUSPECTS
    assert not suspects.is_suspect(("t", "9"), 1)
    assert suspects.is_suspect(("t", "10"), 1)
