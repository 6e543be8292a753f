"""Reading all of a queue, and saying what of it is not as it should be. Changes nothing; a server may run beside it.

First every page of the file is looked at without LMDB, which may end the process on a damaged one; then every record
and all content, in short read transactions.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from angarium.config.schema import Queue
from angarium.queue.events.catalogue import EventError, decode_event
from angarium.queue.lmdb.file.check import DATA_FILE, check_file, read_newest_meta
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import ReadTransaction
from angarium.queue.lmdb.file.pages import Pages
from angarium.queue.lmdb.keys import claim_key, due_key, parse_delivery_key, parse_due_key
from angarium.queue.lmdb.ledger_table import decode_batch, decode_campaign, decode_row
from angarium.queue.lmdb.once_table import decode_once
from angarium.queue.lmdb.records import (
    SCHEDULED,
    RecordError,
    checksum,
    decode_damaged,
    decode_delivery,
    decode_hint,
    decode_message,
    decode_route,
    decode_rule,
    delivery_due,
    hinted_octets,
)
from angarium.queue.lmdb.report_table import decode_report
from angarium.queue.lmdb.suppression.table import decode_suppression
from angarium.queue.message_id import delivery_id_text, message_id_text
from angarium.queue.model import MessageId

# Of one read transaction: the file of a busy server grows while one is open
READ_RECORDS: Final = 250
READ_OCTETS: Final = 8 << 20
FINDINGS_LIMIT: Final = 1000  # named; the rest is counted

Progress = Callable[[int, int], None]  # octets read, octets in all


class Verified(msgspec.Struct, kw_only=True):
    pages: int = 0
    messages: int = 0
    recipients: int = 0
    events: int = 0
    octets: int = 0  # of content
    set_aside: int = 0  # recipients, earlier: no faults, since nothing comes to them any more
    faults: int = 0
    findings: list[
        str
    ] = []  # one line for each fault and what is set aside, at most FINDINGS_LIMIT
    is_whole: bool = True  # False: pages are damaged, and records were not read

    def note(self, finding: str) -> None:
        if len(self.findings) < FINDINGS_LIMIT:
            self.findings.append(finding)


def verify(path: Path, config: Queue, progress: Progress) -> Verified:
    """Read the queue in ``path``. Blocks for as long as the disk takes. Raises as ``QueueEnvironment.open`` does."""
    check_file(path)
    found = Verified()
    # Before LMDB has the file open, and closed after it: else its locks would go
    fd = os.open(path / DATA_FILE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        env = QueueEnvironment.open(path, config, read_only=True)
        try:
            _verify_pages(env, fd, found)
            if found.is_whole:
                _Reader(env, found, progress).read_all()
        finally:
            env.close()
    finally:
        os.close(fd)
    return found


def _verify_pages(env: QueueEnvironment, fd: int, found: Verified) -> None:
    with env.read():  # no page of this snapshot or a later one is used anew meanwhile
        pages = Pages(fd, read_newest_meta(fd))
        pages.check_all()
    found.pages = pages.read
    found.is_whole = not pages.faults
    found.faults = len(pages.faults)
    for fault in pages.faults:
        found.note(fault)


class _Reader:
    """Goes through the tables one after the other, a lot of records in each read transaction."""

    def __init__(self, env: QueueEnvironment, found: Verified, progress: Progress) -> None:
        self._env = env
        self._found = found
        self._progress = progress
        self._read = 0  # octets
        self._in_all = env.file_octets()

    def read_all(self) -> None:
        env = self._env
        for name, look in (
            ("message", self._message),
            ("delivery", self._delivery),
            ("due", self._due),
            ("claim", self._claim),
            ("damaged", self._damaged),
            ("event", self._event),
            ("hold_rule", self._rule),
            ("route", self._route),
            ("suppression", self._suppression),
            ("report", self._report),
            ("once", self._once),
            ("campaign", self._campaign),
            ("campaign_row", self._row),
        ):
            db = env.databases[name]
            start: bytes | None = b""
            while start is not None:
                start = self._lot(name, db, start, look)

    def _lot(
        self,
        name: str,
        db: object,
        start: bytes,
        look: Callable[[ReadTransaction, bytes, bytes], None],
    ) -> bytes | None:
        """Look at some records from a key on; returns where the next ones begin."""
        until = self._read + READ_OCTETS
        with self._env.read() as txn:
            cursor = txn.cursor(db)
            if not cursor.set_range(start):
                return None
            for looked, (key, raw) in enumerate(cursor.iternext(), 1):
                self._read += len(raw)
                try:
                    look(txn, key, raw)
                except (RecordError, EventError) as error:
                    self._found.faults += 1
                    self._found.note(f"{_named(name, key)}: {error}")
                if looked == READ_RECORDS or self._read >= until:
                    self._progress(self._read, self._in_all)
                    return key + b"\0"
        return None

    def _message(self, txn: ReadTransaction, key: bytes, raw: bytes) -> None:
        self._found.messages += 1
        record = decode_message(raw)
        content = txn.get(key, db=self._env.body)
        if content is None:
            raise RecordError("its content is missing")
        self._read += len(content)
        self._found.octets += len(content)
        if len(content) != record.size_octets:
            raise RecordError(f"content of {len(content)} octets, not {record.size_octets}")
        if record.checksum is not None and checksum(content) != record.checksum:
            raise RecordError("its content is not what was accepted: the checksum differs")

    def _delivery(self, txn: ReadTransaction, key: bytes, raw: bytes) -> None:
        self._found.recipients += 1
        env, record = self._env, decode_delivery(raw)
        if txn.get(key[:16], db=env.message) is None:
            raise RecordError("its message is missing")
        due = txn.get(due_key(record.partition, delivery_due(raw), key), db=env.due) is not None
        claimed = txn.get(claim_key(record.partition, key), db=env.claim) is not None
        if due + claimed != (record.state == SCHEDULED):
            raise RecordError("it is neither due, nor in flight, nor held")

    def _due(self, txn: ReadTransaction, key: bytes, raw: bytes) -> None:
        decode_hint(hinted_octets(raw)[1])
        if txn.get(key[10:], db=self._env.delivery) is None:
            raise RecordError("there is no such recipient")

    def _claim(self, txn: ReadTransaction, key: bytes, _: bytes) -> None:
        if txn.get(key[2:], db=self._env.delivery) is None:
            raise RecordError("there is no such recipient")

    def _damaged(self, _txn: ReadTransaction, key: bytes, raw: bytes) -> None:
        self._found.set_aside += 1
        self._found.note(f"{_named('damaged', key)}: {decode_damaged(raw).reason}")

    def _event(self, _txn: ReadTransaction, _: bytes, raw: bytes) -> None:
        self._found.events += 1
        decode_event(raw)

    def _once(self, _txn: ReadTransaction, _: bytes, raw: bytes) -> None:
        decode_once(raw)

    def _campaign(self, _txn: ReadTransaction, key: bytes, raw: bytes) -> None:
        if key.startswith(b"c"):
            decode_campaign(raw)
        elif key.startswith(b"b"):
            decode_batch(raw)

    def _row(self, _txn: ReadTransaction, _: bytes, raw: bytes) -> None:
        decode_row(raw)

    def _rule(self, _txn: ReadTransaction, _: bytes, raw: bytes) -> None:
        decode_rule(raw)

    def _route(self, _txn: ReadTransaction, _: bytes, raw: bytes) -> None:
        decode_route(raw)

    def _suppression(self, _txn: ReadTransaction, _: bytes, raw: bytes) -> None:
        decode_suppression(raw)

    def _report(self, _txn: ReadTransaction, key: bytes, raw: bytes) -> None:
        decode_report(key, raw)


def _named(name: str, key: bytes) -> str:
    """What a record is about, for people."""
    match name:
        case "message" if len(key) == 16:
            return f"message {message_id_text(MessageId(key))}"
        case "delivery" if len(key) == 18:
            return f"recipient {delivery_id_text(parse_delivery_key(key))}"
        case "due" if len(key) == 28:
            return f"due recipient {delivery_id_text(parse_due_key(key)[2])}"
        case "claim" if len(key) == 20:
            return f"claim of {delivery_id_text(parse_delivery_key(key[2:]))}"
        case "damaged" if len(key) == 18:
            return f"recipient {delivery_id_text(parse_delivery_key(key))}, set aside"
        case "event" | "hold_rule":
            return f"{name.replace('_', ' ')} {int.from_bytes(key, 'big')}"
        case _:
            return f"{name} {key[:64]!r}"
