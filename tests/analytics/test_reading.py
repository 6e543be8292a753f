"""Mirrors angarium/analytics/reading.py, span.py and access.py."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from angarium.analytics import access
from angarium.analytics.access import CounterAccess
from angarium.analytics.asked import By, CountersAwayError, Only, StatsQuery
from angarium.analytics.counter_file import CounterView
from angarium.analytics.counters import HOUR_MS, Counter, Dimension
from angarium.analytics.span import SpanError, key_shown, read_span
from angarium.host import sqlite_file
from angarium.queue.model import UnixMs
from tests.analytics.conftest import Counted
from tests.history.samples import Log
from tests.queue.samples import attempt

NOW = UnixMs(1_782_900_900_000)  # 2026-07-01T10:15:00Z
HOUR = NOW // HOUR_MS
DAY = HOUR // 24


def fill(counted: Counted, log: Log) -> int:
    """Three hours of two campaigns and two tenants. Returns the first."""
    log.clock.now = NOW
    for _ in range(3):
        log.accept(campaign="a", tags=("x",))
        log.accept(campaign="b")
        log.accept(campaign="a", tenant="acme")
        log.clock.now = UnixMs(log.clock.now + 12 * HOUR_MS)
    counted.catch_up()
    return HOUR


def test_rows_are_by_time_by_name_and_of_a_tenant_or_of_all(counted: Counted, log: Log) -> None:
    first = fill(counted, log)
    assert counted.by("hour") == {first + each: {"accepted": 2} for each in (0, 12, 24)}
    assert counted.by("day") == {DAY: {"accepted": 4}, DAY + 1: {"accepted": 2}}
    assert counted.by() == {"all": {"accepted": 6}}
    assert counted.by(tenant=None) == {"all": {"accepted": 9}}
    assert counted.by(tenant="nobody") == {}
    assert counted.by("campaign") == {"a": {"accepted": 3}, "b": {"accepted": 3}}
    assert counted.by("tenant", tenant=None) == {
        "acme": {"accepted": 3},
        "default": {"accepted": 6},
    }


def test_only_the_hours_that_are_asked_for_count(counted: Counted, log: Log) -> None:
    first = fill(counted, log)
    assert counted.total(first=first + 1, end=first + 12) == {}
    assert counted.total(first=first, end=first + 12) == {"accepted": 2}
    assert counted.total(first=first + 12, end=first + 25) == {"accepted": 4}


def test_one_name_alone_is_asked_about_over_time(counted: Counted, log: Log) -> None:
    first = fill(counted, log)
    only = (Only(Dimension.CAMPAIGN, "a"),)
    assert counted.by("day", only=only) == {DAY: {"accepted": 2}, DAY + 1: {"accepted": 1}}
    assert counted.by(only=only) == {"all": {"accepted": 3}}
    assert counted.by("hour", only=(Only(Dimension.TAG, "x"),), end=first + 1, first=first) == {
        first: {"accepted": 1}
    }


def ways(counted: Counted, log: Log) -> None:
    log.clock.now = NOW
    for provider, source, times in (("gmail", "ip1", 3), ("gmail", "ip2", 1), ("yahoo", "ip1", 2)):
        way = msgspec.structs.replace(attempt(), provider=provider, source=source)
        for _ in range(times):
            log.happen("delivered", log.accept(campaign="a"), attempt=way)
    counted.catch_up()


def test_what_is_counted_together_is_asked_for_by_both_or_by_one_of_the_other(
    counted: Counted, log: Log
) -> None:
    ways(counted, log)
    one, two, three = {"delivered": 1}, {"delivered": 2}, {"delivered": 3}
    expected = {("gmail", "ip1"): three, ("gmail", "ip2"): one, ("yahoo", "ip1"): two}
    assert counted.by("provider", "source") == expected
    assert counted.by("source", "provider") == {
        (source, provider): found for (provider, source), found in expected.items()
    }
    gmail, ip1 = Only(Dimension.PROVIDER, "gmail"), Only(Dimension.SOURCE, "ip1")
    assert counted.by("source", only=(gmail,)) == {"ip1": three, "ip2": one}
    assert counted.by("provider", only=(ip1,)) == {"gmail": three, "yahoo": two}
    assert counted.by(only=(ip1, gmail)) == {"all": three}
    assert counted.by("hour", "source", only=(gmail,)) == {
        (HOUR, "ip1"): three,
        (HOUR, "ip2"): one,
    }
    assert counted.by("tenant", "provider", tenant=None) == {
        ("default", "gmail"): {"delivered": 4},
        ("default", "yahoo"): two,
    }
    minutes = counted.by(
        "minute", "provider", resolution="minute", first=HOUR * 60, end=HOUR * 60 + 60
    )
    assert {key for _, key in minutes} == {"gmail", "yahoo"}


def test_rows_may_be_those_that_have_most_of_something(counted: Counted, log: Log) -> None:
    ways(counted, log)
    query = StatsQuery(
        by=("provider", "source"),
        first=HOUR,
        end=HOUR + 1,
        tenant="default",
        most=Counter.DELIVERED,
        limit=2,
    )
    page = counted.reader.ask(query)
    assert [each.keys for each in page.rows] == [("gmail", "ip1"), ("yahoo", "ip1")]
    assert page.after is None


def test_pages_by_several_have_each_row_once(counted: Counted, log: Log) -> None:
    ways(counted, log)
    keys: list[tuple[object, ...]] = []
    after: str | None = ""
    while after is not None:
        query = StatsQuery(
            by=("hour", "provider", "source"),
            first=HOUR,
            end=HOUR + 1,
            tenant="default",
            limit=1,
            after=after,
        )
        page = counted.reader.ask(query)
        keys += [each.keys for each in page.rows]
        after = page.after
    assert keys == [(HOUR, "gmail", "ip1"), (HOUR, "gmail", "ip2"), (HOUR, "yahoo", "ip1")]
    with pytest.raises(ValueError, match="other rows"):
        counted.reader.ask(msgspec.structs.replace(query, after="=gmail"))


def test_pages_have_each_row_once_also_of_the_rest(counted: Counted, log: Log) -> None:
    log.clock.now = NOW
    for number in range(7):
        log.accept(tags=(f"t{number}",))
        log.clock.now = UnixMs(log.clock.now + HOUR_MS)
    counted.catch_up()
    with counted.file.writing() as db:
        db.execute("UPDATE hour SET key = '' WHERE key = 't6'")
    kinds: tuple[By, ...] = ("tag", "hour")
    for by in kinds:
        keys, after = [], ""
        while True:
            page = counted.reader.ask(
                StatsQuery(
                    by=(by,), first=HOUR, end=HOUR + 24, tenant="default", limit=1, after=after
                )
            )
            keys += [each.key for each in page.rows]
            if page.after is None:
                break
            after = page.after
        assert len(keys) == len(set(keys)) == 7
        assert (None in keys) == (by == "tag")


def test_a_question_that_would_take_too_long_is_given_up(
    counted: Counted, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(counted, log)
    monkeypatch.setattr(sqlite_file, "_MANY_STEPS", 0)
    monkeypatch.setattr(sqlite_file, "_STEPS", 10)
    view = CounterView(counted.file.path.parent)
    with pytest.raises(CountersAwayError, match="interrupted"):
        view.ask("SELECT count(*) FROM hour a, hour b, hour c", {})
    view.close()


async def test_who_asks_too_much_at_once_is_told_so(
    counted: Counted, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CAC1"""
    fill(counted, log)
    monkeypatch.setattr(access, "WAITING", 2)
    asking = CounterAccess(counted.file.path.parent)
    query = StatsQuery(first=HOUR, end=HOUR + 24, tenant="default")
    answers = await asyncio.gather(*[asking.ask(query) for _ in range(3)], return_exceptions=True)
    assert [isinstance(each, CountersAwayError) for each in answers] == [False, False, True]
    assert (await asking.ask(query)).rows[0].counts["accepted"] == 4
    asking.close()


async def test_before_anything_was_counted_that_is_said(tmp_path: Path, log: Log) -> None:
    asking = CounterAccess(tmp_path)
    query = StatsQuery(first=HOUR, end=HOUR + 24, tenant="default")
    with pytest.raises(CountersAwayError):
        await asking.ask(query)
    counted = Counted(tmp_path, log)
    assert (await asking.ask(query)).rows == ()
    asking.close()
    counted.close()


@pytest.mark.parametrize(
    ("first", "to", "by", "expected"),
    [
        ("", "", (), ("day", DAY - 6, DAY + 1)),
        ("", "", ("day", "provider"), ("day", DAY - 6, DAY + 1)),
        ("", "", ("hour",), ("hour", (DAY - 6) * 24, HOUR + 1)),
        ("", "", ("minute",), ("minute", HOUR * 60 - 44, HOUR * 60 + 16)),
        ("2026-07-01", "2026-07-01", (), ("day", DAY, DAY + 1)),
        ("2026-06-30", "", (), ("day", DAY - 1, DAY + 1)),
        ("", "2026-06-30", (), ("day", DAY - 7, DAY)),
        ("2026-06-30", "2026-06-30T23:00:00Z", (), ("hour", DAY * 24 - 24, DAY * 24 - 1)),
        ("2026-07-01T09:59:59.5Z", "2026-07-01T10:00:00Z", (), ("hour", HOUR - 1, HOUR)),
        ("2026-07-01T12:00:00+02:00", "2026-07-01T10:00:01Z", (), ("hour", HOUR, HOUR + 1)),
        (
            "2026-07-01T10:00:59Z",
            "2026-07-01T10:02:00.001Z",
            ("minute",),
            ("minute", HOUR * 60, HOUR * 60 + 3),
        ),
    ],
)
def test_dates_and_times_are_whole_units_of_the_coarsest_counters_that_have_the_same(
    first: str, to: str, by: tuple[By, ...], expected: tuple[str, int, int]
) -> None:
    span = read_span(first, to, NOW, by)
    assert (span.resolution, span.first, span.end) == expected


def test_the_time_that_is_shown_ends_with_the_present_hour_also_where_days_are_read() -> None:
    span = read_span("2026-06-30", "", NOW)
    assert (span.resolution, span.end_ms) == ("day", (HOUR + 1) * HOUR_MS)
    by_the_minute = read_span("2026-07-01", "2026-07-01", NOW, (), "minute")
    assert (by_the_minute.first, by_the_minute.end) == (DAY * 1440, DAY * 1440 + 1440)


@pytest.mark.parametrize(
    ("first", "to", "text"),
    [
        ("2026-07-02", "", "from: is not before `to`"),
        ("2010-07-02", "", "from: is more than 3,660 days before `to`: ask for less at a time"),
        (
            "2020-07-02T01:00:00Z",
            "",
            "from: is more than 8,784 hours before `to`: ask for less at a time",
        ),
        ("2026-02-30", "", "from: 2026-02-30 is no day; write 2026-07-01 or 2026-07-01T10:00:00Z"),
        ("", "yesterday", "to: 'yesterday' is no time; write 2026-07-01 or 2026-07-01T10:00:00Z"),
        ("2026-07-01T10:00:00", "", "from: '2026-07-01T10:00:00' is no time; write"),
        ("2026-07-01T99:00:00Z", "", "from: '2026-07-01T99:00:00Z' is no time"),
    ],
)
def test_what_is_no_span_is_said_with_what_to_write(first: str, to: str, text: str) -> None:
    with pytest.raises(SpanError) as told:
        read_span(first, to, NOW)
    assert str(told.value).startswith(text)
    assert told.value.field == text.partition(":")[0]


def test_rows_are_of_no_finer_time_than_the_counters() -> None:
    with pytest.raises(SpanError, match="resolution: days are not by hour"):
        read_span("", "", NOW, ("hour",), "day")


def test_hours_days_and_names_are_shown_as_such() -> None:
    assert key_shown("hour", HOUR) == "2026-07-01T10:00:00.000Z"
    assert key_shown("day", DAY) == "2026-07-01"
    assert key_shown("tag", "a") == "a"
    assert key_shown("tag", None) is None
