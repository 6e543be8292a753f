"""What Resend's clients send, as they send it. Pure: records, and nothing of what they mean."""

from typing import Any

import msgspec


class WireAttachment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    content: str | list[Any] | None = None  # base64, or octets
    filename: str = ""
    path: str | None = None  # a URL
    content_type: str = ""
    content_id: str = ""
    inline_content_id: str = ""  # its older name


class WireTag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = ""
    value: str = ""


class WireEmail(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    from_: str = ""
    to: str | list[str] = ""
    cc: str | list[str] = ""
    bcc: str | list[str] = ""
    reply_to: str | list[str] = ""
    subject: str = ""
    html: str | None = None
    text: str | None = None
    headers: dict[str, Any] = {}
    tags: list[WireTag] = []
    attachments: list[WireAttachment] = []
    scheduled_at: str = ""
    template: Any = None
    topic_id: Any = None


class WireReschedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = ""  # Python's client repeats it from the path
    scheduled_at: str = ""
