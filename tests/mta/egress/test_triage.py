"""Mirrors angarium/mta/egress/triage.py."""

import pytest

from angarium.mta.egress.triage import DETOURS, TRIES, defect, triage
from angarium.mta.transport.outcome import Again, Outcome, Scope, Transient
from angarium.queue.model import UnixMs
from tests.mta.egress.fakes import (
    FOR_NOW,
    GREYLISTED,
    IN_DOUBT,
    LACKS_EXTENSION,
    LOST,
    NO_USER,
    SILENT,
    TAKEN,
    TOO_MANY,
    FakeConnection,
    attempt,
    host,
    work,
)

CLOSED = Transient(attempt(421, "4.3.2", "mail"), Scope.SESSION)
GONE = Transient(attempt(0, "4.4.2", "mail"), Scope.SESSION, again=Again.GONE)
OTHERWISE = Transient(attempt(530, "5.7.0", "mail"), Scope.SESSION, again=Again.OTHERWISE)
THROTTLED = Transient(attempt(421, "4.7.0", "mail"), Scope.SESSION)


def sorted_out(
    *outcomes: Outcome, transfers: int = 1, tries: int = 0, detours: int = 0, others: bool = True
) -> str:
    """A letter per recipient: (a)gain, (n)ext host, (r)ecorded."""
    connection = FakeConnection(host(), [])
    connection.transfers = transfers
    of = work(1, len(outcomes), tries=tries, detours=detours)
    found = triage(of, outcomes, connection, has_others=others)
    where = {
        **{told.recipient.id: "a" for told in found.again},
        **{told.recipient.id: "n" for told in found.next_host},
        **{told.recipient.id: "r" for told in found.answered},
    }
    assert len(where) == len(outcomes)
    return "".join(where[each.id] for each in of.recipients)


@pytest.mark.parametrize(
    ("outcome", "where"),
    [
        (TAKEN, "r"),
        (NO_USER, "r"),
        (GREYLISTED, "r"),  # the next host would say the same
        (FOR_NOW, "n"),
        (LACKS_EXTENSION, "n"),
        (LOST, "a"),
        (TOO_MANY, "a"),
        (IN_DOUBT, "r"),  # Invariant 3
        (SILENT, "n"),  # it would fall silent again, for minutes
        (CLOSED, "n"),  # at once on a fresh connection: an answer
        (THROTTLED, "r"),
    ],
)
def test_each_outcome_of_a_first_transaction_calls_for_one_thing(
    outcome: Outcome, where: str
) -> None:
    assert sorted_out(outcome) == where


@pytest.mark.parametrize(
    ("outcome", "where"), [(SILENT, "a"), (CLOSED, "a"), (THROTTLED, "r"), (IN_DOUBT, "r")]
)
def test_an_old_session_may_just_have_been_forgotten(outcome: Outcome, where: str) -> None:
    assert sorted_out(outcome, transfers=2) == where


def test_without_other_hosts_what_was_said_stands() -> None:
    assert sorted_out(FOR_NOW, LACKS_EXTENSION, others=False) == "rr"


def test_three_transactions_that_gain_nothing_end_the_attempt() -> None:
    assert sorted_out(LOST, tries=TRIES - 2) == "a"
    assert sorted_out(LOST, tries=TRIES - 1) == "r"


@pytest.mark.parametrize("outcome", [GONE, OTHERWISE])
def test_what_says_nothing_against_the_recipients_is_no_try_and_yet_bounded(
    outcome: Transient,
) -> None:
    assert sorted_out(outcome, tries=TRIES - 1, transfers=2) == "a"
    assert sorted_out(outcome, detours=DETOURS - 1) == "a"
    assert sorted_out(outcome, detours=DETOURS) == "r"


def test_a_transaction_that_gained_something_is_followed_by_another() -> None:
    # RFC 5321 section 4.5.3.1.10
    assert sorted_out(TAKEN, TOO_MANY, tries=TRIES - 1) == "ra"
    assert sorted_out(NO_USER, TOO_MANY, FOR_NOW, tries=TRIES - 1) == "ran"


def test_a_defect_of_ours_is_a_temporary_failure_of_this_message() -> None:
    found = defect(RuntimeError("secret"), UnixMs(7), FakeConnection(host("mx"), []))
    assert (found.scope, found.attempt.code, found.attempt.host) == (Scope.MESSAGE, 451, "mx")
    assert "secret" not in found.attempt.text
    assert defect(RuntimeError(), UnixMs(7)).attempt.host == ""
