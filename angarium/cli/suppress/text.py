"""What ``postmaster suppress`` prints: rows as JSON, and for people. Pure."""

from collections.abc import Sequence
from typing import Any

from angarium.queue import Suppression
from angarium.telemetry.timestamp import rfc3339

_EVIDENCE_SHOWN = 60


def suppression_json(each: Suppression) -> dict[str, Any]:
    return {
        "email": each.email,
        "scope": each.scope.text,
        "reason": each.reason,
        "added_at": rfc3339(each.added_at),
        "expires_at": None if each.expires_at is None else rfc3339(each.expires_at),
        "evidence": each.evidence,
        "reference": each.reference,
    }


def table_lines(found: Sequence[Suppression]) -> list[str]:
    rows = [("ADDRESS", "SCOPE", "REASON", "SINCE", "UNTIL", "EVIDENCE")]
    rows += [
        (
            *(each.email, each.scope.text, each.reason, _day(each.added_at)),
            "for ever" if each.expires_at is None else _day(each.expires_at),
            each.evidence[:_EVIDENCE_SHOWN],
        )
        for each in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        ).rstrip()
        for row in rows
    ]


def shown_lines(found: Sequence[Suppression]) -> list[str]:
    """All that is known of each, one fact a line."""
    lines: list[str] = []
    for each in found:
        until = "for ever" if each.expires_at is None else f"until {rfc3339(each.expires_at)}"
        lines.append(f"{each.email} is suppressed for {_whom(each)}: {each.reason}, {until}")
        lines.append(f"  since     {rfc3339(each.added_at)}")
        if each.evidence:
            lines.append(f"  evidence  {each.evidence}")
        if each.reference:
            lines.append(f"  from      {each.reference}")
    return lines


def _whom(each: Suppression) -> str:
    scope = each.scope
    if scope.tenant is None:
        return "all mail"
    if scope.topic is not None:
        return f"tenant {scope.tenant}, topic {scope.topic}"
    return f"tenant {scope.tenant}" + ("" if scope.stream is None else f", stream {scope.stream}")


def _day(unix_ms: int) -> str:
    return rfc3339(unix_ms)[:10]
