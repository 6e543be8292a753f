"""What a sender said of a message for people and programs, not for its delivery: kept in its ``accepted`` event. Pure.

Status, lists and webhooks show it. On disk it is one JSON object, of which a newer version may have more members.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

# Ours: metadata of a message has 64 KB, that of its recipients the rest
MAX_OCTETS: Final = 256 * 1024


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    subject: str = ""
    author: str = ""  # "Shop <noreply@example.com>", as a person would write it
    to: tuple[str, ...] = ()  # likewise
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = {}
    # Metadata and variables of one recipient, by address
    recipients: Mapping[str, Mapping[str, Any]] = {}
    variables: Mapping[str, Mapping[str, Any]] = {}
    dialect: str = ""  # by which API it came; "": by none
    request_id: str = ""  # several messages of one request share it
    key_id: str = ""
    # The trace that its request was a part of (W3C Trace Context); "": it said none
    trace_parent: str = ""
    requested_at: int = 0  # when its request came
    callback_url: str = ""
    send_at: int = 0  # when it was to be sent; 0: at once
    sandbox: bool = False
    template_id: str = ""  # the template that it was made of; "": of none
    template_alias: str = ""  # as it was then
    template_version: int = 0


_NOTHING: Final = About()
_encode: Final = msgspec.json.Encoder().encode


def encode_about(about: About) -> bytes:
    """Return b"" for what says nothing."""
    return b"" if about == _NOTHING else _encode(about)


def decode_about(octets: bytes) -> About:
    """What cannot be read says nothing: it is not needed for delivery."""
    if not octets:
        return About()
    try:
        return msgspec.json.decode(octets, type=About)
    except (msgspec.DecodeError, RecursionError):
        return About()
