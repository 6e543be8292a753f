"""Variables that each template has without being given them: codes that are replaced once the mail is built, since what
they stand for is another one for each recipient. Pure.
"""

from typing import Final

_UNSUBSCRIBE: Final = "{{unsubscribe_url}}"
# By name: the code. A value that is given wins
CODES: Final = {
    "unsubscribe_url": _UNSUBSCRIBE,
    "preferences_url": "{{preferences_url}}",
    "postal_address": "{{postal_address}}",
    # As vendors call it
    "amazonSESUnsubscribeUrl": _UNSUBSCRIBE,
    "RESEND_UNSUBSCRIBE_URL": _UNSUBSCRIBE,
}
