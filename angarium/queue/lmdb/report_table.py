"""The table of reports: shelf u8 and id to the report, and in ``meta`` how much each shelf holds."""

import struct
from typing import Final

import msgspec

from angarium.queue.lmdb.records import RecordError, checksum, decode, encode
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.reports import DAMAGED, ReportCount, ReportedMail, Shelf

_TOTAL: Final = struct.Struct(">QQ")
_ID_OCTETS: Final = 16


class ReportRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    received: int
    via: str
    client: str
    reverse_path: str
    recipients: tuple[str, ...]
    checksum: int  # CRC-32 of the content
    content: bytes


_decoder: Final = msgspec.msgpack.Decoder(ReportRecord)


def shelf_key(shelf: Shelf) -> bytes:
    return bytes((shelf,))


def report_key(shelf: Shelf, report: MessageId) -> bytes:
    return bytes((shelf,)) + report


def total_key(shelf: Shelf) -> bytes:
    """In ``meta``: how many reports the shelf holds u64, and octets of their content u64."""
    return b"reports:" + bytes((shelf,))


def encode_report(report: ReportedMail) -> bytes:
    return encode(
        ReportRecord(
            received=report.received,
            via=report.via,
            client=report.client,
            reverse_path=report.reverse_path,
            recipients=report.recipients,
            checksum=checksum(report.content),
            content=report.content,
        )
    )


def decode_report(key: bytes, raw: bytes) -> ReportedMail:
    """Raises RecordError."""
    if len(key) != 1 + _ID_OCTETS:
        raise RecordError("the key of a report is too short or too long")
    record = decode(raw, _decoder)
    if checksum(record.content) != record.checksum:
        raise RecordError("its content is not what was taken in: the checksum differs")
    return ReportedMail(
        id=MessageId(key[1:]),
        received=UnixMs(record.received),
        via=record.via,
        client=record.client,
        reverse_path=record.reverse_path,
        recipients=record.recipients,
        content=record.content,
    )


def readable_report(key: bytes, raw: bytes) -> ReportedMail:
    """The same for who goes on behind a damaged one."""
    try:
        return decode_report(key, raw)
    except RecordError:
        report = MessageId(key[1:])
        return ReportedMail(id=report, received=message_id_ms(report), via=DAMAGED, content=b"")


def content_octets(raw: bytes) -> int:
    """Return how much a record counts for. Of a damaged one, nothing."""
    try:
        return len(decode(raw, _decoder).content)
    except RecordError:
        return 0


def encode_total(total: ReportCount) -> bytes:
    return _TOTAL.pack(total.reports, total.octets)


def decode_total(raw: bytes | None) -> ReportCount:
    if raw is None or len(raw) != _TOTAL.size:
        return ReportCount()
    reports, octets = _TOTAL.unpack(raw)
    return ReportCount(reports=reports, octets=octets)
