"""On what terms a batch of submissions is accepted: once for a key, and within a tenant's quotas. Values. Pure."""

from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs

# Of a client's idempotency key, in characters
MAX_KEY_CHARACTERS: Final = 256
# Ours, of what is answered to who asks again: the answers to a batch of 1,000 take a quarter of it
MAX_ANSWER_OCTETS: Final = 512 * 1024

QuotaPeriod = Literal["second", "hour", "day", "month"]


class OnceKey(msgspec.Struct, frozen=True, kw_only=True):
    """A client's idempotency key: what it stands for is accepted once."""

    tenant: str
    key: str  # at most MAX_KEY_CHARACTERS
    digest: bytes  # SHA-256 of what was asked: another one under the same key is refused
    answer: bytes  # kept with the key, and returned to who asks again; at most MAX_ANSWER_OCTETS
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

    not_before: UnixMs = UnixMs(0)  # of the last that waits for its quota; 0: nothing does


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """The key has been used for the same before: nothing was written."""

    answer: bytes


class KeyReused(msgspec.Struct, frozen=True, kw_only=True):
    """The key has been used for something else: nothing was written."""


class OverQuota(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was written, nothing counted."""

    quota: Quota
    until: UnixMs  # when its next period begins
    # More recipients than the quota has at all: it will never have room for them
    too_many: bool = False


AcceptOutcome = Stored | Repeated | KeyReused | OverQuota
