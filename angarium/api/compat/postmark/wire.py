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


class WireMessage(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=postmarks_name
):
    """What an email has whether it is written or made of a template."""

    from_: str = ""
    to: str = ""  # with commas between several, as all that is addresses here
    cc: str = ""
    bcc: str = ""
    # Of a message that is made of a template they are read to be refused
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


class WireEmail(WireMessage, frozen=True, kw_only=True):
    pass


class WireTemplated(WireMessage, frozen=True, kw_only=True):
    # Not TemplateID, as others are
    template_id: int | str | None = msgspec.field(name="TemplateId", default=None)
    template_alias: str = ""
    template_model: dict[str, Any] = {}
    inline_css: bool | None = None


class WireTemplateContent(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=postmarks_name
):
    """To make a template, or to change it: what is left out stays."""

    name: str | None = None
    alias: str | None = None
    subject: str | None = None
    html_body: str | None = None
    text_body: str | None = None
    template_type: str | None = None
    layout_template: str | None = None


class WireTrial(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=postmarks_name
):
    subject: str | None = None
    html_body: str | None = None
    text_body: str | None = None
    test_render_model: dict[str, Any] = {}
    inline_css_for_html_test_render: bool | None = None
    template_type: str | None = None
    layout_template: str | None = None
