"""A summary says the day's figures, what is usual, and what is different, to eyes and to screens of text."""

import re
from typing import Any

import msgspec

from angarium.analytics.counters import COUNTERS
from angarium.analytics.insights.looking import Place
from angarium.analytics.insights.words import Insight
from angarium.analytics.summary.figures import Line, Summary
from angarium.analytics.summary.letter import as_html, duration, subject, text


def line(key: str = "", p95_ms: int | None = None, **counts: int) -> Line:
    return Line(key=key, counts={**dict.fromkeys(COUNTERS, 0), **counts}, p50_ms=900, p95_ms=p95_ms)


def insight(**fields: Any) -> Insight:
    usual: dict[str, Any] = {
        "measure": "bounce_rate",
        "is_bad": True,
        "place": Place(by="total", key="all"),
        "where": (),
        "before": 0.02,
        "after": 0.11,
        "excess": 500.0,
        "since": "",
        "cause": None,
        "what": "The bounce rate is 11 %, and was 2.0 %",
        "why": "Most of it is provider <gmail>",
        "test": "t = 9",
    }
    return Insight(**{**usual, **fields})


SUMMARY = Summary(
    day="2026-11-29",
    of="acme",
    total=line(accepted=12_000, delivered=11_700, bounced=300, complained=3),
    usual={"accepted": 10_000.4, "delivered": 9_900.0, "clicked_recipients": 12.0},
    providers=(
        line("gmail", 8000, delivered=9000, bounced=100),
        line("<b>evil</b>", None, delivered=1),
    ),
    insights=(insight(), insight(is_bad=False, what="Fewer complaints", why="")),
)


def test_the_subject_says_the_day_whose_mail_and_whether_there_is_something_to_look_at() -> None:
    assert subject(SUMMARY) == "Mail of acme on 2026-11-29: 1 thing to look at"
    quiet = msgspec.structs.replace(SUMMARY, of="", insights=())
    assert subject(quiet) == "Mail on 2026-11-29"


def test_the_text_has_figures_beside_what_is_usual_and_what_is_different_above_them() -> None:
    found = text(SUMMARY)
    assert re.search(r"^accepted +12,000  usually 10,000$", found, re.MULTILINE)
    assert re.search(r"^clicked by persons +0  usually 12$", found, re.MULTILINE)
    assert "suppressed" not in found  # nothing of it, and usually neither
    assert re.search(r"^gmail +9,000 +1.1 % +0 % +0 % +0 % +900 ms +8.0 s$", found, re.MULTILINE)
    assert found.index("! The bounce rate is 11 %") < found.index("accepted")
    assert "+ Fewer complaints." in found
    assert "Streams" not in found
    assert max(map(len, found.splitlines())) < 120


def test_names_of_senders_are_no_markup() -> None:
    found = as_html(SUMMARY)
    assert "&lt;b&gt;evil&lt;/b&gt;" in found
    assert "<b>evil" not in found
    assert "&lt;gmail&gt;" in found


def test_a_day_without_anything_is_empty() -> None:
    nothing = msgspec.structs.replace(SUMMARY, total=line(), insights=())
    assert nothing.is_empty
    assert not SUMMARY.is_empty


def test_durations_are_in_units_that_people_use() -> None:
    assert [duration(each) for each in (None, 12, 3400, 300_000, 7_560_000)] == [
        *("", "12 ms", "3.4 s", "5 min", "2.1 h")
    ]


def test_a_day_without_mail_says_so() -> None:
    nothing = Summary(day="2026-11-29", of="", total=line(), usual={})
    assert "There was no mail on this day." in text(nothing)
    assert "There was no mail on this day." in as_html(nothing)
    assert "There was no mail" not in text(SUMMARY)
