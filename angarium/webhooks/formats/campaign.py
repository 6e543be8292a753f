"""What the callback of a campaign is told: its status and its counts, signed once more under ``X-Signature``. Pure."""

import hashlib
import hmac
from typing import Final

from angarium.telemetry.timestamp import rfc3339
from angarium.webhooks.formats.written import Sealing, Written, encoded
from angarium.webhooks.happening import Happening

SIGNATURE: Final = "X-Signature"
_SUMMARY: Final = (
    *("delivered", "bounced", "complained", "opened", "clicked", "sent", "refused"),
    *("suppressed", "expired", "cancelled", "unsubscribed"),
)


def write(happening: Happening, sealing: Sealing) -> Written:
    """The signature: hex of the HMAC-SHA256 of the body, as it is sent; its key is the secret's text."""
    facts = happening.facts
    body = encoded(
        {
            "transaction_id": facts.get("campaign", ""),
            "status": facts.get("status", ""),
            "timestamp": rfc3339(happening.at),
            "summary": {
                "total_messages": facts.get("accepted", 0),
                **{name: facts.get(name, 0) for name in _SUMMARY},
            },
        }
    )
    signature = hmac.new(sealing.secret.encode(), body, hashlib.sha256).hexdigest()
    return Written(body=body, headers={SIGNATURE: signature})
