"""How often mail to an address was given up for reasons that may pass: what is remembered between two failures. Pure.

What it comes to is ``feedback.suppression_policy``.
"""

from typing import Final

import msgspec

from angarium.queue.model import MessageId, UnixMs

# Ours: addresses of which it is remembered, some 100 octets each; further ones are not counted until some are forgotten
TROUBLE_LIMIT: Final = 1_000_000
_NONE: Final = MessageId(b"")


class Trouble(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Of one address. On disk as it stands: fields are only ever appended, with defaults."""

    failures: int  # counted, without a delivery between
    last_at: UnixMs  # the last one that was counted
    level: int = 0  # suppressions that this has led to
    # This message was delivered since: it is over, unless a report says that just that one came back
    delivered: MessageId = _NONE
