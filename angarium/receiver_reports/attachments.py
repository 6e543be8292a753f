"""The files in a mail that brings reports: by type, by name, or by what they begin with. Pure.

RFC 7489 section 7.2.1.1, RFC 8460 section 5.3.
"""

from typing import Final

from angarium.feedback.mail.parts import ParsedMail, Part, file_name, read_parts
from angarium.feedback.mail.text import octets_of
from angarium.receiver_reports.unpacking import MAX_PACKED, File

# Of a mail: base64 makes a third more of a file
MAX_MAIL: Final = MAX_PACKED * 2
MAX_ATTACHMENTS: Final = 20
_TYPES: Final = frozenset(
    {
        *("application/zip", "application/x-zip-compressed", "application/x-zip"),
        *("application/gzip", "application/x-gzip", "application/gzip-compressed"),
        *("text/xml", "application/xml", "application/json", "application/octet-stream"),
        *("application/tlsrpt+gzip", "application/tlsrpt+json", "application/tlsrpt+zip"),
    }
)
_ENDINGS: Final = (".xml", ".xml.gz", ".gz", ".zip", ".gzip", ".json")
_SIGNS: Final = (b"\x1f\x8b", b"PK\x03\x04", b"<?xml", b"<feedback", b"\xef\xbb\xbf<?xml")


def report_files(mail: bytes) -> list[File]:
    """Return what may be a report in it; the text around it is none."""
    parsed = read_parts(mail, MAX_MAIL)
    found: list[File] = []
    for part in parsed.parts:
        if len(found) == MAX_ATTACHMENTS:
            break
        name = file_name(part)
        is_named = part.content_type in _TYPES or name.lower().endswith(_ENDINGS)
        if not is_named and len(parsed.parts) > 1 and part.content_type.startswith("text/"):
            continue
        octets = octets_of(part, MAX_MAIL)
        if is_named or octets.startswith(_SIGNS) or _is_whole(parsed, part):
            found.append(File(name=name, octets=octets))
    return [each for each in found if each.octets.strip()]


def _is_whole(mail: ParsedMail, part: Part) -> bool:
    """Whether the mail is nothing but a file, of whatever type it claims to be."""
    return len(mail.parts) == 1 and part.content_type not in ("text/plain", "text/html")
