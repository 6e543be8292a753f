"""What SendGrid's mail_settings and tracking_settings come to for an order; what we lack is refused by name. Pure."""

from typing import Any, Final

from angarium.api.compat.faults import unsupported
from angarium.api.compat.sendgrid.wire import (
    WireMailSettings,
    WireSwitch,
    WireTrackingSettings,
)
from angarium.intake.order import FaultError

_BYPASS: Final = "suppressed addresses get no mail, whoever asks for it"
_REASONS: Final = {
    "bypass_list_management": _BYPASS,
    "bypass_spam_management": _BYPASS,
    "bypass_bounce_management": _BYPASS,
    "bypass_unsubscribe_management": _BYPASS,
    "footer": "write it into content",
    "bcc": "give the address in a personalization's bcc",
    "spam_check": "mail is not scored",
    "subscription_tracking": "write the link into content",
    "ganalytics": "write its parameters into the links",
}


def read_settings(mail: WireMailSettings, tracking: WireTrackingSettings) -> dict[str, Any]:
    """Return fields of an order. A setting that is off is one that is not there. Raises FaultError."""
    for at, settings in (("mail_settings", mail), ("tracking_settings", tracking)):
        for name in settings.__struct_fields__:
            value = getattr(settings, name)
            if name in _REASONS and isinstance(value, WireSwitch) and value.enable:
                raise FaultError(unsupported(f"{at}.{name}", _REASONS[name]))
    opens, clicks = tracking.open_tracking, tracking.click_tracking
    if opens.enable and opens.substitution_tag:
        field = "tracking_settings.open_tracking.substitution_tag"
        raise FaultError(unsupported(field, "the picture stands at the end of the HTML"))
    if clicks.enable and clicks.enable_text:
        field = "tracking_settings.click_tracking.enable_text"
        raise FaultError(unsupported(field, "links are followed in HTML alone"))
    return {
        "sandbox": mail.sandbox_mode.enable,
        "track_opens": opens.enable,
        "track_clicks": clicks.enable,
    }
