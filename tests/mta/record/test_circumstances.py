"""Mirrors angarium/mta/record/circumstances.py."""

from typing import Any

from angarium.mta.egress.work import Work
from angarium.mta.record.circumstances import with_circumstances
from angarium.mta.transport.outcome import Permanent, Scope, Taken
from tests.mta.egress.fakes import head, message
from tests.queue.samples import attempt


def work(**more: Any) -> Work:
    of = message([head(1), head(2)])
    return Work(of, of.recipients, **more)


def test_each_outcome_says_whose_site_it_was_who_signed_and_how_long_it_took() -> None:
    taken, refused = Taken(attempt()), Permanent(attempt(550), Scope.RECIPIENT)
    told = with_circumstances(
        [taken, refused, taken], work(provider="gmail", dkim=("s1",), took_ms=7)
    )
    assert [each.attempt.took_ms for each in told] == [7] * 3
    assert [(each.attempt.provider, each.attempt.dkim) for each in told] == [("gmail", ("s1",))] * 3
    assert [each.attempt.code for each in told] == [250, 550, 250]
    assert told[0] is told[2]
    assert told[1] == Permanent(told[1].attempt, Scope.RECIPIENT)


def test_what_was_never_packed_stays_as_it_is() -> None:
    outcomes = [Taken(attempt())]
    assert with_circumstances(outcomes, work()) is outcomes
