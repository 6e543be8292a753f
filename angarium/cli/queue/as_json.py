"""What queue commands print with --json: stable names, ids and times as text."""

from typing import Any

from angarium.feedback.attempts import class_text
from angarium.queue import Attempt, QueueSummary, delivery_id_text, message_id_text
from angarium.queue.breakdown import AGE_COLUMNS, OLDER, Breakdown, Slice
from angarium.queue.destination import shown_way
from angarium.queue.entry import Affected, EntryPage, QueueEntry, ShownMessage
from angarium.queue.hold_rule import HoldRule
from angarium.service.platform.mail_record import mail_record
from angarium.telemetry.timestamp import rfc3339


def entry_json(entry: QueueEntry) -> dict[str, Any]:
    last = entry.last
    return {
        "id": delivery_id_text(entry.id),
        "state": entry.state,
        "sender": entry.sender,
        "recipient": entry.recipient,
        "domain": entry.domain,
        "tenant": entry.tenant,
        "stream": entry.stream,
        "campaign": entry.campaign,
        "size_octets": entry.size_octets,
        "accepted_at": rfc3339(entry.accepted),
        "due_at": rfc3339(entry.due),
        "expires_at": rfc3339(entry.expires),
        "starts_at": rfc3339(entry.not_before) if entry.not_before else None,
        "if_missed": entry.if_missed,
        "attempts": entry.attempts,
        "in_doubt": entry.in_doubt,
        "rule": entry.rule,
        "via": shown_way(entry.via),
        "last": None if last is None else attempt_json(last),
    }


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": rfc3339(attempt.at),
        "host": attempt.host,
        "address": attempt.address,
        "source": attempt.source,
        "code": attempt.code,
        "enhanced": attempt.enhanced,
        "text": attempt.text,
        "class": class_text(attempt),
        "tls": attempt.tls,
        "tls_skipped": attempt.tls_skipped,
        "tls_cipher": attempt.tls_cipher,
        "tls_verified": attempt.tls_verified,
        "provider": attempt.provider,
        "dkim": list(attempt.dkim),
        "unsigned": attempt.unsigned,
        "stage": attempt.stage,
    }


def page_json(page: EntryPage, matching: int, summary: QueueSummary) -> dict[str, Any]:
    """``matching``: recipients that match, on all pages."""
    return {
        "count": len(page.entries),
        "matching": matching,
        "entries": [entry_json(each) for each in page.entries],
        "next": page.cursor.hex() if page.cursor else None,
        "damaged": [delivery_id_text(each) for each in page.damaged],
        "summary": summary_json(summary),
    }


def summary_json(summary: QueueSummary) -> dict[str, Any]:
    return {
        "messages": summary.messages,
        "scheduled": summary.scheduled,
        "in_flight": summary.in_flight,
        "held": summary.held,
        "file_octets": summary.file_octets,
        "used_octets": summary.used_octets,
        "free_disk_octets": summary.free_disk_octets,
        "low_disk": summary.low_disk,
    }


def shown_json(shown: ShownMessage) -> dict[str, Any]:
    import msgspec

    origin = shown.origin
    return {
        "id": message_id_text(shown.message_id),
        "queued": shown.queued,
        "listener": origin.text if origin else "",
        "client": origin.client if origin else "",
        "user": origin.user if origin else "",
        "message_id": shown.message_id_header,
        "header_from": shown.header_from,
        "recipients": [entry_json(each) for each in shown.entries],
        "events": [msgspec.to_builtins(mail_record(each)) for each in shown.events],
    }


def breakdown_json(breakdown: Breakdown) -> dict[str, Any]:
    others = breakdown.others
    return {
        "by": breakdown.by,
        "rows": [{"value": each.value, **_slice(each)} for each in breakdown.slices],
        "others": None if others is None else _slice(others),
        "total": _slice(breakdown.total),
    }


def _slice(found: Slice) -> dict[str, Any]:
    columns = [*(name for name, _ in AGE_COLUMNS), OLDER]
    return {
        "count": found.count,
        "scheduled": found.scheduled,
        "held": found.held,
        "in_flight": found.in_flight,
        "ages": dict(zip(columns, found.ages, strict=True)),
    }


def rule_json(rule: HoldRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "tenant": rule.tenant,
        "sender": rule.sender,
        "domain": rule.domain,
        "provider": rule.provider,
        "campaign": rule.campaign,
        "who": rule.who,
        "reason": rule.why,
        "since": rfc3339(rule.since),
        "until": None if rule.until is None else rfc3339(rule.until),
    }


def affected_json(act: str, affected: Affected, *, dry_run: bool) -> dict[str, Any]:
    return {
        "act": act,
        "dry_run": dry_run,
        "count": affected.count,
        "recipients": [
            {"id": delivery_id_text(each.id), "recipient": each.recipient}
            for each in affected.named
        ],
        "in_flight": affected.in_flight,
        "unchanged": affected.unchanged,
        "who": affected.who,
        "reason": affected.reason,
    }
