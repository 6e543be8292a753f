"""What narrows the configured limits just now: rules, holds, warm-ups, sources that are out. Plain values."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from angarium.queue.model import UnixMs

NarrowingKind = Literal["rule", "warm_up", "source", "hold", "quota", "smart_host"]


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """So many recipients in each period; what is left of one is not carried over."""

    left: int  # of this period
    per_period: int
    renews_at: UnixMs
    period_ms: int


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, of one source at one provider or of more."""

    kind: NarrowingKind
    name: str  # what undoes it or shows more of it is given this name
    text: str  # what it does, and why: "2 connections instead of 10, after '421 4.7.0 slow down'"
    source: str = ""  # "": every one
    provider: str = ""
    scope: str = ""  # what it is bound to beyond these: "tenant shop"
    until: UnixMs | None = None
    # What it does to a source at a provider as a whole; left as they are, it does nothing of that
    suspends: bool = False
    messages_per_s: float | None = None
    allowance: Allowance | None = None

    def concerns(self, source: str, provider: str) -> bool:
        return self.source in ("", source) and self.provider in ("", provider)


class SaysNarrowings(Protocol):
    """A gate that people can ask."""

    def narrowings(self, now: UnixMs) -> Sequence[Narrowing]: ...
