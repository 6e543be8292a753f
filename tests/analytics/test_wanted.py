"""Mirrors angarium/analytics/wanted.py and asked.py."""

import pytest

from angarium.analytics.asked import Only, dimension_of
from angarium.analytics.counters import PAIRS, SINGLES, Counter, Dimension
from angarium.analytics.wanted import Wanted, WantedError, read_wanted
from angarium.queue.model import UnixMs

NOW = UnixMs(1_782_900_900_000)  # 2026-07-01T10:15:00Z


def test_words_come_to_a_question() -> None:
    query, span = read_wanted(
        Wanted(by="day,provider", only={"source": "ip1", "tag": ""}, sort="opened_human"),
        NOW,
        "acme",
        may_all=False,
    )
    assert query.by == ("day", "provider")
    assert query.only == (Only(Dimension.SOURCE, "ip1"),)
    assert query.most is Counter.OPENED_HUMAN
    assert (query.tenant, query.resolution, span.resolution) == ("acme", "day", "day")
    assert read_wanted(Wanted(by="total"), NOW, None, may_all=True)[0].by == ()


@pytest.mark.parametrize(
    ("wanted", "may_all", "field", "words"),
    [
        (Wanted(by="weather"), True, "by", "'weather' is none of total, minute"),
        (Wanted(by="tenant"), False, "by", "'tenant' is none of"),
        (Wanted(by=""), True, "by", "'' is none of"),
        (Wanted(by="day,day"), True, "by", "names one thing twice"),
        (Wanted(by="total,day"), True, "by", "it goes with nothing else"),
        (Wanted(by="tag,link"), True, "by", "tag, link are not counted together"),
        (Wanted(by="tag", only={"stream": "a"}), True, "stream", "provider and source"),
        (
            Wanted(by="provider", only={"source": "a", "class": "b"}),
            True,
            "class",
            "provider, source, class are not counted together",
        ),
        (Wanted(by="minute,link"), True, "by", "is not counted by the minute"),
        (Wanted(by="minute", only={"link": "x"}), True, "link", "is not counted by the minute"),
        (Wanted(by="day", sort="weather"), True, "sort", "'weather' is none of accepted"),
        (Wanted(by="day", first="soon"), True, "from", "'soon' is no time"),
        (Wanted(by="hour", resolution="day"), True, "resolution", "days are not by hour"),
    ],
)
def test_what_cannot_be_asked_is_named(
    wanted: Wanted, may_all: bool, field: str, words: str
) -> None:
    with pytest.raises(WantedError) as told:
        read_wanted(wanted, NOW, None, may_all=may_all)
    assert told.value.field == field
    assert str(told.value).startswith(f"{field}: ")
    assert words in str(told.value)


def test_each_pair_is_asked_by_its_two_in_whichever_order() -> None:
    for pair, (one, other) in PAIRS.items():
        words = {dimension: name for name, dimension in SINGLES.items()}
        for first, second in ((one, other), (other, one)):
            by = (words[first], "day", words[second])
            assert dimension_of(by, (), "hour") is pair  # type: ignore[arg-type]
            only = (Only(second, "x"),)
            assert dimension_of((words[first],), only, "day") is pair  # type: ignore[arg-type]
