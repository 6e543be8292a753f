"""Mirrors angarium/insight/stats_csv.py and csv_text.py."""

import csv
import io

from angarium.analytics import StatsQuery, StatsRow
from angarium.analytics.counters import COUNTERS
from angarium.insight.csv_text import csv_octets
from angarium.insight.stats_csv import stats_cells, stats_columns

COUNTS = dict.fromkeys(COUNTERS, 0) | {"accepted": 5, "delivered": 4, "bounced": 1}


def query(*by: str, latency: bool = False) -> StatsQuery:
    return StatsQuery(by=by, first=0, end=1, tenant=None, latency=latency)  # type: ignore[arg-type]


def test_each_cell_is_under_its_column() -> None:
    asked = query("day", "provider", latency=True)
    row = StatsRow(keys=(20635, "gmail"), counts=COUNTS, latency={5: 3, 9: 1})
    columns = stats_columns(asked.by, rates=True, latency=True)
    cells = dict(zip(columns, stats_cells(asked, row, rates=True), strict=True))
    assert (cells["day"], cells["provider"]) == ("2026-07-01", "gmail")
    assert (cells["accepted"], cells["delivery_rate"], cells["open_rate"]) == ("5", "0.8", "0.0")
    assert (cells["latency_count"], cells["latency_p50_ms"], cells["latency_p99_ms"]) == (
        "4",
        "5",
        "9",
    )


def test_what_is_not_known_is_empty() -> None:
    asked = query("class", latency=True)
    row = StatsRow(keys=(None,), counts=COUNTS)
    cells = stats_cells(asked, row, rates=True)
    columns = stats_columns(asked.by, rates=True, latency=True)
    assert dict(zip(columns, cells, strict=True))["class"] == ""
    assert set(cells[len(COUNTERS) + 1 :]) == {""}
    assert stats_cells(query(), StatsRow(keys=(), counts=COUNTS), rates=False)[0] == "all"


def test_no_cell_is_a_formula_to_a_spreadsheet() -> None:
    """P7"""
    asked = query("campaign")
    row = StatsRow(keys=('=HYPERLINK("https://evil.example","x")',), counts=COUNTS)
    written = csv_octets([stats_cells(asked, row, rates=False)]).decode()
    (read,) = csv.reader(io.StringIO(written))
    assert read[0] == '\'=HYPERLINK("https://evil.example","x")'
    assert written.endswith("\r\n")
