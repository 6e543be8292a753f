"""Mirrors angarium/mta/egress/next_host.py."""

import pytest

from angarium.mta.egress.next_host import (
    DEAD_END_MS,
    NEXT_HOSTS,
    NextHosts,
    is_for_next_host,
    refuser,
)
from angarium.mta.egress.work import Referred
from angarium.mta.transport.outcome import Outcome, Scope, Transient
from angarium.queue.model import UnixMs
from tests.mta.egress.fakes import (
    DOWN,
    FOR_NOW,
    GREYLISTED,
    IN_DOUBT,
    LACKS_EXTENSION,
    LOST,
    NO_USER,
    SILENT,
    TAKEN,
    attempt,
    host,
    parcel,
    site,
    work,
)

NOW = UnixMs(1_000_000)


def referred(number: int, *refused_by: str) -> Referred:
    return Referred(parcel(work(number, refused_by=frozenset(refused_by))), (FOR_NOW,))


@pytest.mark.parametrize("outcome", [FOR_NOW, SILENT, LACKS_EXTENSION])
def test_another_host_may_do_what_this_one_did_not(outcome: Outcome) -> None:
    assert is_for_next_host(outcome)


@pytest.mark.parametrize(
    "outcome",
    [
        *(TAKEN, NO_USER, GREYLISTED, LOST, IN_DOUBT, DOWN),
        Transient(attempt(452, "4.2.2", "rcpt"), Scope.RECIPIENT),  # the mailbox
        Transient(attempt(421, "4.7.0", "mail"), Scope.SESSION),  # our rate
    ],
)
def test_or_would_only_be_told_the_same(outcome: Outcome) -> None:
    assert not is_for_next_host(outcome)


def test_a_host_is_remembered_by_name_and_an_only_one_by_its_address() -> None:
    assert refuser(site("a", "b"), host("a"), "a.1") == "a"
    assert refuser(site("a"), host("a"), "a.1") == "a.1"


def test_there_are_others_until_all_have_refused_or_enough_were_asked() -> None:
    hosts, three = NextHosts(), site("a", "b", "c")
    assert hosts.has_others(three, frozenset("ab"), NOW)
    assert not hosts.has_others(three, frozenset("abc"), NOW)
    many = site(*"abcdefghij")
    assert hosts.has_others(many, frozenset("abcdefghij"[: NEXT_HOSTS - 1]), NOW)
    assert not hosts.has_others(many, frozenset("abcdefghij"[:NEXT_HOSTS]), NOW)


def test_hosts_that_took_no_connection_are_left_alone_for_a_minute() -> None:
    hosts, three = NextHosts(), site("a", "b", "c")
    hosts.add(referred(1, "a"))
    hosts.add(referred(2, "a", "b"))
    hosts.add(referred(3, "b"))
    stuck = hosts.no_others(frozenset("a"), NOW)  # neither b nor c did
    assert [each.parcel.work.message.message_id[-1] for each in stuck] == [1, 2]
    assert len(hosts) == 1
    assert not hosts.has_others(three, frozenset("a"), UnixMs(NOW + DEAD_END_MS - 1))
    assert hosts.has_others(three, frozenset("b"), NOW)
    assert hosts.has_others(three, frozenset("a"), UnixMs(NOW + DEAD_END_MS))
    assert hosts.has_others(three, frozenset("a"), UnixMs(NOW - 1))  # the clock stepped back


def test_a_host_gets_the_oldest_that_it_has_not_refused() -> None:
    hosts = NextHosts()
    for number, by in enumerate(("b", "a", "a"), 1):
        hosts.add(referred(number, by))
    found = hosts.find_for(host("b"), "b.1")
    assert found is not None
    assert found.parcel.work.message.message_id[-1] == 2
    assert hosts.find_for(host("x", "a"), "b") is None or len(hosts) == 1
    assert len(hosts.drain()) <= 2
    assert len(hosts) == 0
