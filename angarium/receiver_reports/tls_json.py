"""TLS reports (RFC 8460 section 4), as the standard has them and as vendors write them. Pure.

Read into structs of what is known, so that other fields cost nothing; what is nested deeper than any report is refused
before it is read (C3).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

import msgspec

from angarium.receiver_reports.model import (
    MAX_COUNT,
    MAX_NAME,
    MAX_RESULTS,
    MAX_SPAN_S,
    TlsFailure,
    TlsPolicy,
    TlsReport,
    cut,
    domain_name,
    without_addresses,
)

# Ours (C3): a report of a day is some kilobytes
MAX_OCTETS: Final = 4 << 20
MAX_DEPTH: Final = 16
MAX_POLICIES: Final = 1000
MAX_FAILURES: Final = 20_000  # of all policies together
_BOM: Final = b"\xef\xbb\xbf"
# Strings first, so that brackets in them are none; one without an end goes to the end, and no octet is looked at twice
_BRACKETS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)
_Some = str | list[str] | None
_Number = int | float | str | None


class TlsJsonError(ValueError):
    """It is no TLS report that can be taken; says why."""


class _Wire(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    pass


class _Failure(_Wire, frozen=True, kw_only=True):
    result_type: str | None = None
    sending_mta_ip: str | None = None
    receiving_mx_hostname: str | None = None
    receiving_ip: str | None = None
    failed_session_count: _Number = None
    additional_information: str | None = None
    additional_info_uri: str | None = None
    failure_reason_code: str | int | None = None
    # As some name it (RFC 8460 has it in its example)
    failure_error_code: str | int | None = None


class _Policy(_Wire, frozen=True, kw_only=True):
    policy_type: str | None = None
    policy_string: _Some = None
    policy_domain: str | None = None
    mx_host: _Some = None
    # As the example of RFC 8460 has it, other than its text
    mx_host_pattern: _Some = None


class _Summary(_Wire, frozen=True, kw_only=True):
    total_successful_session_count: _Number = None
    total_failure_session_count: _Number = None


class _Policies(_Wire, frozen=True, kw_only=True):
    policy: _Policy = _Policy()
    summary: _Summary | None = None
    failure_details: list[_Failure] | _Failure | None = None


class _Range(_Wire, frozen=True, kw_only=True):
    start_datetime: str = ""
    end_datetime: str = ""


class _Report(_Wire, frozen=True, kw_only=True):
    organization_name: str = ""
    date_range: _Range = _Range()
    contact_info: str | None = None
    report_id: str = ""
    policies: list[_Policies] | None = None


def read_tls(octets: bytes) -> TlsReport:
    """Raises TlsJsonError."""
    octets = octets.removeprefix(_BOM)
    if len(octets) > MAX_OCTETS:
        raise TlsJsonError(f"it has more than {MAX_OCTETS >> 20} MiB")
    _check_depth(octets)
    try:
        report = msgspec.json.decode(octets, type=_Report)
    except msgspec.ValidationError as error:
        raise TlsJsonError(f"it is JSON, and no TLS report: {cut(str(error), 200)}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise TlsJsonError(f"it is no JSON: {cut(str(error), 200)}") from None
    return _report(report)


def _check_depth(octets: bytes) -> None:
    """Raises TlsJsonError."""
    depth = 0
    for found in _BRACKETS.finditer(octets):
        if found[1] is not None:
            depth += 1
            if depth > MAX_DEPTH:
                raise TlsJsonError(f"it is nested more than {MAX_DEPTH} deep")
        elif found[2] is not None:
            depth -= 1


def _report(report: _Report) -> TlsReport:
    """Raises TlsJsonError."""
    if report.policies is None:
        raise TlsJsonError("it is JSON, and no TLS report: it has no policies")
    begin = _moment(report.date_range.start_datetime, "start-datetime")
    end = max(begin, _moment(report.date_range.end_datetime, "end-datetime"))
    if end - begin > MAX_SPAN_S:
        raise TlsJsonError(f"it spans {(end - begin) // 86_400} days: reports are of one")
    for name, value in (
        ("organization-name", report.organization_name),
        ("report-id", report.report_id),
    ):
        if not cut(value):
            raise TlsJsonError(f"it has no {name}")
    if len(report.policies) > MAX_POLICIES:
        raise TlsJsonError(f"it has more than {MAX_POLICIES} policies")
    if sum(len(_failures_of(each)) for each in report.policies) > MAX_FAILURES:
        raise TlsJsonError(f"it has more than {MAX_FAILURES:,} failure-details")
    return TlsReport(
        organization=cut(report.organization_name.rpartition("@")[2], MAX_NAME),
        report_id=cut(report.report_id, MAX_NAME),
        begin=begin,
        end=end,
        policies=tuple(_policies(report.policies)),
        contact=without_addresses(report.contact_info or ""),
    )


def _policies(several: list[_Policies]) -> Iterator[TlsPolicy]:
    for each in several:
        summary = each.summary or _Summary()
        failures = tuple(_failure(it) for it in _failures_of(each))
        failed = _count(summary.total_failure_session_count)
        yield TlsPolicy(
            domain=domain_name(each.policy.policy_domain or ""),
            type=cut(each.policy.policy_type or "no-policy-found", 60).lower(),
            successful=_count(summary.total_successful_session_count),
            # What is told in detail failed, whatever the sum says
            failed=max(failed, sum(it.count for it in failures)),
            strings=_some(each.policy.policy_string),
            hosts=_some(each.policy.mx_host) or _some(each.policy.mx_host_pattern),
            failures=failures,
        )


def _failures_of(policies: _Policies) -> list[_Failure]:
    details = policies.failure_details
    if isinstance(details, _Failure):  # one, by itself: Microsoft's of before
        return [details]
    return details or []


def _failure(failure: _Failure) -> TlsFailure:
    code = failure.failure_reason_code or failure.failure_error_code or ""
    more = failure.additional_information or failure.additional_info_uri or ""
    return TlsFailure(
        result=cut(failure.result_type or "validation-failure", 60).lower(),
        count=_count(failure.failed_session_count),
        mx=domain_name(failure.receiving_mx_hostname or ""),
        sending=_address(failure.sending_mta_ip),
        receiving=_address(failure.receiving_ip),
        reason=cut(str(code), 200),
        more=without_addresses(more),
    )


def _some(value: _Some) -> tuple[str, ...]:
    several = [value] if isinstance(value, str) else value or []
    return tuple(cut(each, MAX_NAME) for each in several[:MAX_RESULTS] if each)


def _count(value: _Number) -> int:
    """Raises TlsJsonError."""
    if value is None:
        return 0
    try:
        found = int(value)
    except (ValueError, OverflowError):
        raise TlsJsonError(f"a session-count is no number: {cut(str(value), 60)!r}") from None
    if not 0 <= found <= MAX_COUNT:
        raise TlsJsonError(f"a session-count is none that there can be: {found}")
    return found


def _moment(text: str, name: str) -> int:
    """Return Unix seconds. Raises TlsJsonError."""
    try:
        found = datetime.fromisoformat(text.strip()[:40])
        at = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise TlsJsonError(f"its {name} is no time: {cut(text, 60)!r}") from None
    if at <= 0:
        raise TlsJsonError(f"its {name} is before 1970: {cut(text, 60)!r}")
    return at


def _address(text: str | None) -> str:
    """Return it in its canonical form; what is none as it stands: some give names."""
    try:
        return str(ip_address((text or "").strip()))
    except ValueError:
        return cut(text or "", MAX_NAME)
