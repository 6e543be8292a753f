"""What the reports are asked, and what they answer. Plain values."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from angarium.receiver_reports.ownership import EVERYTHING, Narrowed

DmarcBy = Literal["source", "day", "domain", "organization", "result", "policy", "reason"]
TlsBy = Literal["day", "domain", "organization", "policy", "host", "result"]
CameBackBy = Literal["provider", "day", "class", "source", "domain", "kind"]
# Ours, of one question
MAX_DAYS: Final = 400
MAX_ROWS: Final = 1000
DMARC_COUNTS: Final = (
    *("messages", "aligned", "dkim_aligned", "spf_aligned"),
    *("quarantined", "rejected", "overridden", "reports"),
)
TLS_COUNTS: Final = ("successful", "failed", "reports")
CAME_BACK_COUNTS: Final = ("complaints", "bounces", "others")


class TableQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Days are counted from 1970, UTC."""

    by: str  # of the table's words
    first: int  # day
    end: int  # day behind the last one
    seen: Narrowed = EVERYTHING.narrowed("")
    tenant: str | None = None  # of what came back; None: of all
    limit: int = MAX_ROWS


class TableRow(msgspec.Struct, frozen=True, kw_only=True):
    key: str  # a day as 2026-07-01
    counts: Mapping[str, int]  # all of the table's


class TablePage(msgspec.Struct, frozen=True, kw_only=True):
    """By day in their order; else those with most first."""

    rows: tuple[TableRow, ...]
    total: Mapping[str, int]  # of all, those that are left out too
    left_out: int  # rows beyond the limit


class ReportsQuery(msgspec.Struct, frozen=True, kw_only=True):
    first: int  # day
    end: int
    kind: str = ""  # dmarc | tls; "": both
    seen: Narrowed = EVERYTHING.narrowed("")
    before: int | None = None  # only reports of smaller numbers; None: from the newest on
    limit: int = 100


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    """A report in a list."""

    id: int
    kind: str
    organization: str
    report_id: str
    begin: int  # Unix seconds
    end: int
    received: int  # Unix milliseconds
    domain: str
    via: str
    name: str
    rows: int
    messages: int  # of TLS: sessions


class RefusalLine(msgspec.Struct, frozen=True, kw_only=True):
    at: int  # Unix milliseconds
    via: str
    name: str
    why: str


class FigureRow(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    subject: str
    day: str  # 2026-07-01
    name: str
    value: float | None
    word: str


class PollState(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    tried: int  # Unix milliseconds
    succeeded: int | None
    problem: str  # of the last try; ""
    failures: int  # in a row
