"""Where a person's address is in the queue's tables. Blocks; reads in short parts, so that writers are not held up."""

from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.queue.events.catalogue import Event, decode_readable
from angarium.queue.events.suppression_added import SuppressionAdded
from angarium.queue.events.suppression_removed import SuppressionRemoved
from angarium.queue.ledger.values import LedgerCampaign, LedgerRow
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.keys import claim_key, parse_delivery_key
from angarium.queue.lmdb.ledger_table import campaign_key, decode_campaign, decode_row
from angarium.queue.lmdb.person.event import EventEraser
from angarium.queue.lmdb.records import (
    MessageRecord,
    RecordError,
    decode_delivery,
    decode_message,
)
from angarium.queue.lmdb.report_table import readable_report
from angarium.queue.lmdb.suppression.table import decode_suppression
from angarium.queue.model import DeliveryId, MessageId
from angarium.queue.person import Person
from angarium.queue.reports import ReportedMail, Shelf
from angarium.queue.suppression_key import address_key
from angarium.queue.suppressions import Suppression, parse_scope

# Records, and octets of them, that are read in one transaction
_RECORDS: Final = 2000
_OCTETS: Final = 8 << 20
# Whose records are a version octet and an array
_PLAIN: Final = ("message", "damaged", "once", "hold_rule", "campaign", "campaign_row")


class WaitingMail(msgspec.Struct, frozen=True, kw_only=True):
    """What is queued for the person."""

    id: DeliveryId
    recipient: str
    tenant: str
    stream: str
    reverse_path: str
    accepted: int
    attempts: int
    last: str  # what was said at the last attempt; "": there was none
    in_flight: bool
    content: bytes


class PersonReader:
    """``tenant``: whose data alone is looked at; None: all."""

    def __init__(self, env: QueueEnvironment, person: Person, tenant: str | None) -> None:
        self._env = env
        self._person = person
        self._tenant = tenant

    def waiting(self) -> Iterator[WaitingMail]:
        for key, raw in self.records("delivery"):
            try:
                record = decode_delivery(raw)
            except RecordError:
                continue
            if not self._person.is_in_text(record.forward_path):
                continue
            with self._env.read() as txn:
                message_raw = txn.get(key[:16], db=self._env.message)
                content = txn.get(key[:16], db=self._env.body) or b""
                claim = txn.get(claim_key(record.partition, key), db=self._env.claim)
            message = _message(message_raw)
            if message is None or self._tenant not in (None, message.tenant):
                continue
            yield WaitingMail(
                id=parse_delivery_key(key),
                recipient=record.forward_path,
                tenant=message.tenant,
                stream=message.stream,
                reverse_path=message.reverse_path,
                accepted=message.accepted,
                attempts=record.attempts,
                last="" if record.last is None else record.last.text,
                in_flight=claim is not None,
                content=content,
            )

    def mentions(self) -> Iterator[tuple[MessageId, MessageRecord, bytes]]:
        """Mail that is queued for others, in whose envelope or content the address is."""
        for key, content in self._all("body"):
            with self._env.read() as txn:
                message_raw = txn.get(key, db=self._env.message)
            message = _message(message_raw)
            if message is None or self._tenant not in (None, message.tenant):
                continue
            if self._person.is_in_octets(message_raw or b"") or self._person.is_in_mail(content):
                yield MessageId(key), message, content

    def events(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield key, the event as it is, and as it is without the person."""
        eraser = EventEraser(self._person)
        for key, raw in self._all("event"):
            after = eraser.without(raw)
            if after is not None and self._is_of_tenant(decode_readable(raw)):
                yield key, raw, after

    def reports(self) -> Iterator[tuple[Shelf, ReportedMail]]:
        """Of all tenants or of none: nobody knows whose they are."""
        if self._tenant is not None:
            return
        for key, raw in self._all("report"):
            report = readable_report(key, raw)
            named = (report.reverse_path, *report.recipients)
            if any(map(self._person.is_in_text, named)) or self._person.is_in_mail(report.content):
                yield Shelf(key[0]), report

    def rows(self) -> Iterator[tuple[bytes, bytes, LedgerCampaign, LedgerRow]]:
        campaigns: dict[bytes, LedgerCampaign | None] = {}
        for key, raw in self.records("campaign_row"):
            number = key[:4]
            if number not in campaigns:
                campaigns[number] = self._campaign(int.from_bytes(number, "big"))
            campaign = campaigns[number]
            if campaign is None or self._tenant not in (None, campaign.tenant):
                continue
            row = decode_row(raw)
            if self._person.is_in_text(row.address + "\n" + row.text + "\n" + row.reason):
                yield key, raw, campaign, row

    def suppressions(self) -> Iterator[Suppression]:
        prefixes = [address_key(self._person.address), address_key(self._person.alias)]
        for prefix in prefixes:
            for _, raw in self._all("suppression", prefix):
                try:
                    found = decode_suppression(raw)
                except RecordError:
                    continue
                if self._tenant in (None, found.scope.tenant):
                    yield found

    def plain(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield records of a table that have the address. Of one tenant nothing: nobody knows whose they are."""
        assert table in _PLAIN
        if self._tenant is None:
            for key, raw in self.records(table):
                if self._is_in_record(raw, 1):
                    yield key, raw

    def records(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield those that may have the address."""
        may_be_in = self._person.may_be_in
        return ((key, raw) for key, raw in self._all(table) if may_be_in(raw))

    def _all(self, table: str, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        start: bytes | None = prefix
        while start is not None:
            part, start = self._part(table, start, prefix)
            yield from part

    def _part(
        self, table: str, start: bytes, prefix: bytes
    ) -> tuple[list[tuple[bytes, bytes]], bytes | None]:
        found: list[tuple[bytes, bytes]] = []
        octets = 0
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.databases[table])
            if not (cursor.set_range(start) if start else cursor.first()):
                return found, None
            for key, raw in cursor.iternext():
                if not key.startswith(prefix):
                    return found, None
                found.append((key, raw))
                octets += len(raw)
                if len(found) == _RECORDS or octets >= _OCTETS:
                    return found, key + b"\0"
        return found, None

    def _campaign(self, number: int) -> LedgerCampaign | None:
        with self._env.read() as txn:
            raw = txn.get(campaign_key(number), db=self._env.campaign)
        try:
            return None if raw is None else decode_campaign(raw)
        except RecordError:
            return None

    def _is_in_record(self, raw: bytes, header: int) -> bool:
        try:
            return self._person.is_in(msgspec.msgpack.decode(raw[header:]))
        except msgspec.DecodeError:
            return self._person.is_in_octets(raw)

    def _is_of_tenant(self, event: Event) -> bool:
        if self._tenant is None:
            return True
        if isinstance(event, SuppressionAdded | SuppressionRemoved):
            return parse_scope(event.scope).tenant == self._tenant
        return getattr(event, "tenant", None) == self._tenant


def _message(raw: bytes | None) -> MessageRecord | None:
    try:
        return None if raw is None else decode_message(raw)
    except RecordError:
        return None
