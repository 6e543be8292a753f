"""How much of a rate is left. Values. Pure."""

from typing import Protocol

import msgspec

from angarium.queue.model import UnixMs


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a rate is left after a request: what RateLimit-* headers say."""

    limit: int  # requests per second
    remaining: int
    reset_ms: int  # until all of it is there again
    wait_ms: int  # until one more is allowed; 0: this one was


class Rates(Protocol):
    """``shared_rates`` has it, over all processes. Names are ``key:ID`` and ``tenant:NAME``, however they send, and
    ``login:ADDRESS``.
    """

    def take(self, name: str, per_second: int, now: UnixMs) -> Allowance:
        """Count one request of a key or tenant, unless it has to wait."""
        ...
