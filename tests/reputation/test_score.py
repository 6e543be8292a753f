"""Mirrors angarium/reputation/score.py."""

import pytest

from angarium.reputation.figures import Tally
from angarium.reputation.score import ListedAt, Score, find_score


def score(week: Tally, day: Tally | None = None, *listings: ListedAt) -> Score:
    return find_score({"day": day or Tally(), "week": week}, listings)


def test_a_good_sender_has_all_points_and_its_figures() -> None:
    found = score(Tally(delivered=9990, bounced={"user_unknown": 10}, complained=1))
    assert found.value == 100
    (reason,) = found.reasons
    assert reason.points == 0
    assert (
        "of 10000 recipients in the last week 9990 got their mail and 1 complained" in reason.text
    )


def test_of_few_nothing_is_concluded() -> None:
    found = score(Tally(delivered=5, bounced={"user_unknown": 5}))
    assert found.value == 100
    assert "10 recipients are too few" in found.reasons[0].text
    assert find_score({}).reasons[0].text.startswith("Little is known")


@pytest.mark.parametrize(
    ("complained", "value"), [(4, 100), (10, 85), (20, 70), (30, 55), (100, 30), (5000, 30)]
)
def test_complaints_cost_more_the_more_there_are(complained: int, value: int) -> None:
    assert score(Tally(delivered=10_000, complained=complained)).value == value


@pytest.mark.parametrize(
    ("tally", "value", "words"),
    [
        (
            Tally(delivered=900, bounced={"user_unknown": 100}),
            65,
            "10.00% of the recipients do not",
        ),
        (
            Tally(delivered=1000, returned={"host_unknown": 50}),
            85,
            "5.00% of the recipients do not",
        ),
        (Tally(delivered=980, bounced={"spam": 20}), 85, "2.00% of the attempts were refused"),
        (
            Tally(delivered=900, deferred={"reputation": 100}),
            60,
            "(100 of 1000 in the last week)",
        ),
        (Tally(delivered=300, deferred={"rate_limited": 100}), 90, "put off as too many"),
        (Tally(delivered=1000, unsubscribed=50), 90, "5.00% of those who got mail unsubscribed"),
    ],
)
def test_each_measure_has_its_price_and_its_sentence(tally: Tally, value: int, words: str) -> None:
    found = score(tally)
    assert found.value == value
    assert words in found.reasons[0].text
    assert found.reasons[0].text.endswith(".")


@pytest.mark.parametrize("harmless", ["greylisted", "mailbox_full", "network_error"])
def test_what_is_no_fault_of_the_sender_costs_nothing(harmless: str) -> None:
    tally = Tally(delivered=500, deferred={harmless: 5000}, bounced={"mailbox_full": 500})
    assert score(tally).value == 100


def test_the_worse_of_the_windows_counts_and_only_once() -> None:
    bad_day = Tally(delivered=900, bounced={"user_unknown": 100})
    week = Tally(delivered=99_900, bounced={"user_unknown": 100})
    found = score(week, bad_day)
    assert (found.value, len(found.reasons)) == (65, 1)
    assert "in the last day" in found.reasons[0].text


def listed(zone: str, weight: int) -> ListedAt:
    return ListedAt(zone=zone, address="192.0.2.1", meaning="sends spam", weight=weight)


def test_listings_cost_the_worst_whole_and_each_further_one_a_little() -> None:
    good = Tally(delivered=1000)
    assert score(good, None, listed("zen.spamhaus.org", 50)).value == 50
    found = score(good, None, listed("b", 20), listed("zen.spamhaus.org", 50), listed("c", 3))
    assert found.value == 100 - 50 - 5 - 3
    assert found.reasons[0].text == "192.0.2.1 is listed at zen.spamhaus.org: sends spam."


def test_there_is_no_score_below_nothing() -> None:
    worst = Tally(delivered=100, bounced={"user_unknown": 500, "spam": 900}, complained=90)
    found = score(worst, None, listed("zen.spamhaus.org", 50))
    assert found.value == 0
    assert [each.points for each in found.reasons] == sorted(
        (each.points for each in found.reasons), reverse=True
    )
