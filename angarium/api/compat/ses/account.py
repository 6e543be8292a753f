"""What SES says of an account, of a tenant: how much it may send, and that it may. Pure."""

from typing import Any, Final

import msgspec

_UNLIMITED: Final = -1.0  # in Amazon's own words


class AccountFigures(msgspec.Struct, frozen=True, kw_only=True):
    per_second: int  # of the key
    per_day: int | None = None  # None: there is no limit
    # Of recipients, since the day began; None: they are not counted
    used_today: int | None = None


def account_of(figures: AccountFigures) -> dict[str, Any]:
    quota = {
        "Max24HourSend": _UNLIMITED if figures.per_day is None else float(figures.per_day),
        "MaxSendRate": float(figures.per_second),
    }
    if figures.used_today is not None:
        quota["SentLast24Hours"] = float(figures.used_today)
    return {
        "DedicatedIpAutoWarmupEnabled": False,
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": True,
        "SendQuota": quota,
        "SendingEnabled": True,
        "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
    }
