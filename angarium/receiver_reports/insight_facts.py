"""Gathers what ``insights`` judges, out of the file. Blocks: in a thread."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from angarium.receiver_reports.asked import TableQuery
from angarium.receiver_reports.insights import (
    READY_DAYS,
    RECENT_DAYS,
    DomainFacts,
    Facts,
    Insight,
    LatestFigure,
    PollFacts,
    SourceFacts,
    TlsFacts,
    insights_of,
    named,
)
from angarium.receiver_reports.ownership import Sight
from angarium.receiver_reports.tables import ReportReader, day_text

# Ours: addresses that are looked at, those with most mail first; and figures
MAX_SOURCES: Final = 5000
MAX_FIGURES: Final = 20_000
_SOURCES: Final = """
SELECT r.domain, d.address, sum(d.count), sum(d.count * (d.dkim = 'aligned' OR d.spf = 'aligned')),
    sum(d.count * (d.dkim = 'aligned')), sum(d.count * (d.spf = 'aligned'))
FROM dmarc d JOIN report r ON r.id = d.report
WHERE d.day >= :first AND d.day < :end AND seen(r.domain)
GROUP BY r.domain, d.address ORDER BY 3 DESC LIMIT :limit
"""
_POLICIES: Final = """
SELECT r.domain, count(DISTINCT d.day), max(d.day), d.policy FROM dmarc d JOIN report r ON r.id = d.report
WHERE d.day >= :first AND d.day < :end AND seen(r.domain) GROUP BY r.domain
"""
_WHY: Final = """
SELECT d.dkim, d.dkim_detail, d.spf, d.spf_detail, sum(d.count) FROM dmarc d JOIN report r ON r.id = d.report
WHERE d.day >= :first AND d.day < :end AND seen(r.domain) AND r.domain = :domain AND d.address = :address
    AND d.dkim <> 'aligned' AND d.spf <> 'aligned'
GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC LIMIT 1
"""
_TLS: Final = """
SELECT (SELECT name FROM domain WHERE id = f.domain), f.mx, f.result, max(f.policy), sum(f.count),
    (SELECT sum(t.successful + t.failed) FROM tls t WHERE t.domain = f.domain AND t.day >= :first AND t.day < :end)
FROM tls_failure f
WHERE f.day >= :first AND f.day < :end AND f.domain IN (SELECT id FROM domain WHERE seen(name))
GROUP BY f.domain, f.mx, f.result ORDER BY 5 DESC LIMIT 200
"""
_FIGURES: Final = """
SELECT provider, subject, name, max(day), value, word FROM figure
WHERE day >= :first AND day < :end AND seen(subject) GROUP BY provider, subject, name LIMIT :limit
"""


def find_insights(
    reader: ReportReader, today: int, sight: Sight, own: Mapping[str, str]
) -> list[Insight]:
    """``today``: day since 1970. ``own``: our sources' names by their addresses. Raises ReportsAwayError."""
    return insights_of(gather(reader, today, sight, own))


def gather(reader: ReportReader, today: int, sight: Sight, own: Mapping[str, str]) -> Facts:
    seen = sight.narrowed("")
    recent = TableQuery(by="", first=today - RECENT_DAYS, end=today + 1, seen=seen)
    month = TableQuery(by="", first=today - READY_DAYS, end=today + 1, seen=seen)
    by_domain = {
        str(row[0]): (_int(row[1]), str(row[3])) for row in reader.ask(_POLICIES, {}, month)
    }
    near, far = _sources(reader, recent, own), _sources(reader, month, own)
    polls = reader.polls() if sight.everything else []
    return Facts(
        domains=tuple(
            DomainFacts(
                domain=domain,
                policy=policy,
                days=days,
                recent=tuple(near.get(domain, ())),
                month=tuple(far.get(domain, ())),
            )
            for domain, (days, policy) in sorted(by_domain.items())
        ),
        tls=tuple(_tls(row) for row in reader.ask(_TLS, {}, recent)),
        figures=named(
            own, [_figure(row) for row in reader.ask(_FIGURES, {"limit": MAX_FIGURES}, recent)]
        ),
        polls=tuple(
            PollFacts(provider=each.provider, failures=each.failures, problem=each.problem)
            for each in polls
        ),
    )


def _sources(
    reader: ReportReader, query: TableQuery, own: Mapping[str, str]
) -> dict[str, list[SourceFacts]]:
    found: dict[str, list[SourceFacts]] = {}
    for row in reader.ask(_SOURCES, {"limit": MAX_SOURCES}, query):
        domain, address = str(row[0]), str(row[1])
        messages, aligned, dkim, spf = (_int(each) for each in row[2:])
        facts = SourceFacts(
            domain=domain,
            address=address,
            source=own.get(address, ""),
            messages=messages,
            aligned=aligned,
            dkim_aligned=dkim,
            spf_aligned=spf,
        )
        if facts.source and facts.unaligned:
            facts = _with_why(reader, query, facts)
        found.setdefault(domain, []).append(facts)
    return found


def _with_why(reader: ReportReader, query: TableQuery, facts: SourceFacts) -> SourceFacts:
    rows = reader.ask(_WHY, {"domain": facts.domain, "address": facts.address}, query)
    if not rows:
        return facts
    dkim, dkim_detail, spf, spf_detail = (str(each) for each in rows[0][:4])
    return msgspec.structs.replace(
        facts, dkim=dkim, dkim_detail=dkim_detail, spf=spf, spf_detail=spf_detail
    )


def _tls(row: tuple[Any, ...]) -> TlsFacts:
    return TlsFacts(
        domain=row[0],
        mx=row[1],
        result=row[2],
        policy=row[3],
        failed=_int(row[4]),
        sessions=max(_int(row[5]), _int(row[4])),
    )


def _figure(row: tuple[Any, ...]) -> LatestFigure:
    return LatestFigure(
        provider=row[0],
        subject=row[1],
        name=row[2],
        day=day_text(row[3]),
        value=row[4],
        word=row[5],
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
