"""On what terms a batch of submissions is accepted: once for a key, and within a tenant's quotas. Values. Pure."""

from typing import Literal

import msgspec

from angarium.queue.model import UnixMs

QuotaPeriod = Literal["second", "hour", "day", "month"]


class OnceKey(msgspec.Struct, frozen=True, kw_only=True):
    """A client's idempotency key: what it stands for is accepted once."""

    tenant: str
    key: str  # at most 256 characters
    digest: bytes  # SHA-256 of what was asked: another one under the same key is refused
    answer: bytes  # kept with the key, and returned to who asks again
    expires: UnixMs


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """How many recipients of a tenant may be accepted in a period (of UTC)."""

    period: QuotaPeriod
    limit: int


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    once: OnceKey | None = None
    tenant: str = ""  # whose quotas they are
    quotas: tuple[Quota, ...] = ()
    # wait: first due when a period opens that has room
    over_quota: Literal["refuse", "wait"] = "refuse"


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The batch is durable, with its key and its counts, in one transaction."""

    not_before: UnixMs = UnixMs(0)  # of what waits for its quota; 0: nothing does


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """The key has been used for the same before: nothing was written."""

    answer: bytes


class KeyReused(msgspec.Struct, frozen=True, kw_only=True):
    """The key has been used for something else: nothing was written."""


class OverQuota(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was written, nothing counted."""

    quota: Quota
    until: UnixMs  # when its next period begins


AcceptOutcome = Stored | Repeated | KeyReused | OverQuota
