"""What SES makes of a message that is written already: its envelope, and the fields that speak to SES alone. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid
from angarium.api.compat.raw_mail import RawMessage, open_raw
from angarium.intake.order import Addressee, FaultError, RawMail
from angarium.smtp.address import AddressSyntaxError, parse_mailbox

FIELD: Final = "Content.Raw.Data"
_SET: Final = b"x-ses-configuration-set"
_TAGS: Final = b"x-ses-message-tags"
_LIST: Final = b"x-ses-list-management-options"
_FOR_SES: Final = frozenset({_SET, _TAGS, _LIST})
# Of django-anymail: they go on with the mail, and come back in its events
_METADATA: Final = b"x-metadata"
_TAG: Final = b"x-tag"


class RawParts(msgspec.Struct, frozen=True, kw_only=True):
    mail: RawMail
    to: tuple[Addressee, ...] = ()  # of its header, where the request names no destination
    cc: tuple[Addressee, ...] = ()
    bcc: tuple[Addressee, ...] = ()
    stream: str = ""
    tags: tuple[str, ...] = ()
    topic: str = ""
    metadata: dict[str, Any] = {}


def read_raw(octets: bytes, *, reverse_path: str, has_destination: bool) -> RawParts:
    """Raises FaultError. ``reverse_path``: of the request; "": it is its Return-Path, or else its author's."""
    message = open_raw(octets, FIELD)
    to: tuple[Addressee, ...] = ()
    cc: tuple[Addressee, ...] = ()
    bcc: tuple[Addressee, ...] = ()
    if not has_destination:
        to, cc, bcc = (
            message.addressees(name, f"{FIELD} ({name.decode().title()})")
            for name in (b"to", b"cc", b"bcc")
        )
    content = message.without(_FOR_SES)
    if b"mime-version" not in message.header.names:
        content = b"MIME-Version: 1.0\r\n" + content
    return RawParts(
        mail=RawMail(content=content, reverse_path=reverse_path or _return_path(message)),
        to=to,
        cc=cc,
        bcc=bcc,
        stream="".join(message.values(_SET)[-1:]),
        tags=(*_message_tags(message), *message.values(_TAG)),
        topic=_topic(message),
        metadata=metadata_in(message.values(_METADATA)),
    )


def _return_path(message: RawMessage) -> str:
    text = "".join(message.values(b"return-path")[-1:]).strip(" <>")
    if not text:
        return ""
    try:
        return parse_mailbox(text).text
    except AddressSyntaxError as error:
        reason = f"cannot be read: {error.refusal.text}"
        raise FaultError(invalid(f"{FIELD} (Return-Path)", reason, text)) from None


def _message_tags(message: RawMessage) -> list[str]:
    """``campaign=welcome, kind=news``"""
    tags: list[str] = []
    for value in message.values(_TAGS):
        for each in filter(None, map(str.strip, value.split(","))):
            name, equals, said = each.partition("=")
            if not (name.strip() and equals and said.strip()):
                raise FaultError(
                    invalid("X-SES-MESSAGE-TAGS", "is not like name=value, name=value")
                )
            tags.append(f"{name.strip()}:{said.strip()}")
    return tags


def _topic(message: RawMessage) -> str:
    """``customers; topic=offers``: of the one list that a tenant has here, whatever it is called."""
    value = "".join(message.values(_LIST)[-1:])
    if not value:
        return ""
    name, _, option = value.partition(";")
    key, equals, topic = option.partition("=")
    if not (name.strip() and key.strip().lower() == "topic" and equals and topic.strip()):
        text = "is not like list; topic=name, where the name is that of one of your topics"
        raise FaultError(invalid("X-SES-LIST-MANAGEMENT-OPTIONS", text))
    return topic.strip()


def metadata_in(values: Sequence[str]) -> dict[str, Any]:
    """Of a field X-Metadata; what is no JSON object is a field as any other."""
    if len(values) != 1:
        return {}
    try:
        found = msgspec.json.decode(values[0])
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
