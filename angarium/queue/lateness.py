"""What becomes of a recipient that had no attempt yet, and whose time came and went. Pure."""

from datetime import UTC, datetime
from typing import Literal

import msgspec

from angarium.queue.model import UnixMs


class Late(msgspec.Struct, frozen=True):
    act: Literal["skip", "hold"]
    reason: str  # for its event


def find_lateness(
    *, if_missed: str, due: int, given_end: int | None, now: int, grace_ms: int
) -> Late | None:
    """Say what its sender wants instead of an attempt; None: an attempt.

    A start is missed when it is ``grace_ms`` and more ago. ``given_end``: when its sender said that its time is over;
    None: nobody said so.
    """
    if given_end is not None and now >= given_end:
        return Late(
            "skip", f"its sender wanted it sent by {_text(given_end)}, and nobody was there"
        )
    if now - due < grace_ms or if_missed not in ("skip", "hold"):
        return None
    reason = f"its start at {_text(due)} was missed"
    return Late("skip", reason) if if_missed == "skip" else Late("hold", reason)


def start_of(accepted: int, not_before: int) -> UnixMs:
    """Return when its time begins to run."""
    return UnixMs(max(accepted, not_before))


def _text(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
