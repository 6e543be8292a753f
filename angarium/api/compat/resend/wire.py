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


class WireTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = ""  # or its alias
    variables: dict[str, Any] = {}


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
    template: WireTemplate = WireTemplate()
    topic_id: Any = None


class WireReschedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = ""  # Python's client repeats it from the path
    scheduled_at: str = ""


class WireCapabilities(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sending: str = ""
    receiving: str = ""


class WireDomain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To make one, or to change it; Python's client repeats the id from the path."""

    id: str = ""
    name: str = ""
    region: Any = None
    custom_return_path: Any = None
    open_tracking: bool = False
    click_tracking: bool = False
    tls: str = ""
    capabilities: WireCapabilities = WireCapabilities()
    tracking_subdomain: Any = None


class WireKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = ""
    permission: str = ""
    domain_id: Any = None


class WireSuppression(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: str = ""


class WireSuppressions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    emails: list[str] = []
    ids: list[str] = []


class WireWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To make one, or to change it; Python's client repeats the id from the path."""

    webhook_id: str = ""
    endpoint: str = ""
    events: list[str] = []
    status: str = ""


class WireVariable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str = ""
    type: str = ""
    fallback_value: Any = None
    # As they were shown, if a client sends them back
    id: str = ""
    created_at: str = ""
    updated_at: str = ""


class WireTemplateContent(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    """To make a template, or to change it: what is left out stays."""

    name: str | None = None
    alias: str | None = None
    from_: str | None = None
    reply_to: Any = None
    subject: str | None = None
    html: str | None = None
    text: str | None = None
    variables: list[WireVariable] | None = None
