"""Google's Postmaster Tools API v2: what is asked of it, and its answers as figures. Pure.

Reputations are gone with v1. A day without enough mail has no figures.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.model import MAX_NAME, cut, domain_name

T = TypeVar("T")
URL: Final = "https://gmailpostmastertools.googleapis.com"
SCOPES: Final = (
    "https://www.googleapis.com/auth/postmaster.traffic.readonly",
    # To list the account's domains
    "https://www.googleapis.com/auth/postmaster.domain",
)
PAGE: Final = 200  # Google's most
# Ours
MAX_DOMAINS: Final = 500
MAX_PAGES: Final = 50
MAX_LOOPS: Final = 20  # feedback loop ids of a domain, of a query
DAYS: Final = 7  # asked for each time: Google's figures come late, and change for some days
_EPOCH: Final = date(1970, 1, 1)
_RATE: Final = "DELIVERY_ERROR_RATE"
_ERRORS: Final[Mapping[str, Sequence[str]]] = {
    "reject": (
        *("bad_attachment", "bad_or_missing_ptr_record", "ip_in_rbls", "low_domain_reputation"),
        *("low_ip_reputation", "spammy_content", "stamp_policy_error", "other"),
    ),
    "temp_fail": ("anomalous_traffic_pattern", "other"),
}
# By our name for it: Google's, and its filter
METRICS: Final[Mapping[str, tuple[str, str]]] = {
    "spam_rate": ("SPAM_RATE", ""),
    **{
        f"{each}_success_rate": ("AUTH_SUCCESS_RATE", f'auth_type = "{each}"')
        for each in ("spf", "dkim", "dmarc")
    },
    "tls_inbound_rate": ("TLS_ENCRYPTION_RATE", 'traffic_direction = "inbound"'),
    "tls_outbound_rate": ("TLS_ENCRYPTION_RATE", 'traffic_direction = "outbound"'),
    "delivery_errors": ("DELIVERY_ERROR_COUNT", ""),
    "delivery_error_rate": (_RATE, ""),
    **{
        f"delivery_error_rate_{kind}_{reason}": (
            _RATE,
            f'error_type = "{kind}" AND error_reason = "{reason}"',
        )
        for kind, reasons in _ERRORS.items()
        for reason in reasons
    },
    "feedback_loops": ("FEEDBACK_LOOP_ID", ""),
}
_LOOP: Final = "feedback_loop_spam_rate "  # and the id
_COMPLIANCE: Final = "compliance_"


class AnswerError(ValueError):
    """The answer is not what is documented; says how."""


class _List(msgspec.Struct, frozen=True, kw_only=True):
    values: list[str] = []


class _Value(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    double_value: float | None = None
    float_value: float | None = None
    int_value: str | int | None = None
    string_value: str | None = None
    string_list: _List | list[str] | None = None


class _Date(msgspec.Struct, frozen=True, kw_only=True):
    year: int = 0
    month: int = 0
    day: int = 0


class _Stat(msgspec.Struct, frozen=True, kw_only=True):
    metric: str = ""
    date: _Date | None = None
    value: _Value | None = None


class _Stats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    domain_stats: list[_Stat] = []
    next_page_token: str = ""


class _Domain(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: str = ""
    permission: str = ""
    verification_state: str = ""


class _Domains(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    domains: list[_Domain] = []
    next_page_token: str = ""


class _State(msgspec.Struct, frozen=True, kw_only=True):
    status: str = ""


class _Verdict(msgspec.Struct, frozen=True, kw_only=True):
    status: _State = _State()
    reason: str = ""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    requirement: str = ""
    status: _State = _State()


class _Compliance(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    domain_id: str = ""
    row_data: list[_Row] = []
    one_click_unsubscribe_verdict: _Verdict | None = None
    honor_unsubscribe_verdict: _Verdict | None = None


class _Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    compliance_data: _Compliance | None = None
    subdomain_compliance_data: _Compliance | None = None


class StatsPage(msgspec.Struct, frozen=True, kw_only=True):
    figures: tuple[Figure, ...]
    loops: frozenset[str]  # ids of feedback loops that there were
    next_page: str  # "": there is none


def domains_path(page: str) -> str:
    return f"/v2/domains?pageSize={PAGE}" + (f"&pageToken={page}" if page else "")


def stats_path(domain: str) -> str:
    return f"/v2/domains/{domain}/domainStats:query"


def compliance_path(domain: str) -> str:
    return f"/v2/domains/{domain}/complianceStatus"


def stats_body(
    today: date, page: str, loops: Sequence[str] | None = None, days: int = DAYS
) -> bytes:
    """Ask for the days before ``today``. ``loops``: for the spam rate of these feedback loops; None: all else."""
    metrics = dict(METRICS)
    if loops is not None:
        # An id is of our own making: one with a quote in it is nobody's
        safe = [each for each in loops if '"' not in each and "\\" not in each][:MAX_LOOPS]
        metrics = {
            f"{_LOOP}{each}": ("FEEDBACK_LOOP_SPAM_RATE", f'feedback_loop_id = "{each}"')
            for each in safe
        }
    asked: dict[str, Any] = {
        "metricDefinitions": [
            {"name": name, "baseMetric": {"standardMetric": metric}}
            | ({"filter": filter_text} if filter_text else {})
            for name, (metric, filter_text) in metrics.items()
        ],
        "timeQuery": {
            "dateRanges": {
                "dateRanges": [
                    {
                        "start": _date(today - timedelta(days=days)),
                        "end": _date(today - timedelta(days=1)),
                    }
                ]
            }
        },
        "aggregationGranularity": "DAILY",
        "pageSize": PAGE,
    }
    if page:
        asked["pageToken"] = page
    return msgspec.json.encode(asked)


def read_domains(octets: bytes) -> tuple[list[str], str]:
    """Return the domains whose figures the account may read, and the next page's token. Raises AnswerError."""
    answer = _decoded(octets, _Domains)
    names = [
        domain_name(each.name.removeprefix("domains/"))
        for each in answer.domains
        if each.permission != "NONE" and each.verification_state != "UNVERIFIED"
    ]
    return [each for each in names if each], answer.next_page_token


def read_stats(octets: bytes, domain: str) -> StatsPage:
    """Raises AnswerError."""
    answer = _decoded(octets, _Stats)
    loops: set[str] = set()
    figures: list[Figure] = []
    for each in answer.domain_stats:
        if each.metric == "feedback_loops":
            loops.update(_strings(each.value))
        elif (figure := _figure(each, domain)) is not None:
            figures.append(figure)
    return StatsPage(
        figures=tuple(figures), loops=frozenset(loops), next_page=answer.next_page_token
    )


def read_compliance(octets: bytes, domain: str, today: date) -> list[Figure]:
    """Return what is required of the domain and whether it is met, as words. Raises AnswerError."""
    answer = _decoded(octets, _Status)
    data = answer.subdomain_compliance_data or answer.compliance_data
    if data is None:
        return []
    return [
        Figure(
            provider="google",
            subject=domain,
            day=(today - _EPOCH).days,
            name=f"{_COMPLIANCE}{name}",
            word=word,
        )
        for name, word in _requirements(data)
    ]


def _requirements(data: _Compliance) -> Iterator[tuple[str, str]]:
    for row in data.row_data:
        if row.requirement and row.status.status:
            yield cut(row.requirement, 60).lower(), cut(row.status.status, 60).lower()
    for name, verdict in (
        ("one_click_unsubscribe", data.one_click_unsubscribe_verdict),
        ("honor_unsubscribe", data.honor_unsubscribe_verdict),
    ):
        if verdict is not None and verdict.status.status:
            reason = f": {verdict.reason}" if verdict.reason else ""
            yield name, cut(f"{verdict.status.status}{reason}", 120).lower()


def _figure(stat: _Stat, domain: str) -> Figure | None:
    """None: it is of no day, or has no number."""
    known = stat.metric in METRICS or stat.metric.startswith(_LOOP)
    if not known or stat.date is None or stat.value is None:
        return None
    try:
        day = (date(stat.date.year, stat.date.month, stat.date.day) - _EPOCH).days
    except ValueError:
        return None
    value = _number(stat.value)
    if value is None:
        return None
    return Figure(
        provider="google", subject=domain, day=day, name=cut(stat.metric, MAX_NAME), value=value
    )


def _number(value: _Value) -> float | None:
    for each in (value.double_value, value.float_value):
        if each is not None:
            return each
    try:
        return None if value.int_value is None else float(value.int_value)
    except ValueError:
        return None


def _strings(value: _Value | None) -> Sequence[str]:
    found = None if value is None else value.string_list
    if isinstance(found, _List):
        return found.values
    return found or ()


def _decoded(octets: bytes, kind: type[T]) -> T:
    """Raises AnswerError."""
    try:
        return msgspec.json.decode(octets or b"{}", type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise AnswerError(f"Google's answer is not as documented: {cut(str(error), 200)}") from None


def _date(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def day_of(at_s: float) -> date:
    return datetime.fromtimestamp(at_s, UTC).date()
