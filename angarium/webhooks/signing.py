"""Signatures of Standard Webhooks, which every request bears, under both of their names. No I/O."""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks.webhooks import Webhook as Signer

from angarium.queue.model import UnixMs

_PREFIXES: Final = ("webhook", "svix")


def signature_headers(
    event_id: str, body: bytes, secrets: Sequence[str], now: UnixMs
) -> dict[str, str]:
    """Return the headers; one signature for each of the ``secrets``, the newest first.

    ``body``: UTF-8, as it goes over the wire.
    """
    at = datetime.fromtimestamp(now // 1000, UTC)
    text = body.decode()
    signatures = " ".join(_signer(each).sign(event_id, at, text) for each in secrets)
    values = {"id": event_id, "timestamp": str(now // 1000), "signature": signatures}
    return {f"{prefix}-{name}": value for prefix in _PREFIXES for name, value in values.items()}


@functools.lru_cache(maxsize=1024)  # of pure values
def _signer(secret: str) -> Signer:
    return Signer(secret)
