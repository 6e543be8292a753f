"""A summary as a letter: subject, text, HTML. Pure."""

import html
from collections.abc import Iterator, Sequence
from typing import Final

from angarium.analytics.insights.words import percent
from angarium.analytics.summary.figures import Line, Summary

_TITLES: Final = (
    ("accepted", "accepted"),
    ("sent", "to smart hosts"),
    ("delivered", "delivered"),
    ("deferred", "put off at first"),
    ("bounced", "bounced"),
    ("complained", "complaints"),
    ("opened_recipients", "opened by persons"),
    ("clicked_recipients", "clicked by persons"),
    ("unsubscribed", "left"),
    ("suppressed", "suppressed"),
    ("expired", "expired"),
    ("cancelled", "cancelled"),
)
_COLUMNS: Final = ("", "delivered", "bounced", "complaints", "opened", "clicked", "p50", "p95")
_NOTHING: Final = "There was no mail on this day."
_SECOND_MS: Final = 1000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_CELL: Final = ' style="padding:2px 12px 2px 0;text-align:{};vertical-align:top"'


def subject(summary: Summary) -> str:
    """The day, whose mail, and whether something is wrong, in a line."""
    bad = sum(each.is_bad for each in summary.insights)
    news = f": {bad} thing{'s' if bad > 1 else ''} to look at" if bad else ""
    of = f" of {summary.of}" if summary.of else ""
    return f"Mail{of} on {summary.day}{news}"


def text(summary: Summary) -> str:
    lines = [subject(summary), ""]
    for each in summary.insights:
        lines += [f"{'! ' if each.is_bad else '+ '}{each.what}."]
        lines += [f"  {each.why}."] if each.why else []
        lines += [f"  ({each.test})", ""]
    width = max(len(title) for _, title in _TITLES)
    if summary.is_empty:
        lines.append(_NOTHING)
    for name, number, usual in _totals(summary):
        lines.append(f"{name:<{width}} {number:>12}  {usual}".rstrip())
    for title, rows in _tables(summary):
        lines += ["", title]
        lines += _text_table([_COLUMNS, *[_cells(each) for each in rows]])
    lines += [
        "",
        "All times are UTC. What each number is: docs/stats.md; the tests: docs/insights.md.",
    ]
    return "\n".join(lines) + "\n"


def as_html(summary: Summary) -> str:
    parts = [f'<h1 style="font-size:20px">{html.escape(subject(summary))}</h1>']
    for each in summary.insights:
        color = "#a4262c" if each.is_bad else "#107c10"
        why = f"<br>{html.escape(each.why)}." if each.why else ""
        parts.append(
            f'<p style="border-left:4px solid {color};padding-left:10px"><strong>{html.escape(each.what)}.</strong>'
            f'{why}<br><span style="color:#595959;font-size:12px">{html.escape(each.test)}</span></p>'
        )
    if summary.is_empty:
        parts.append(f"<p>{_NOTHING}</p>")
    totals = [("", "recipients", "usually"), *_totals(summary)]
    parts.append(_html_table("The day", totals))
    for title, rows in _tables(summary):
        parts.append(_html_table(title, [_COLUMNS, *[_cells(each) for each in rows]]))
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(subject(summary))}</title></head>\n"
        f'<body style="font-family:sans-serif;color:#1a1a1a">\n{body}\n'
        '<p style="color:#595959">All times are UTC.</p>\n'
        "</body></html>\n"
    )


def duration(ms: int | None) -> str:
    """Return 12 ms, 3.4 s, 5 min, 2.1 h."""
    if ms is None:
        return ""
    if ms < _SECOND_MS:
        return f"{ms} ms"
    if ms < _MINUTE_MS:
        return f"{ms / _SECOND_MS:.1f} s"
    if ms < _HOUR_MS:
        return f"{ms / _MINUTE_MS:.0f} min"
    return f"{ms / _HOUR_MS:.1f} h"


def _totals(summary: Summary) -> Iterator[tuple[str, str, str]]:
    for name, title in _TITLES:
        number = summary.total.counts[name]
        usual = summary.usual.get(name, 0.0)
        if number or usual:
            yield title, f"{number:,}", f"usually {usual:,.0f}" if summary.usual else ""


def _tables(summary: Summary) -> Iterator[tuple[str, Sequence[Line]]]:
    for title, rows in (
        ("Providers", summary.providers),
        ("Streams", summary.streams),
        ("Campaigns", summary.campaigns),
    ):
        if rows:
            yield title, rows


def _cells(line: Line) -> tuple[str, ...]:
    rates = line.rates
    delivered = line.counts["delivered"] + line.counts["sent"] - line.counts["delivered_told"]
    shares = (rates.bounce, rates.complaint, rates.open, rates.click)
    return (
        line.key,
        f"{delivered:,}",
        *["" if each is None else percent(each) for each in shares],
        duration(line.p50_ms),
        duration(line.p95_ms),
    )


def _text_table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *others = row
        cells = [f"{each:>{width}}" for each, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([f"{first:<{widths[0]}}", *cells]).rstrip()


def _html_table(title: str, rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(_html_cell("th", each, column) for column, each in enumerate(rows[0]))
    body = "\n".join(
        "<tr>"
        + "".join(_html_cell("td", each, column) for column, each in enumerate(row))
        + "</tr>"
        for row in rows[1:]
    )
    return (
        f'<h2 style="font-size:16px">{html.escape(title)}</h2>\n<table style="border-collapse:collapse">'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>"
    )


def _html_cell(tag: str, value: str, column: int) -> str:
    style = _CELL.format("right" if column else "left")
    return f"<{tag}{style}>{html.escape(value)}</{tag}>"
