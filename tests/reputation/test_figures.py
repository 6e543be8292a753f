"""Mirrors angarium/reputation/figures.py and standing_keepsakes.py."""

from typing import Any

import msgspec
import pytest

from angarium.queue import UnixMs
from angarium.queue.keepsakes import MAX_VALUE_OCTETS
from angarium.reputation import figures
from angarium.reputation.figures import (
    MEASURES_LIMIT,
    SPANS,
    Book,
    Figures,
    Subject,
    Tally,
    Window,
)
from angarium.reputation.standing_keepsakes import FIGURES, book_name, encoded, read_books

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = UnixMs(1_800_000_000_000 // DAY * DAY)
ACME = Subject(kind="tenant", name="acme")


def tally(found: Figures, window: Window, now: int = NOW) -> Tally:
    known = found.tally(ACME, window, UnixMs(now))
    assert known is not None
    return known


def test_outcomes_are_counted_by_what_they_were() -> None:
    found = Figures()
    found.count(ACME, NOW, "delivered", 95)
    found.count(ACME, NOW, "deferred.greylisted", 7)
    found.count(ACME, NOW, "bounced.user_unknown", 3)
    found.count(ACME, NOW, "bounced.spam", 2)
    found.count(ACME, NOW, "returned.user_unknown", 4)
    found.count(ACME, NOW, "complained")
    found.count(ACME, NOW, "unsubscribed", 2)
    expected = Tally(
        delivered=95,
        deferred={"greylisted": 7},
        bounced={"spam": 2, "user_unknown": 3},
        returned={"user_unknown": 4},
        complained=1,
        unsubscribed=2,
    )
    for window in SPANS:
        assert tally(found, window) == expected
    # What was taken first and sent back later was sent once
    assert expected.sent == 100
    assert expected.refusals == {"spam": 2, "user_unknown": 7}


@pytest.mark.parametrize(
    ("window", "within", "beyond"),
    [
        ("hour", 55 * MINUTE, 60 * MINUTE),
        ("day", 23 * HOUR, 24 * HOUR),
        ("week", 6 * DAY + 12 * HOUR, 7 * DAY),
    ],
)
def test_each_window_slides(window: Window, within: int, beyond: int) -> None:
    found = Figures()
    found.count(ACME, NOW, "delivered", 3)
    assert tally(found, window, NOW + within).delivered == 3
    assert tally(found, window, NOW + beyond).delivered == 0
    found.count(ACME, UnixMs(NOW + beyond), "delivered")  # and nothing of before comes back
    assert tally(found, window, NOW + beyond).delivered == 1


def test_what_is_older_than_a_window_counts_in_the_longer_ones_only() -> None:
    found = Figures()
    found.count(ACME, NOW, "delivered")
    found.count(ACME, UnixMs(NOW - 2 * DAY), "delivered", 10)  # a follower that caught up
    found.count(ACME, UnixMs(NOW - 30 * DAY), "delivered", 100)
    assert [tally(found, each).delivered for each in SPANS] == [1, 1, 11]


def test_buckets_are_bounded_whatever_comes() -> None:
    book = Book(kind="tenant", name="acme")
    for number in range(40 * 24 * 12):
        at = UnixMs(NOW + number * 5 * MINUTE)
        for measure in range(MEASURES_LIMIT + 5):
            book.count(at, f"bounced.class_{measure % 31:02}_of_some_length", 1_000_000)
    assert [len(each) for each in book.buckets] == [kept for _, kept in SPANS.values()]
    assert {len(counts) for each in book.buckets for counts in each.values()} == {
        MEASURES_LIMIT + 1  # the last one is "other"
    }
    assert book.tally("hour", at).bounced["other"] == 12 * 5 * 1_000_000
    assert len(encoded(book) or b"") <= MAX_VALUE_OCTETS


def test_fig1_of_each_kind_the_one_that_was_quiet_longest_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "LIMITS", {**figures.LIMITS, "tenant": 2, "domain": 2})
    found = Figures()
    for name in ("a", "b"):
        found.count(Subject(kind="tenant", name=name), NOW, "delivered")
        found.count(Subject(kind="domain", name=name), NOW, "delivered")
    found.written()
    found.count(Subject(kind="tenant", name="a"), NOW, "delivered")
    found.count(Subject(kind="tenant", name="c"), NOW, "delivered")
    assert [each.name for each in found.subjects("tenant")] == ["c", "a"]
    assert [each.name for each in found.subjects("domain")] == ["b", "a"]
    changed = {each.name: book is None for each, book in found.changed().items()}
    assert changed == {"a": False, "b": True, "c": False}


def test_fig2_what_changed_is_told_until_it_is_written() -> None:
    found = Figures()
    found.count(ACME, NOW, "delivered")
    assert list(found.changed()) == [ACME]
    assert list(found.changed()) == [ACME]
    found.written()
    assert found.changed() == {}


def kept(found: Figures) -> dict[str, bytes]:
    written = {book_name(each): encoded(book) for each, book in found.changed().items()}
    return {name: value for name, value in written.items() if value is not None}


def test_what_is_kept_comes_back_the_latest_last() -> None:
    found = Figures()
    found.count(ACME, NOW, "bounced.spam", 3)
    found.count(Subject(kind="source", name="ip1"), UnixMs(NOW - HOUR), "delivered")
    again = Figures()
    again.count(ACME, NOW, "delivered")  # is not what was kept
    again.restore(read_books(kept(found)))
    assert tally(again, "week") == tally(found, "week")
    assert list(again.subjects()) == list(found.subjects())
    assert again.changed() == {}
    assert [each.name for each in read_books(kept(found))] == ["ip1", "acme"]


def test_what_is_damaged_or_newer_is_passed_over() -> None:
    good = encoded(Book(kind="tenant", name="acme"))
    assert good is not None
    values: dict[str, Any] = {
        FIGURES + "a": good,
        FIGURES + "b": b"\x02" + good[1:],
        FIGURES + "c": good[:-1],
        FIGURES + "d": b"",
        FIGURES + "e": b"\x01" + msgspec.msgpack.encode(["no kind", "x"]),
        "else/a": good,
    }
    assert [each.name for each in read_books(values)] == ["acme"]
