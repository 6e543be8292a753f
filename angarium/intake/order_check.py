"""Whether an order is within the limits, and what of it is refused by policy, in any dialect. Pure.

Fields are named as ours are. What an address or a header may be, the readers of ``content`` know.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from angarium.config.languages import is_tag
from angarium.content.letter import Attachment
from angarium.content.preheader import MAX_CHARACTERS
from angarium.intake.order import Addressee, Fault, FaultKind, Order
from angarium.intake.template_filling import count_recipients, find_fault_of_use
from angarium.queue.model import UnixMs

LABEL_CHARACTERS: Final = 128  # of campaign and stream, which are names
EVER_MS: Final = 315_360_000_000  # ten years: what is put off longer is a mistake
URL_CHARACTERS: Final = 2048
_URL: Final = re.compile(r"[!#-;=?-~]+")  # no quote, no angle bracket
_SPOILED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What begins a program, whatever it is called
_PROGRAMS: Final = (b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe")


class OrderLimits(msgspec.Struct, frozen=True, kw_only=True):
    message_octets: int = 52_428_800
    recipients: int = 1000
    batch_recipients: int = 20_000
    subject_characters: int = 998
    headers: int = 100
    headers_octets: int = 65_536
    tags: int = 50
    tag_characters: int = 256
    metadata_octets: int = 65_536
    # Of all recipients' metadata and variables
    recipient_data_octets: int = 131_072
    attachments: int = 500
    refused_extensions: frozenset[str] = frozenset()  # lower case, without the dot
    refused_types: frozenset[str] = frozenset()


def find_fault(order: Order, limits: OrderLimits, now: UnixMs) -> Fault | None:
    """Return the first thing that is wrong, or None."""
    return (
        _of_parts(order)
        or _of_recipients(order, limits)
        or find_fault_of_use(order)
        or _of_sizes(order, limits)
        or _of_preheader(order)
        or _of_labels(order, limits)
        or _of_times(order, now)
        or _of_attachments(order.attachments, limits)
        or _of_data(order, limits)
    )


def find_batch_fault(orders: Sequence[Order | Fault], limits: OrderLimits) -> Fault | None:
    """Return what is wrong with all of them together, or None."""
    counts = [count_recipients(each) for each in orders if isinstance(each, Order)]
    if len(orders) > 1 and sum(counts) > limits.batch_recipients:
        return _too_many("messages", limits.batch_recipients, "recipients in all")
    # Of one that is split, whoever is in Cc counts for each of them
    if len(orders) == 1 and sum(counts) > max(limits.batch_recipients, limits.recipients):
        return _too_many("to", limits.batch_recipients, "recipients in all mails")
    return None


def _of_parts(order: Order) -> Fault | None:
    if order.raw is not None:
        return None if order.raw.content else _missing("raw")
    if order.author is None:
        return _missing("from")
    if order.template is not None:  # what it lacks is seen once it is filled
        return None
    if not order.subject:
        return _missing("subject")
    if order.text is None and order.html is None:
        return _missing("bodyText", "bodyText or bodyHtml")
    return None


def _of_recipients(order: Order, limits: OrderLimits) -> Fault | None:
    count = len(order.to) + len(order.cc) + len(order.bcc)
    if not count:
        return _missing("to")
    if count > limits.recipients:
        return _too_many("to", limits.recipients, "recipients")
    return None


def _of_sizes(order: Order, limits: OrderLimits) -> Fault | None:
    if len(order.subject) > limits.subject_characters:
        return _too_long("subject", limits.subject_characters)
    if len(order.fields) > limits.headers:
        return _too_many("headers", limits.headers, "fields")
    octets = sum(len(each.encode(errors="replace")) for field in order.fields for each in field)
    if octets > limits.headers_octets:
        return _invalid("headers", f"have more than {limits.headers_octets} octets", "max_length")
    content = sum(len(each.content) for each in order.attachments)
    content += len(order.raw.content) if order.raw is not None else 0
    content += len(order.text or "") + len(order.html or "") + len(order.amp or "")
    if content > limits.message_octets:
        text = f"The message has more than {limits.message_octets} octets"
        return Fault(kind=FaultKind.TOO_LARGE, message=text, field="body", constraint="max_length")
    return None


def _of_labels(order: Order, limits: OrderLimits) -> Fault | None:
    for field, value in (
        *(("campaign", order.campaign), ("stream", order.stream)),
        ("topic", order.topic),
    ):
        if len(value) > LABEL_CHARACTERS:
            return _too_long(field, LABEL_CHARACTERS)
        if _SPOILED.search(value):
            return _control(field)
    if order.language and not is_tag(order.language):
        return _invalid("language", "is no language; write en, de, pt-BR, for instance", "format")
    if len(order.tags) > limits.tags:
        return _too_many("tags", limits.tags, "tags")
    for each in order.tags:
        if not each:
            return _invalid("tags", "one of them is empty", "min_length")
        if len(each) > limits.tag_characters:
            return _too_long("tags", limits.tag_characters)
        if _SPOILED.search(each):
            return _control("tags")
    for field, url in (
        ("callbackUrl", order.callback_url),
        ("unsubscribeUrl", order.unsubscribe_url),
    ):
        if url and not _is_url(url):
            return _invalid(field, "is no URL: write one like https://example.com/path", "format")
    if order.unsubscribe_url.startswith("http:"):  # RFC 8058 section 3.1
        return _invalid("unsubscribeUrl", "must begin with https:", "format")
    return None


def _of_preheader(order: Order) -> Fault | None:
    if not order.preheader:
        return None
    if order.html is None and order.template is None:
        return _invalid("preheader", "is part of HTML: give bodyHtml, too", "requires")
    if len(order.preheader) > MAX_CHARACTERS:
        return _too_long("preheader", MAX_CHARACTERS)
    return _control("preheader") if _SPOILED.search(order.preheader) else None


def _of_times(order: Order, now: UnixMs) -> Fault | None:
    if order.send_at is not None and order.send_at > now + EVER_MS:
        return _invalid("sendAt", "is more than ten years away", "maximum")
    if order.expires_at is not None:
        if order.expires_at <= max(now, order.send_at or 0):
            return _invalid("expiresAt", "is over before the message is sent", "minimum")
        if order.expires_at > now + 2 * EVER_MS:
            return _invalid("expiresAt", "is more than twenty years away", "maximum")
    return None


def _of_attachments(attachments: Sequence[Attachment], limits: OrderLimits) -> Fault | None:
    if len(attachments) > limits.attachments:
        return _too_many("attachments", limits.attachments, "files")
    for index, each in enumerate(attachments):
        at = f"attachments[{index}]"
        # What is written behind a dot counts, also before blanks and dots that Windows drops
        extension = each.filename.rstrip(". ").rpartition(".")[2].lower()
        if extension in limits.refused_extensions:
            return _invalid(f"{at}.filename", f"files called .{extension} are not sent", "policy")
        kind = each.content_type.partition(";")[0].strip().lower()
        if kind in limits.refused_types:
            return _invalid(f"{at}.contentType", f"files of type {kind} are not sent", "policy")
        if limits.refused_types and is_program(each.content):
            return _invalid(f"{at}.content", "is a program, and these are not sent", "policy")
    return None


def is_program(content: bytes) -> bool:
    """Whether it begins as an executable file of Windows, Linux, macOS or Java does."""
    if content.startswith(_PROGRAMS):
        return True
    if content[:2] != b"MZ" or len(content) < 64:
        return False
    header = int.from_bytes(content[60:64], "little")
    return content[header : header + 4] == b"PE\0\0"


def _of_data(order: Order, limits: OrderLimits) -> Fault | None:
    if (fault := _of_one("metadata", order.metadata, limits.metadata_octets)) is not None:
        return fault
    room = limits.recipient_data_octets
    for name, group in (("to", order.to), ("cc", order.cc), ("bcc", order.bcc)):
        for index, each in enumerate(group):
            if not (each.metadata or each.variables):
                continue
            at = f"recipients[{index}]" if name == "to" else f"{name}[{index}]"
            data = {"metadata": each.metadata, "variables": each.variables}
            octets = _octets(data)
            if octets is None:
                return _control(at)
            room -= octets
            if room < 0:
                limit = limits.recipient_data_octets
                return _invalid(at, f"all of these have more than {limit} octets", "max_length")
    return None


def _of_one(field: str, data: Mapping[str, Any], limit: int) -> Fault | None:
    if not data:
        return None
    octets = _octets(data)
    if octets is None:
        return _control(field)
    if octets > limit:
        return _invalid(field, f"has more than {limit} octets", "max_length")
    return None


def _octets(data: Any) -> int | None:
    try:
        return len(msgspec.json.encode(data))
    except (UnicodeEncodeError, OverflowError, TypeError):
        return None


def addressees(order: Order) -> tuple[Addressee, ...]:
    """Return all who are to get it."""
    return (*order.to, *order.cc, *order.bcc)


def _is_url(text: str) -> bool:
    if len(text) > URL_CHARACTERS or _URL.fullmatch(text) is None:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _missing(field: str, words: str = "") -> Fault:
    text = f"Missing required field: {words or field}"
    return Fault(kind=FaultKind.MISSING, message=text, field=field, constraint="required")


def _invalid(field: str, reason: str, constraint: str) -> Fault:
    message = f"{field}: {reason}"
    return Fault(kind=FaultKind.INVALID, message=message, field=field, constraint=constraint)


def _too_long(field: str, limit: int) -> Fault:
    return _invalid(field, f"is longer than {limit} characters", "max_length")


def _too_many(field: str, limit: int, what: str) -> Fault:
    return _invalid(field, f"more than {limit} {what}", "max_items")


def _control(field: str) -> Fault:
    return _invalid(field, "has a control character, or half of a surrogate pair", "format")
