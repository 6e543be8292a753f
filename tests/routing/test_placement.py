"""Mirrors angarium/routing/placement.py."""

from collections import Counter

from angarium.routing.placement import partition_of


def test_a_providers_partition_never_changes() -> None:
    """It is on disk: a queue written by an older version must still be found."""
    names = ("gmail", "yahoo", "mx.example.com", "smtp://127.0.0.1:2526", "[2001:db8::1]")
    assert [partition_of(each, 16) for each in names] == [4, 12, 15, 4, 3]


def test_providers_are_spread_over_all_partitions() -> None:
    counts = Counter(partition_of(f"mx{n}.example.com", 16) for n in range(1600))
    assert len(counts) == 16
    assert max(counts.values()) < 200
