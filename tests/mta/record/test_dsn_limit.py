"""Mirrors angarium/mta/record/dsn_limit.py."""

from angarium.mta.record.dsn_limit import SENDERS, WINDOW_MS, DsnLimit
from angarium.queue.model import UnixMs


def test_a_sender_gets_so_many_dsns_an_hour_and_others_their_own() -> None:  # A5
    limit = DsnLimit(2)
    assert [limit.allows("a@x.example", UnixMs(n)) for n in range(4)] == [True, True, False, False]
    assert limit.allows("b@x.example", UnixMs(4))
    assert not limit.allows("a@x.example", UnixMs(WINDOW_MS - 1))
    assert limit.allows("a@x.example", UnixMs(WINDOW_MS))


def test_a_clock_that_stepped_back_opens_a_new_window() -> None:
    limit = DsnLimit(1)
    assert limit.allows("a@x.example", UnixMs(10_000))
    assert limit.allows("a@x.example", UnixMs(0))


def test_the_senders_remembered_are_bounded() -> None:  # invariant 8
    limit = DsnLimit(1)
    for n in range(SENDERS + 50):
        limit.allows(f"{n}@x.example", UnixMs(0))
    assert len(limit._told) == SENDERS
