"""What queue commands print with --json: stable names, ids and times as text."""

from typing import Any

from angarium.queue import DeliveryId, QueueSummary, delivery_id_text, message_id_text
from angarium.queue.entry import Affected, EntryPage, QueueEntry, ShownMessage
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
        "last": None
        if last is None
        else {
            "at": rfc3339(last.at),
            "host": last.host,
            "address": last.address,
            "source": last.source,
            "code": last.code,
            "enhanced": last.enhanced,
            "text": last.text,
            "tls": last.tls,
            "stage": last.stage,
        },
    }


def page_json(page: EntryPage, summary: QueueSummary) -> dict[str, Any]:
    return {
        "entries": [entry_json(each) for each in page.entries],
        "next": page.cursor.hex() if page.cursor else None,
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
