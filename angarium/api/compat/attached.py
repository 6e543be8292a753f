"""Files as vendors' clients send them: in base64, or octet by octet; their type by their name. Pure."""

import binascii
from typing import Final

from angarium.api.compat.faults import invalid
from angarium.intake.order import FaultError

_BLANKS: Final = str.maketrans("", "", " \t\r\n")
# Of what people attach; whatever else a name ends in is octets
_TYPES: Final = {
    "7z": "application/x-7z-compressed",
    "avi": "video/x-msvideo",
    "bmp": "image/bmp",
    "css": "text/css",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "epub": "application/epub+zip",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html",
    "html": "text/html",
    "ico": "image/vnd.microsoft.icon",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "log": "text/plain",
    "md": "text/markdown",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "pkpass": "application/vnd.apple.pkpass",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "vcf": "text/vcard",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}
OCTETS: Final = "application/octet-stream"


def type_by_name(filename: str) -> str:
    return _TYPES.get(filename.rpartition(".")[2].lower(), OCTETS) if "." in filename else OCTETS


def from_base64(text: str, field: str) -> bytes:
    """Return what it encodes; line ends and blanks between are passed over (RFC 2045). Raises FaultError."""
    if not text.isascii():
        raise FaultError(invalid(field, "is no base64: it has characters that base64 has not"))
    try:
        return binascii.a2b_base64(text.translate(_BLANKS), strict_mode=True)
    except binascii.Error as error:
        reason = str(error).lower()
        raise FaultError(invalid(field, f"is no base64 (RFC 4648 section 4): {reason}")) from None


def from_octets(values: list[object], field: str) -> bytes:
    """Return the octets that a list of integers is. Raises FaultError."""
    try:
        return bytes(values)  # type: ignore[arg-type]  # what is no integer is what it raises for
    except (TypeError, ValueError):
        raise FaultError(invalid(field, "is no list of integers from 0 to 255")) from None


def bare_content_id(text: str) -> str:
    """As HTML names it: without ``cid:`` before it, or angle brackets around it."""
    text = text.strip()
    if text[:4].lower() == "cid:":
        text = text[4:]
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text
