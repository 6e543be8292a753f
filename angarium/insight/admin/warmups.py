"""How far warm-ups have come, and what operators do to them. Answered by the delivery processes, each for its own."""

from typing import Final

import msgspec

from angarium.insight.admin.protocol import Question
from angarium.queue import UnixMs
from angarium.reputation.warmups import WarmupAct, WarmupStatus

# Ours, of one answer
WARMUPS_LISTED: Final = 5000


class ShownWarmup(msgspec.Struct, frozen=True, kw_only=True):
    status: WarmupStatus
    queued: int  # recipients of the provider, as far as they are known
    eta: UnixMs | None  # when this source alone has sent them; None: it is warm by then


class ShownWarmups(msgspec.Struct, frozen=True):
    warmups: tuple[ShownWarmup, ...]  # by source and provider
    left_off: int = 0  # more than are named


class ShowWarmups(Question[ShownWarmups, None], frozen=True, tag="warmups"):
    """Those that have begun: a source has had mail for the provider."""

    # Recipients by provider: the platform process knows
    queued: dict[str, int] = msgspec.field(default_factory=dict)


class ChangedWarmups(msgspec.Struct, frozen=True):
    warmups: tuple[WarmupStatus, ...]  # as they are from now on; none: none of these is here


class ChangeWarmups(Question[ChangedWarmups, None], frozen=True, tag="change_warmups"):
    """Answered once it is on disk, with an event of who did it."""

    act: WarmupAct
    source: str
    provider: str | None = None  # None: at every one where it has begun
    reason: str = ""
