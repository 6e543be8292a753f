"""Octets that somebody brought, as reports: whatever they are packed in, whichever of the two kinds they are. Pure."""

from collections.abc import Iterator
from typing import Final

from angarium.receiver_reports.attachments import report_files
from angarium.receiver_reports.dmarc_xml import DmarcXmlError, read_dmarc
from angarium.receiver_reports.model import ReceivedReport, Refused
from angarium.receiver_reports.tls_json import TlsJsonError, read_tls
from angarium.receiver_reports.unpacking import File, unpack

# Ours: what is no file of a report may be a mail with some
_MAIL_SIGNS: Final = (b"received:", b"return-path:", b"from:", b"dkim-signature:", b"mime-version:")
_START: Final = 65_536


def read_file(name: str, octets: bytes) -> Iterator[ReceivedReport | Refused]:
    """Yield what is in a file: XML, JSON, either packed, or a mail that has such. At least one thing."""
    if _is_mail(octets):
        yield from read_mail(octets)
        return
    for each in unpack(name, octets):
        yield each if isinstance(each, Refused) else _read(each)


def read_mail(mail: bytes) -> Iterator[ReceivedReport | Refused]:
    """Yield what is in a mail; at least one thing."""
    files = report_files(mail)
    if not files:
        yield Refused(name="", why="there is no file of a report in the mail")
    for file in files:
        for each in unpack(file.name, file.octets):
            yield each if isinstance(each, Refused) else _read(each)


def _read(file: File) -> ReceivedReport | Refused:
    start = file.octets[:_START].lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        if start.startswith((b"{", b"[")):
            return read_tls(file.octets)
        if start.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
            return read_dmarc(file.octets)
    except (DmarcXmlError, TlsJsonError) as error:
        return Refused(name=file.name, why=str(error))
    if not start:
        return Refused(name=file.name, why="it is empty")
    return Refused(
        name=file.name, why="it is neither XML, nor JSON, nor either of them in gzip or zip"
    )


def _is_mail(octets: bytes) -> bool:
    start = octets[:_START].lower()
    if start.startswith((b"<", b"{", b"pk", b"\x1f\x8b", b"\xef\xbb\xbf")):
        return False
    return any(start.startswith(each) or b"\n" + each in start for each in _MAIL_SIGNS)
