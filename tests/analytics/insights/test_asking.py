"""Mirrors angarium/analytics/insights/asking.py and summary/gathering.py, on real counters."""

import msgspec
import pytest

from angarium.analytics.counters import DAY_MS, HOUR_MS
from angarium.analytics.insights.asking import InsightReader
from angarium.analytics.insights.looking import Place
from angarium.analytics.summary.gathering import gather
from angarium.analytics.summary.letter import text
from angarium.queue.model import UnixMs
from tests.analytics.conftest import Counted
from tests.history.samples import Log
from tests.queue.samples import attempt

DAY = 20_635  # 2026-07-01
DAYS = 6
# Some of every day's mail: enough for a share to be spoken of
EACH = 240


@pytest.fixture
def story(counted: Counted, log: Log) -> InsightReader:
    """Six quiet days, and one on which gmail refuses from 14:00 on whose DKIM fails."""
    for day in range(DAY - DAYS, DAY + 1):
        for number in range(EACH):
            hour = number * 24 // EACH
            log.clock.now = UnixMs(day * DAY_MS + hour * HOUR_MS + number)
            _send(log, "gmail", is_refused=day == DAY and hour >= 14)
            _send(log, "yahoo", is_refused=number % 80 == 0)
    counted.catch_up()
    return InsightReader(counted.reader)


def test_what_changed_is_told_with_where_since_when_and_why(story: InsightReader) -> None:
    now = UnixMs((DAY + 1) * DAY_MS)
    (told,) = story.ask(DAY, "default", now)
    assert told.measure == "bounce_rate"
    assert told.is_bad
    assert told.place == Place(by="total", key="all")
    assert {each.place for each in told.where} >= {Place(by="provider", key="gmail")}
    assert Place(by="provider", key="yahoo") not in {each.place for each in told.where}
    assert told.since == "2026-07-01T14:00Z"
    assert told.cause is not None
    assert told.cause.bounce_class == "auth_failure"
    assert told.cause.part > 0.9
    assert "postmaster domain verify" in told.why


def test_the_days_before_have_nothing_to_tell_nor_have_other_tenants(story: InsightReader) -> None:
    now = UnixMs((DAY + 1) * DAY_MS)
    assert story.ask(DAY - 1, "default", now) == []
    assert story.ask(DAY, "nobody", now) == []
    assert [each.measure for each in story.ask(DAY, None, now)] == ["bounce_rate"]


def test_how_much_mail_there_was_is_told_of_days_that_are_over(story: InsightReader) -> None:
    begun, over = UnixMs((DAY + 1) * DAY_MS + 1), UnixMs((DAY + 2) * DAY_MS)
    assert story.ask(DAY + 1, "default", begun) == []
    (told,) = story.ask(DAY + 1, "default", over)
    assert told.measure == "volume"
    assert told.what == "0 recipients, where there usually are 480"


def test_a_summary_has_the_days_figures_beside_the_usual_ones(
    story: InsightReader, counted: Counted
) -> None:
    summary = gather(counted.reader, DAY, "default", UnixMs((DAY + 1) * DAY_MS))
    assert summary.total.counts["accepted"] == 2 * EACH
    assert summary.usual["accepted"] == 2 * EACH
    assert [each.key for each in summary.providers] == ["yahoo", "gmail"]
    assert summary.providers[0].p95_ms is not None
    assert [each.measure for each in summary.insights] == ["bounce_rate"]
    found = text(summary)
    assert found.startswith("Mail of default on 2026-07-01: 1 thing to look at")
    assert "Campaigns" not in found


def _send(log: Log, provider: str, *, is_refused: bool) -> None:
    message_id = log.accept(stream="news")
    way = msgspec.structs.replace(
        attempt(550 if is_refused else 250, log.clock.now),
        provider=provider,
        source="ip1",
        enhanced="5.7.26" if is_refused else "2.0.0",
        text="5.7.26 Unauthenticated email is not accepted due to DMARC policy"
        if is_refused
        else "Ok",
    )
    log.happen("bounced" if is_refused else "delivered", message_id, attempt=way)
