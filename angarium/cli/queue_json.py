"""What queue commands print with --json: stable names, ids and times as text."""

from typing import Any

from angarium.queue import Attempt, DeliveryId, QueueSummary, delivery_id_text, message_id_text
from angarium.queue.entry import Affected, EntryPage, QueueEntry, ShownMessage
from angarium.queue.hold_rule import HoldRule
from angarium.service.mail_record import mail_record
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
        "sizeOctets": entry.size_octets,
        "acceptedAt": rfc3339(entry.accepted),
        "dueAt": rfc3339(entry.due),
        "expiresAt": rfc3339(entry.expires),
        "attempts": entry.attempts,
        "inDoubt": entry.in_doubt,
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
        "tls": attempt.tls,
        "tlsSkipped": attempt.tls_skipped,
        "stage": attempt.stage,
    }


def page_json(page: EntryPage, summary: QueueSummary) -> dict[str, Any]:
    return {
        "entries": [entry_json(each) for each in page.entries],
        "next": page.cursor.hex() if page.cursor else None,
        "damaged": [delivery_id_text(each) for each in page.damaged],
        "summary": summary_json(summary),
    }


def summary_json(summary: QueueSummary) -> dict[str, Any]:
    return {
        "messages": summary.messages,
        "scheduled": summary.scheduled,
        "inFlight": summary.in_flight,
        "held": summary.held,
        "fileOctets": summary.file_octets,
        "usedOctets": summary.used_octets,
        "freeDiskOctets": summary.free_disk_octets,
        "lowDisk": summary.low_disk,
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
        "messageId": shown.message_id_header,
        "headerFrom": shown.header_from,
        "recipients": [entry_json(each) for each in shown.entries],
        "events": [msgspec.to_builtins(mail_record(each)) for each in shown.events],
    }


def rule_json(rule: HoldRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "tenant": rule.tenant,
        "sender": rule.sender,
        "domain": rule.domain,
        "provider": rule.provider,
        "who": rule.who,
        "reason": rule.why,
        "since": rfc3339(rule.since),
        "until": None if rule.until is None else rfc3339(rule.until),
    }


def affected_json(act: str, affected: Affected, *, dry_run: bool) -> dict[str, Any]:
    ids: tuple[DeliveryId, ...] = affected.ids
    return {
        "act": act,
        "dryRun": dry_run,
        "count": affected.count,
        "ids": [delivery_id_text(each) for each in ids],
        "inFlight": affected.in_flight,
        "unchanged": affected.unchanged,
    }
