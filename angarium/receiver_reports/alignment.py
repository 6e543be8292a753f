"""Why mail was aligned or not: in one word for each of DKIM and SPF, and what there was in its place. Pure.

Whether it was, the receiver has judged (``DmarcRow.dkim`` and ``.spf``). Nobody asks DNS for organizational domains
here: what is told why needs only whether a name is the From's, below or above it, or within the policy's domain.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from angarium.receiver_reports.model import AuthResult, DmarcRow

# aligned | failed: for the From's domain there was one, and it did not pass | unaligned: it passed for another domain
# | none: there was none, or nothing passed for any other
Why = Literal["aligned", "failed", "unaligned", "none"]


class Alignment(msgspec.Struct, frozen=True, kw_only=True):
    dkim: Why
    dkim_detail: str  # "d=esp.example, pass", "d=example.com s=2026, fail"; ""
    spf: Why
    spf_detail: str


def alignment_of(row: DmarcRow, policy_domain: str) -> Alignment:
    dkim, dkim_result = _why(row, row.dkim, row.dkim_results, policy_domain)
    spf, spf_result = _why(row, row.spf, row.spf_results, policy_domain)
    return Alignment(
        dkim=dkim,
        dkim_detail=_dkim_text(dkim_result),
        spf=spf,
        spf_detail=_spf_text(spf_result),
    )


def _why(
    row: DmarcRow, is_aligned: bool, results: Sequence[AuthResult], policy_domain: str
) -> tuple[Why, AuthResult | None]:
    """Return why, and the result that shows it."""
    own = [each for each in results if _is_related(each.domain, row.header_from, policy_domain)]
    passed = [each for each in results if each.result == "pass"]
    if is_aligned:
        related = [each for each in own if each.result == "pass"]
        return "aligned", next(iter(related or passed or results), None)
    tried = [each for each in own if each.result not in ("none", "pass")]
    if tried:
        return "failed", tried[0]
    if passed:
        return "unaligned", passed[0]
    return "none", next(iter(results), None)


def _is_related(domain: str, header_from: str, policy_domain: str) -> bool:
    return (
        is_within(domain, header_from)
        or is_within(header_from, domain)
        or is_within(domain, policy_domain)
    )


def is_within(name: str, domain: str) -> bool:
    """Whether it is the domain or below it."""
    return bool(domain) and (name == domain or name.endswith(f".{domain}"))


def _dkim_text(result: AuthResult | None) -> str:
    if result is None:
        return ""
    selector = f" s={result.selector}" if result.selector else ""
    return f"d={result.domain}{selector}, {result.result}"


def _spf_text(result: AuthResult | None) -> str:
    if result is None:
        return ""
    scope = f"{result.scope} " if result.scope else ""
    return f"{scope}{result.domain}, {result.result}"
