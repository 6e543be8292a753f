"""What changed is told once, where most of it is, and steady mail is no news."""

import random
from collections.abc import Mapping

from angarium.analytics.counters import COUNTERS
from angarium.analytics.insights.looking import TOTAL, VOLUME, Place, Rows, look
from angarium.analytics.insights.words import Cause, tell

WINDOWS = 14


def test_a_bounce_rate_that_rose_at_one_provider_is_told_once_with_the_provider() -> None:
    steady, risen = _counts(delivered=4900, bounced=100), _counts(delivered=4400, bounced=600)
    small = _counts(delivered=490, bounced=10)
    rows = [
        _rows(TOTAL, "all", _sum(steady, small), _sum(risen, small)),
        _rows("provider", "gmail", steady, risen),
        _rows("provider", "yahoo", small, small),
        _rows("source", "mta1", _sum(steady, small), _sum(risen, small)),
    ]
    changes = look(rows)
    assert [each.measure for each in changes] == ["bounce_rate"]
    (change,) = changes
    assert change.place == Place(by=TOTAL, key="all")
    assert change.is_bad
    assert {each.place for each in change.where} == {
        Place(by="provider", key="gmail"),
        Place(by="source", key="mta1"),
    }
    told = tell(change, "2026-11-30T10:00Z", Cause(bounce_class="auth_failure", part=0.9))
    assert told.what.startswith("The bounce rate is 11 %, and was 2.0 %: 500 recipients more")
    assert told.what.endswith("since 2026-11-30T10:00Z")
    assert "provider gmail (100%)" in told.why
    assert "SPF, DKIM or DMARC" in told.why
    assert "quasi-binomial" in told.test


def test_what_only_a_part_shows_is_told_of_the_part() -> None:
    big, small = _counts(delivered=98_000, bounced=2000), _counts(delivered=980, bounced=20)
    fallen = _counts(delivered=800, bounced=200)
    rows = [
        _rows(TOTAL, "all", _sum(big, small), _sum(big, fallen)),
        _rows("provider", "gmail", big, big),
        _rows("provider", "yahoo", small, fallen),
        _rows("domain", "shop.example", small, fallen),
    ]
    (change,) = look(rows)
    assert change.place.key in ("yahoo", "shop.example")
    assert len(change.where) == 1
    assert "the same is seen at" in tell(change).why.lower()


def test_less_that_is_opened_is_bad_and_fewer_bounces_are_good() -> None:
    before = _counts(delivered=5000, bounced=250, opened_recipients=1000)
    after = _counts(delivered=5000, bounced=50, opened_recipients=400)
    changes = {each.measure: each for each in look([_rows(TOTAL, "all", before, after)])}
    assert changes["open_rate"].is_bad
    assert not changes["bounce_rate"].is_bad
    assert next(iter(changes)) == "open_rate"  # the bad ones first


def test_steady_mail_is_no_news_in_a_thousand_places() -> None:
    chance = random.Random(3)
    rows = [
        Rows(
            place=Place(by="campaign", key=str(number)),
            before=tuple(_drawn(chance) for _ in range(WINDOWS)),
            after=_drawn(chance),
        )
        for number in range(1000)
    ]
    assert look(rows) == []


def test_a_change_too_small_to_matter_is_none_however_sure() -> None:
    before = _counts(delivered=980_000, bounced=20_000)
    after = _counts(delivered=978_000, bounced=22_000)
    assert look([_rows(TOTAL, "all", before, after)]) == []


def test_mail_that_stopped_is_told_and_a_little_less_is_not() -> None:
    before = _counts(accepted=1000)
    (change,) = look([_rows(TOTAL, "all", before, _counts(accepted=0))])
    assert change.measure == VOLUME
    assert change.is_bad
    assert tell(change).what == "0 recipients, where there usually are 1,000"
    assert look([_rows(TOTAL, "all", before, _counts(accepted=800))]) == []


def test_no_share_is_over_all_where_more_comes_back_than_was_sent_that_day() -> None:
    before = _counts(delivered=1000, bounced=20)
    after = _counts(delivered=300, bounced=5000, bounced_late=5000)
    (change,) = look([_rows(TOTAL, "all", before, after)])
    assert change.difference.after.value == 1


def _rows(by: str, key: str, before: Mapping[str, int], after: Mapping[str, int]) -> Rows:
    return Rows(place=Place(by=by, key=key), before=(before,) * WINDOWS, after=after)


def _counts(**given: int) -> dict[str, int]:
    return {**dict.fromkeys(COUNTERS, 0), "accepted": 5000, **given}


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one[name] + other[name] for name in COUNTERS}


def _drawn(chance: random.Random) -> dict[str, int]:
    bounced = sum(chance.random() < 0.02 for _ in range(300))
    return _counts(accepted=300, delivered=300 - bounced, bounced=bounced)
