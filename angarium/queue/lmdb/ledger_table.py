"""Campaigns on disk: their records, batches and rows, and how they are found.

``campaign``: a letter, then what it is found by. c number: the campaign. i id: its number. t tenant's digest, id:
likewise. o tenant's digest, number: it is not over. b number, batch: the batch. m time of a batch's ids, number,
batch. n: the last number that was given. ``campaign_row``: number, row: the row. ``campaign_address``: number, digest
of an address: the first row that has it.
"""

from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from angarium.queue.events.campaign_shape import CampaignEvent
from angarium.queue.events.catalogue import encode_event
from angarium.queue.ledger.ids import index_in_batch, row_message_id
from angarium.queue.ledger.values import LedgerBatch, LedgerCampaign, LedgerRow, Place
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import Cursor, Database
from angarium.queue.lmdb.keys import ack_key, u64
from angarium.queue.lmdb.once_table import tenant_digest
from angarium.queue.lmdb.records import decode, encode
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.message_id import message_id_ms

LAST_NUMBER_KEY: Final = b"n"
_campaign_decoder: Final = msgspec.msgpack.Decoder(LedgerCampaign)
_batch_decoder: Final = msgspec.msgpack.Decoder(LedgerBatch)
_row_decoder: Final = msgspec.msgpack.Decoder(LedgerRow)


class Reads(Protocol):
    """Of a read transaction, or of one that writes."""

    def get(self, key: bytes, *, db: Database) -> bytes | None: ...

    def cursor(self, db: Database) -> Cursor: ...


def campaign_key(number: int) -> bytes:
    return b"c" + number.to_bytes(4, "big")


def id_key(campaign: bytes) -> bytes:
    return b"i" + campaign


def tenant_prefix(tenant: str) -> bytes:
    return b"t" + tenant_digest(tenant)


def open_key(tenant: str, number: int) -> bytes:
    return b"o" + tenant_digest(tenant) + number.to_bytes(4, "big")


def batch_key(number: int, batch: int) -> bytes:
    return b"b" + number.to_bytes(4, "big") + batch.to_bytes(4, "big")


def base_key(base: int, number: int, batch: int) -> bytes:
    return b"m" + base.to_bytes(6, "big") + number.to_bytes(4, "big") + batch.to_bytes(4, "big")


def row_key(number: int, row: int) -> bytes:
    return number.to_bytes(4, "big") + row.to_bytes(8, "big")


def address_key(number: int, key: bytes) -> bytes:
    return number.to_bytes(4, "big") + key


def decode_campaign(raw: bytes) -> LedgerCampaign:
    """Raises RecordError, as the next two."""
    return decode(raw, _campaign_decoder)


def decode_batch(raw: bytes) -> LedgerBatch:
    return decode(raw, _batch_decoder)


def decode_row(raw: bytes) -> LedgerRow:
    return decode(raw, _row_decoder)


class LmdbLedgerRecords:
    """Implements LedgerRecords, in one transaction."""

    def __init__(self, tx: WriteTransaction) -> None:
        self._tx = tx
        self._campaign = tx.env.campaign
        self._row = tx.env.campaign_row
        self._address = tx.env.campaign_address

    def new_number(self) -> int:
        tx = self._tx
        number = int.from_bytes(tx.get(self._campaign, LAST_NUMBER_KEY) or b"", "big") + 1
        tx.put(self._campaign, LAST_NUMBER_KEY, number.to_bytes(4, "big"))
        return number

    def open_of(self, tenant: str) -> int:
        cursor = self._tx.cursor(self._campaign)
        return sum(1 for _ in keys_from(cursor, b"o" + tenant_digest(tenant)))

    def campaign(self, number: int) -> LedgerCampaign | None:
        raw = self._tx.get(self._campaign, campaign_key(number))
        return None if raw is None else decode_campaign(raw)

    def put_campaign(self, campaign: LedgerCampaign) -> None:
        tx, table = self._tx, self._campaign
        number = campaign.number.to_bytes(4, "big")
        if tx.get(table, campaign_key(campaign.number)) is None:
            tx.put(table, id_key(campaign.id), number)
            tx.put(table, tenant_prefix(campaign.tenant) + campaign.id, number)
        tx.put(table, campaign_key(campaign.number), encode(campaign))
        at_work = open_key(campaign.tenant, campaign.number)
        if campaign.finished:
            tx.delete(table, at_work)
        else:
            tx.put(table, at_work, b"")

    def batch(self, number: int, batch: int) -> LedgerBatch | None:
        raw = self._tx.get(self._campaign, batch_key(number, batch))
        return None if raw is None else decode_batch(raw)

    def put_batch(self, number: int, batch: int, value: LedgerBatch) -> None:
        self._tx.put(self._campaign, batch_key(number, batch), encode(value))
        self._tx.put(self._campaign, base_key(value.base, number, batch), b"")

    def row(self, number: int, row: int) -> LedgerRow | None:
        raw = self._tx.get(self._row, row_key(number, row))
        return None if raw is None else decode_row(raw)

    def put_row(self, number: int, row: int, value: LedgerRow) -> None:
        self._tx.put(self._row, row_key(number, row), encode(value))

    def row_of_address(self, number: int, key: bytes) -> int | None:
        raw = self._tx.get(self._address, address_key(number, key))
        return None if raw is None else int.from_bytes(raw, "big")

    def put_address(self, number: int, key: bytes, row: int) -> None:
        self._tx.put(self._address, address_key(number, key), row.to_bytes(8, "big"))

    def append(self, event: CampaignEvent) -> None:
        self._tx.append_event(encode_event(event))  # type: ignore[arg-type]

    def follow(self, consumer: str) -> None:
        tx, key = self._tx, ack_key(consumer)
        if tx.get(tx.env.meta, key) is None:
            cursor = tx.cursor(tx.env.event)
            tx.put(tx.env.meta, key, cursor.key() if cursor.last() else u64(0))


class ForgetCampaign:
    """Operation: delete a part of a campaign that is over; returns whether something is left of it."""

    octets = 200_000
    _AT_ONCE: Final = 2000

    def __init__(self, number: int) -> None:
        self._number = number

    def apply(self, tx: WriteTransaction) -> bool:
        env, prefix = tx.env, self._number.to_bytes(4, "big")
        raw = tx.get(env.campaign, campaign_key(self._number))
        if raw is None:
            return False
        campaign = decode_campaign(raw)
        if not campaign.finished:
            return False
        left = self._AT_ONCE
        for table in (env.campaign_row, env.campaign_address):
            left -= self._delete(tx, table, prefix, left)
        left -= self._delete_batches(tx, left)
        if left <= 0:
            return True
        for key in (
            campaign_key(self._number),
            id_key(campaign.id),
            tenant_prefix(campaign.tenant) + campaign.id,
        ):
            tx.delete(env.campaign, key)
        return False

    def _delete(self, tx: WriteTransaction, table: Database, prefix: bytes, limit: int) -> int:
        keys = _first(tx.cursor(table), prefix, limit)
        for key in keys:
            tx.delete(table, key)
        return len(keys)

    def _delete_batches(self, tx: WriteTransaction, limit: int) -> int:
        table = tx.env.campaign
        keys = _first(tx.cursor(table), b"b" + self._number.to_bytes(4, "big"), limit)
        for key in keys:
            batch = decode_batch(tx.get(table, key) or b"")
            number = int.from_bytes(key[5:], "big")
            tx.delete(table, base_key(batch.base, self._number, number))
            tx.delete(table, key)
        return len(keys)


def locate(env: QueueEnvironment, txn: Reads, message: bytes) -> Place | None:
    """Return whose row a message is: by the time of its id, and by what else follows from the row."""
    cursor = txn.cursor(env.campaign)
    index = index_in_batch(message)
    for key in keys_from(cursor, b"m" + message_id_ms(message).to_bytes(6, "big")):
        number, batch_number = int.from_bytes(key[7:11], "big"), int.from_bytes(key[11:], "big")
        raw_campaign = txn.get(campaign_key(number), db=env.campaign)
        raw_batch = txn.get(batch_key(number, batch_number), db=env.campaign)
        if raw_campaign is None or raw_batch is None:
            continue
        campaign, batch = decode_campaign(raw_campaign), decode_batch(raw_batch)
        row = batch.first_row + index
        if index < batch.rows and message == row_message_id(
            campaign.secret, batch.base, index, row
        ):
            return Place(number=number, batch=batch_number, row=row)
    return None


def keys_from(cursor: Cursor, prefix: bytes) -> Iterator[bytes]:
    """Yield the keys that begin so, in their order; the cursor stands on each."""
    if cursor.set_range(prefix):
        for key, _ in cursor.iternext():
            if not key.startswith(prefix):
                return
            yield key


def _first(cursor: Cursor, prefix: bytes, limit: int) -> list[bytes]:
    found: list[bytes] = []
    for key in keys_from(cursor, prefix):
        if len(found) >= limit:
            break
        found.append(key)
    return found
