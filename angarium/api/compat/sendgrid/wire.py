"""What SendGrid's clients send, as they send it. Pure: records, and nothing of what they mean."""

from typing import Any

import msgspec


class WireAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: str = ""
    name: str = ""


class WirePersonalization(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    from_: WireAddress | None = None
    to: list[WireAddress] = []
    cc: list[WireAddress] = []
    bcc: list[WireAddress] = []
    subject: str = ""
    headers: dict[str, Any] = {}
    substitutions: dict[str, Any] = {}
    dynamic_template_data: dict[str, Any] = {}
    custom_args: dict[str, Any] = {}
    send_at: int | None = None


class WireContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: str = ""
    value: str | None = None


class WireAttachment(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"camel_content_id": "contentId"},
):
    content: str | None = None
    type: str = ""
    filename: str = ""
    disposition: str = ""
    content_id: str = ""
    camel_content_id: str = ""  # as Node's type has it, and its client passes on


class WireSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """A setting, on or off; what else it has counts only where it is on."""

    enable: bool = False


class WireSandbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enable: bool = False


class WireAsm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    group_id: int | None = None
    groups_to_display: list[int] = []


class WireMailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sandbox_mode: WireSandbox = WireSandbox()
    bypass_list_management: WireSwitch | None = None
    bypass_spam_management: WireSwitch | None = None
    bypass_bounce_management: WireSwitch | None = None
    bypass_unsubscribe_management: WireSwitch | None = None
    footer: WireSwitch | None = None
    bcc: WireSwitch | None = None
    spam_check: WireSwitch | None = None


class WireClickTracking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enable: bool | None = None
    enable_text: bool | None = None


class WireOpenTracking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enable: bool | None = None
    substitution_tag: str | None = None


class WireTrackingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    click_tracking: WireClickTracking = WireClickTracking()
    open_tracking: WireOpenTracking = WireOpenTracking()
    subscription_tracking: WireSwitch | None = None
    ganalytics: WireSwitch | None = None


class WireMail(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    personalizations: list[WirePersonalization] = []
    from_: WireAddress | None = None
    reply_to: WireAddress | None = None
    reply_to_list: list[WireAddress] = []
    subject: str = ""
    content: list[WireContent] = []
    attachments: list[WireAttachment] = []
    template_id: str = ""
    sections: dict[str, Any] = {}
    headers: dict[str, Any] = {}
    categories: str | list[str] = []
    custom_args: dict[str, Any] = {}
    send_at: int | None = None
    batch_id: Any = None
    asm: WireAsm | None = None
    ip_pool_name: str = ""
    mail_settings: WireMailSettings = WireMailSettings()
    tracking_settings: WireTrackingSettings = WireTrackingSettings()
