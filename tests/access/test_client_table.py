"""Mirrors angarium/access/client_table.py."""

import os

from hypothesis import given
from hypothesis import strategies as st

from angarium.access.client_table import CELLS, RECENT, ClientTable, FailedLogin, _cells_of
from tests.access.two_processes import two_processes


def failure(number: int, change: int = 1) -> FailedLogin:
    return FailedLogin(client=number, user=number + 1, at=float(number), change=change)


def test_a_process_sees_what_the_others_have_and_not_its_own() -> None:
    here, there = two_processes()
    client = here.digest("192.0.2.1")
    assert client == there.digest("192.0.2.1")
    here.set_connections(2)
    here.change_connections(client, 2)
    here.set_octets(5_000_000_000)
    assert (here.connections_elsewhere(), here.connections_elsewhere_of(client)) == (0, 0)
    assert (there.connections_elsewhere(), there.connections_elsewhere_of(client)) == (2, 2)
    assert (here.octets_elsewhere(), there.octets_elsewhere()) == (0, 5_000_000_000)
    here.change_connections(client, -2)
    assert there.connections_elsewhere_of(client) == 0


def test_a_client_that_shares_one_cell_with_another_is_not_taken_for_it() -> None:
    here, there = two_processes()
    here.change_connections(7, 3)
    assert there.connections_elsewhere_of(7 + CELLS * 2**32) == 0
    assert there.connections_elsewhere_of(7) == 3


@given(st.integers(0, 2**64 - 1))
def test_each_client_has_two_cells(client: int) -> None:
    first, second = _cells_of(client)
    assert first != second
    assert min(first, second) >= 0
    assert max(first, second) < CELLS


def test_listeners_have_rows_of_their_own() -> None:
    fd = ClientTable.create(listeners=2, processes=2)
    one, two = ClientTable(fd), ClientTable(fd)
    os.close(fd)
    one.at(0, 0).set_connections(1)
    one.at(1, 1).set_connections(10)
    assert two.at(0, 1).connections_elsewhere() == 1
    assert two.at(1, 0).connections_elsewhere() == 10
    assert two.at(1, 1).connections_elsewhere() == 0


def test_a_process_that_has_ended_has_no_connections_and_its_failures_stay() -> None:
    fd = ClientTable.create(listeners=2, processes=2)
    table = ClientTable(fd)
    os.close(fd)
    for listener in (0, 1):
        ended = table.at(listener, 1)
        ended.set_connections(9)
        ended.change_connections(5, 9)
        ended.set_octets(9)
        ended.tell(failure(1))
    table.clear(1)
    for listener in (0, 1):
        other = table.at(listener, 0)
        assert (other.connections_elsewhere(), other.octets_elsewhere()) == (0, 0)
        assert other.connections_elsewhere_of(5) == 0
        assert list(other.news()) == [failure(1)]
        assert list(table.at(listener, 1).news()) == [failure(1)]  # its successor knows them


def test_failures_are_read_once_and_in_order() -> None:
    here, there = two_processes()
    here.tell(failure(1))
    here.tell(failure(2, -1))
    assert list(there.news()) == [failure(1), failure(2, -1)]
    assert list(there.news()) == []
    here.tell(failure(3))
    there.tell(failure(4))
    assert list(there.news()) == [failure(3)]
    assert list(here.news()) == [failure(4)]


def test_who_has_not_read_for_long_gets_the_newest_failures() -> None:
    here, there = two_processes()
    for number in range(RECENT + 10):
        here.tell(failure(number))
    assert list(there.news()) == [failure(number) for number in range(10, RECENT + 10)]
