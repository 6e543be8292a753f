"""Adds reports up, as they are asked for. Blocks: in a thread."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from angarium.receiver_reports.asked import (
    CAME_BACK_COUNTS,
    DMARC_COUNTS,
    TLS_COUNTS,
    FigureRow,
    PollState,
    RefusalLine,
    ReportLine,
    ReportsQuery,
    TablePage,
    TableQuery,
    TableRow,
)
from angarium.receiver_reports.report_file import ReportView
from angarium.receiver_reports.writing import DAY_S, DmarcHead

_IN_TIME: Final = "{0}.day >= :first AND {0}.day < :end AND {0}.domain IN (SELECT id FROM domain WHERE seen(name))"
_DMARC_SUMS: Final = """
sum(d.count), sum(d.count * (d.dkim = 'aligned' OR d.spf = 'aligned')), sum(d.count * (d.dkim = 'aligned')),
sum(d.count * (d.spf = 'aligned')), sum(d.count * (d.disposition = 'quarantine')),
sum(d.count * (d.disposition = 'reject')), sum(d.count * (d.override <> '')), count(DISTINCT d.report)
"""
_DMARC_UNDER: Final = {
    "source": "d.address",
    "day": "d.day",
    "domain": "(SELECT name FROM domain WHERE id = d.domain)",
    "organization": "(SELECT organization FROM report WHERE id = d.report)",
    "result": """CASE WHEN d.dkim = 'aligned' AND d.spf = 'aligned' THEN 'dkim and spf'
        WHEN d.dkim = 'aligned' THEN 'dkim' WHEN d.spf = 'aligned' THEN 'spf' ELSE 'none' END
        || ' aligned, ' || CASE d.disposition WHEN 'none' THEN 'delivered' WHEN 'reject' THEN 'rejected'
        ELSE 'quarantined' END""",
    "policy": "d.policy",
    "reason": """'dkim ' || d.dkim || CASE d.dkim_detail WHEN '' THEN '' ELSE ' (' || d.dkim_detail || ')' END
        || '; spf ' || d.spf || CASE d.spf_detail WHEN '' THEN '' ELSE ' (' || d.spf_detail || ')' END
        || CASE d.override WHEN '' THEN '' ELSE '; ' || d.override END""",
}
_TLS_UNDER: Final = {
    "day": "t.day",
    "domain": "(SELECT name FROM domain WHERE id = t.domain)",
    "organization": "(SELECT organization FROM report WHERE id = t.report)",
    "policy": "t.policy",
}
# Only what failed is told of each host and result
_TLS_FAILED_UNDER: Final = {"host": "t.mx", "result": "t.result"}
_CAME_BACK_UNDER: Final = {
    "provider": "provider",
    "day": "day",
    "class": "kind || ': ' || class",
    "source": "source",
    "domain": "domain",
    "kind": "kind",
}
_REPORT: Final = (
    "id, kind, organization, report_id, begins, ends, received, domain, via, name, rows, messages"
)


class ReportReader:
    """All methods raise ReportsAwayError."""

    def __init__(self, view: ReportView) -> None:
        self._view = view

    def close(self) -> None:
        self._view.close()

    def dmarc(self, query: TableQuery) -> TablePage:
        where = _IN_TIME.format("d")
        text = f"SELECT {{}} AS under, {_DMARC_SUMS} FROM dmarc d WHERE {where}"  # noqa: S608
        return self._table(query, text, _DMARC_UNDER[query.by], DMARC_COUNTS)

    def tls(self, query: TableQuery) -> TablePage:
        where = _IN_TIME.format("t")
        if query.by in _TLS_FAILED_UNDER:
            sums = "0, sum(t.count), count(DISTINCT t.report) FROM tls_failure t"
            under = _TLS_FAILED_UNDER[query.by]
        else:
            sums = "sum(t.successful), sum(t.failed), count(DISTINCT t.report) FROM tls t"
            under = _TLS_UNDER[query.by]
        return self._table(query, f"SELECT {{}} AS under, {sums} WHERE {where}", under, TLS_COUNTS)

    def came_back(self, query: TableQuery) -> TablePage:
        sums = ", ".join(
            f"sum(count * (kind = '{each}'))" for each in ("complaint", "bounce", "other")
        )
        whose = "" if query.tenant is None else " AND tenant = :tenant"
        text = (
            f"SELECT {{}} AS under, {sums} FROM came_back WHERE day >= :first AND day < :end"  # noqa: S608
            f"{whose}"
        )
        return self._table(query, text, _CAME_BACK_UNDER[query.by], CAME_BACK_COUNTS)

    def _table(self, query: TableQuery, text: str, under: str, names: Sequence[str]) -> TablePage:
        values: dict[str, object] = {"first": query.first, "end": query.end}
        if query.tenant is not None:
            values["tenant"] = query.tenant
        seen = query.seen.sees
        order = "under" if query.by == "day" else _most_first(len(names))
        found = self._view.ask(
            f"{text.format(under)} GROUP BY under ORDER BY {order} LIMIT :limit",
            {**values, "limit": query.limit + 1},
            seen,
        )
        rows = tuple(
            TableRow(
                key=day_text(row[0]) if query.by == "day" else str(row[0]),
                counts=dict(zip(names, _numbers(row[1:]), strict=True)),
            )
            for row in found[: query.limit]
        )
        if len(found) > query.limit:
            counted = text.replace("{} AS under", f"count(DISTINCT {under})")
            ((count, *sums),) = self._view.ask(counted, values, seen)
            total = dict(zip(names, _numbers(sums), strict=True))
            return TablePage(rows=rows, total=total, left_out=_number(count) - len(rows))
        total = {name: sum(each.counts[name] for each in rows) for name in names}
        if "reports" in total:  # one may be of several rows
            start = text.index(" FROM ")
            distinct = f"SELECT count(DISTINCT report){text[start:]}"
            total["reports"] = _number(self._view.ask(distinct, values, seen)[0][0])
        return TablePage(rows=rows, total=total, left_out=0)

    # --- reports ---

    def reports(self, query: ReportsQuery) -> list[ReportLine]:
        """Return the newest first."""
        values: dict[str, object] = {
            "first": query.first * DAY_S,
            "end": query.end * DAY_S,
            "kind": query.kind,
            "limit": query.limit,
            "before": 2**62 if query.before is None else query.before,
        }
        rows = self._view.ask(
            f"SELECT {_REPORT} FROM report WHERE ends >= :first AND begins < :end AND id < :before"  # noqa: S608
            " AND (:kind = '' OR kind = :kind) AND seen(domain) ORDER BY id DESC LIMIT :limit",
            values,
            query.seen.sees,
        )
        return [_line(row) for row in rows]

    def find(self, number: int) -> ReportLine | None:
        rows = self._view.ask(
            f"SELECT {_REPORT} FROM report WHERE id = :id",  # noqa: S608
            {"id": number},
        )
        return _line(rows[0]) if rows else None

    def head(self, number: int) -> dict[str, Any]:
        """Return what of a report is in no table, by name; what it does not say is left out."""
        rows = self._view.ask("SELECT head FROM report WHERE id = :id", {"id": number})
        raw = rows[0][0] if rows else b"{}"
        assert isinstance(raw, bytes)  # as the table has it
        found: dict[str, Any] = msgspec.json.decode(raw)
        return {name: value for name, value in found.items() if value}

    def rows_of(self, number: int, limit: int) -> list[dict[str, object]]:
        """Return a DMARC report's rows, those with most mail first."""
        names = (
            *("address", "count", "disposition", "header_from", "envelope_from", "envelope_to"),
            *("dkim", "dkim_detail", "spf", "spf_detail", "override"),
        )
        rows = self._view.ask(
            "SELECT address, count, disposition, (SELECT name FROM domain WHERE id = domain), envelope_from,"
            " envelope_to, dkim, dkim_detail, spf, spf_detail, override FROM dmarc WHERE report = :id"
            " ORDER BY count DESC, rowid LIMIT :limit",
            {"id": number, "limit": limit},
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def policies_of(self, number: int, limit: int) -> list[dict[str, object]]:
        """Return a TLS report's policies, each with what failed."""
        names = ("domain", "policy", "successful", "failed", "hosts", "strings")
        policies = self._view.ask(
            "SELECT (SELECT name FROM domain WHERE id = domain), policy, successful, failed, hosts, strings FROM tls"
            " WHERE report = :id ORDER BY rowid LIMIT :limit",
            {"id": number, "limit": limit},
        )
        failed = (
            "domain",
            "policy",
            "result",
            "count",
            "mx",
            "sending",
            "receiving",
            "reason",
            "more",
        )
        failures = self._view.ask(
            "SELECT (SELECT name FROM domain WHERE id = domain), policy, result, count, mx, sending, receiving,"
            " reason, more FROM tls_failure WHERE report = :id ORDER BY count DESC, rowid LIMIT :limit",
            {"id": number, "limit": limit},
        )
        found = [dict(zip(failed, row, strict=True)) for row in failures]
        return [
            {
                **dict(zip(names, row, strict=True)),
                "failures": [
                    {name: it[name] for name in failed[2:]}
                    for it in found
                    if (it["domain"], it["policy"]) == row[:2]
                ],
            }
            for row in policies
        ]

    def refusals(self, limit: int) -> list[RefusalLine]:
        rows = self._view.ask(
            "SELECT at, via, name, why FROM refusal ORDER BY id DESC LIMIT :limit", {"limit": limit}
        )
        return [
            RefusalLine(at=_number(at), via=str(via), name=str(name), why=str(why))
            for at, via, name, why in rows
        ]

    # --- what providers say themselves ---

    def figures(self, query: TableQuery, provider: str = "") -> list[FigureRow]:
        """``query.by``: no matter. Those of addresses see only who sees everything."""
        rows = self._view.ask(
            "SELECT provider, subject, day, name, value, word FROM figure WHERE day >= :first AND day < :end"
            " AND (:provider = '' OR provider = :provider) AND seen(subject)"
            " ORDER BY day DESC, provider, subject, name LIMIT :limit",
            {
                "first": query.first,
                "end": query.end,
                "provider": provider,
                "limit": query.limit,
            },
            query.seen.sees,
        )
        return [
            FigureRow(
                provider=str(row[0]),
                subject=str(row[1]),
                day=day_text(row[2]),
                name=str(row[3]),
                value=row[4] if isinstance(row[4], float) else None,
                word=str(row[5]),
            )
            for row in rows
        ]

    def polls(self) -> list[PollState]:
        rows = self._view.ask("SELECT provider, tried, succeeded, problem, failures FROM poll", {})
        return [
            PollState(
                provider=str(row[0]),
                tried=_number(row[1]),
                succeeded=None if row[2] is None else _number(row[2]),
                problem=str(row[3]),
                failures=_number(row[4]),
            )
            for row in rows
        ]

    def ask(
        self, text: str, values: dict[str, object], query: TableQuery
    ) -> list[tuple[object, ...]]:
        """For ``insight_facts``."""
        times: dict[str, object] = {"first": query.first, "end": query.end}
        return self._view.ask(text, times | values, query.seen.sees)


def day_text(day: object) -> str:
    return datetime.fromtimestamp(_number(day) * DAY_S, UTC).date().isoformat()


def dmarc_head(raw: bytes) -> DmarcHead:
    return msgspec.json.decode(raw, type=DmarcHead)


def _most_first(counts: int) -> str:
    """By all counts but the last, which is of reports; then by name."""
    return " DESC, ".join(str(each + 2) for each in range(counts - 1)) + " DESC, under"


def _line(row: tuple[object, ...]) -> ReportLine:
    return msgspec.convert(
        dict(zip(ReportLine.__struct_fields__, row, strict=True)), type=ReportLine
    )


def _numbers(several: Sequence[object]) -> list[int]:
    return [_number(each) for each in several]


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
