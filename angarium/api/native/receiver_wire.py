"""What programs ask of receivers' reports, and are told, in our own dialect. Plain values.

The comments here are the fields' documentation, which the API's reference is made of.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from angarium.api.native.wire import Asked, PageAsked, Time, Wire
from angarium.receiver_reports.asked import MAX_ROWS as MOST
from angarium.receiver_reports.asked import CameBackBy, DmarcBy, TlsBy

_Day = Annotated[str, Meta(max_length=40)]
_Name = Annotated[str, Meta(max_length=255)]
_Rows = Annotated[int, Meta(ge=1, le=MOST)]


class DaysAsked(Asked, frozen=True, kw_only=True):
    """Of which days."""

    # the first day: 2026-07-01; omitted: thirty days, to the last one
    first: _Day = msgspec.field(name="from", default="")
    to: _Day = ""  # the last day; omitted: today
    # omitted: what the caller's tenant may see; * for who has the scope tenants:read: everything
    tenant: str = ""


class DmarcAsked(DaysAsked, frozen=True, kw_only=True):
    by: DmarcBy = "source"
    domain: _Name = ""  # only mail from this domain and those below it
    limit: _Rows = MOST  # rows at most; those with most mail come first


class TlsAsked(DaysAsked, frozen=True, kw_only=True):
    by: TlsBy = "host"
    domain: _Name = ""  # only sessions for this domain and those below it
    limit: _Rows = MOST


class CameBackAsked(DaysAsked, frozen=True, kw_only=True):
    by: CameBackBy = "class"
    limit: _Rows = MOST


class FiguresAsked(DaysAsked, frozen=True, kw_only=True):
    provider: Literal["google", "microsoft", ""] = ""  # omitted: both
    domain: _Name = ""
    limit: _Rows = MOST


class InsightsAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # as in the tables


class ReportsAsked(PageAsked, frozen=True, kw_only=True):
    """Which reports: of days, a kind, a domain."""

    first: _Day = msgspec.field(name="from", default="")  # the first day; omitted: thirty days
    to: _Day = ""  # the last day; omitted: today
    kind: Literal["dmarc", "tls", ""] = ""  # omitted: both
    domain: _Name = ""  # only about this domain and those below it
    tenant: str = ""  # as in the tables


class ReportAsked(Asked, frozen=True, kw_only=True):
    limit: _Rows = MOST  # rows at most; those with most mail come first
    tenant: str = ""  # as in the tables


class BringAsked(Asked, frozen=True, kw_only=True):
    """What the body is."""

    # reports: XML, JSON, either in gzip or zip, or a mail with such; the others are CSV, for who has the scope
    # tenants:write
    kind: Literal["reports", "snds", "snds-status", "postmaster-tools"] = "reports"
    domain: _Name = ""  # whose figures of postmaster-tools they are
    filename: _Name = ""
    tenant: str = ""  # omitted: it must be about domains of the caller's own; * for who has the scope tenants:write


class DmarcRowShown(Wire, frozen=True, kw_only=True):
    """Of mails, as receivers counted them."""

    # what the row is of: an address, a day, a domain, an organization, a result, a policy, a reason
    key: str
    messages: int
    aligned: int  # by DKIM or SPF: DMARC passed
    dkim_aligned: int
    spf_aligned: int
    quarantined: int
    rejected: int
    overridden: int  # the receiver had a reason of its own not to follow the policy
    reports: int  # that tell of it
    source: str | None = None  # by source: the [[source]] whose address it is; null: none of ours
    # by source: own, permitted (another's that passes SPF), signed (another's with our signature), stranger
    standing: str | None = None


class DmarcTotal(Wire, frozen=True, kw_only=True):
    """Of all rows, those that are left out too."""

    messages: int
    aligned: int
    dkim_aligned: int
    spf_aligned: int
    quarantined: int
    rejected: int
    overridden: int
    reports: int


class DmarcAnswer(Wire, frozen=True, kw_only=True):
    by: DmarcBy
    first: str = msgspec.field(name="from")  # the first day
    to: str  # the last day
    rows: Sequence[DmarcRowShown]
    total: DmarcTotal
    left_out: int  # rows beyond the limit


class TlsRowShown(Wire, frozen=True, kw_only=True):
    """Of sessions, as senders counted them."""

    key: str  # a day, a domain, an organization, a policy's type, a host, a result
    successful: int  # by host and by result 0: only what failed is told of each
    failed: int
    reports: int


class TlsTotal(Wire, frozen=True, kw_only=True):
    """Of all rows, those that are left out too."""

    successful: int
    failed: int
    reports: int


class TlsAnswer(Wire, frozen=True, kw_only=True):
    by: TlsBy
    first: str = msgspec.field(name="from")
    to: str
    rows: Sequence[TlsRowShown]
    total: TlsTotal
    left_out: int


class CameBackRowShown(Wire, frozen=True, kw_only=True):
    """Of single reports that named a recipient of ours by a signed reference."""

    key: str  # empty: it was not known any more
    complaints: int
    bounces: int  # that came back after delivery
    others: int  # feedback reports that are no complaints: not-spam, auth-failure


class CameBackTotal(Wire, frozen=True, kw_only=True):
    """Of all rows, those that are left out too."""

    complaints: int
    bounces: int
    others: int


class CameBackAnswer(Wire, frozen=True, kw_only=True):
    by: CameBackBy
    first: str = msgspec.field(name="from")
    to: str
    rows: Sequence[CameBackRowShown]
    total: CameBackTotal
    left_out: int


class FigureShown(Wire, frozen=True, kw_only=True):
    provider: str
    subject: str  # a domain; for who runs the server an address too
    day: str
    name: str  # spam_rate, compliance_dkim, filter_result, ...
    value: float | None  # a share is 0 to 1; null: it is a word
    word: str


class FiguresAnswer(Wire, frozen=True, kw_only=True):
    first: str = msgspec.field(name="from")
    to: str
    figures: Sequence[FigureShown]  # the newest first


class InsightShown(Wire, frozen=True, kw_only=True):
    """What follows from the last days' reports, by a stated rule."""

    kind: str  # own_source_unaligned, strangers_send, ready_for_quarantine, tls_failing, ...
    verdict: str  # fail, warn, ok
    subject: str  # a domain, a host, an address, a provider
    text: str
    remedy: str
    figures: Mapping[str, float | int | str]  # what the text has, as values


class InsightsAnswer(Wire, frozen=True, kw_only=True):
    insights: Sequence[InsightShown]  # worst first


class ReportShown(Wire, frozen=True, kw_only=True):
    id: int
    kind: str  # dmarc, tls
    organization: str  # who reports
    report_id: str
    begin: Time
    end: Time
    received: Time
    domain: str  # whose policy it is about; empty: of several
    via: str  # mail, upload, import
    name: str  # of the file; empty
    rows: int
    messages: int  # of tls: sessions


class ReportsAnswer(Wire, frozen=True, kw_only=True):
    reports: Sequence[ReportShown]  # the newest first
    cursor: str | None  # of the next page; null: there is none


class ReportAnswer(ReportShown, frozen=True, kw_only=True):
    """One report whole."""

    head: Mapping[str, Any]  # what it says besides: the policy as published, who made it, errors
    # of dmarc: address, count, disposition, header_from, envelope_from, envelope_to, dkim, dkim_detail, spf,
    # spf_detail, override; of tls: domain, policy, successful, failed, hosts, strings, failures
    details: Sequence[Mapping[str, Any]]


class BroughtShown(Wire, frozen=True, kw_only=True):
    """What became of one thing in what was sent."""

    name: str  # of the file, and of the one in it
    status: str  # new, again (it was there, and counts once), refused
    why: str  # it was refused
    kind: str
    id: int | None  # of the report
    organization: str
    domain: str
    rows: int


class BroughtAnswer(Wire, frozen=True, kw_only=True):
    success: bool
    results: Sequence[BroughtShown]
