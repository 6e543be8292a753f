"""How old what the queue's tables keep is, and how much of it there is."""

import msgspec

from angarium.queue.events.catalogue import readable_head
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.ledger_table import decode_campaign, keys_from
from angarium.queue.lmdb.records import RecordError
from angarium.queue.lmdb.report_table import report_key
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.reports import Shelf


class Age(msgspec.Struct, frozen=True, kw_only=True):
    oldest: UnixMs | None = None  # None: there is none
    count: int = 0


class QueueAges(msgspec.Struct, frozen=True, kw_only=True):
    events: Age
    reports: Age  # of all shelves
    rows: Age  # of campaigns


def read_ages(env: QueueEnvironment) -> QueueAges:
    with env.read() as txn:
        cursor = txn.cursor(env.event)
        first = readable_head(cursor.value()).at if cursor.first() else None
        reports = txn.cursor(env.report)
        received = []
        for shelf in Shelf:
            key = report_key(shelf, MessageId(b""))
            if reports.set_range(key) and reports.key().startswith(key):
                received.append(message_id_ms(reports.key()[1:]))
        created = []
        campaigns = txn.cursor(env.campaign)
        for _ in keys_from(campaigns, b"c"):
            try:
                created.append(decode_campaign(campaigns.value()).created)
            except RecordError:
                continue
        return QueueAges(
            events=Age(oldest=first, count=txn.stat(env.event)["entries"]),
            reports=Age(oldest=min(received, default=None), count=txn.stat(env.report)["entries"]),
            rows=Age(
                oldest=min(created, default=None), count=txn.stat(env.campaign_row)["entries"]
            ),
        )
