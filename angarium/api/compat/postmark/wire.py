"""What Postmark's clients send, as they send it. Pure: records, and nothing of what they mean."""

from typing import Any, Literal

import msgspec

TrackLinks = Literal["None", "HtmlAndText", "HtmlOnly", "TextOnly"]


def postmarks_name(name: str) -> str:
    """``html_body`` is HtmlBody, ``content_id`` ContentID, and ``from_`` From."""
    return "".join("ID" if each == "id" else each.capitalize() for each in name.split("_"))


class WireHeader(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=postmarks_name
):
    name: str = ""
    value: Any = None


class WireAttachment(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=postmarks_name
):
    name: str = ""
    content: str | None = None
    content_type: str = ""
    content_id: str = ""


class WireTemplateBatch(msgspec.Struct, frozen=True, rename=postmarks_name):
    messages: list[msgspec.Raw] = []


class WireEmail(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=postmarks_name
):
    from_: str = ""
    to: str = ""  # with commas between several, as all that is addresses here
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text_body: str | None = None
    html_body: str | None = None
    reply_to: str = ""
    tag: str = ""
    headers: list[WireHeader] = []
    metadata: dict[str, Any] = {}
    message_stream: str = ""
    track_opens: bool | None = None
    track_links: TrackLinks | None = None
    attachments: list[WireAttachment] = []
