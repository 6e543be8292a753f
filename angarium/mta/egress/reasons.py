"""Why a lane's mail was last kept waiting by our own policy, for ``explain``. Pure."""

from collections import Counter
from typing import Final

import msgspec

from angarium.mta.backlog import Lane
from angarium.mta.egress.policy import Gate, Wait
from angarium.queue.model import UnixMs

# Remembered; the one that waited longest ago is forgotten first. Ours: a megabyte or two.
LANES: Final = 10_000


class LaneWait(msgspec.Struct, frozen=True, kw_only=True):
    lane: Lane
    source: str
    at: UnixMs  # when it was told so
    until: UnixMs
    reason: str
    gate: Gate


class Reasons:
    """In memory, per delivery process; the last one of a lane and source stays when its wait is over."""

    def __init__(self) -> None:
        self._last: dict[tuple[Lane, str], LaneWait] = {}
        self.counts: Counter[Gate] = Counter()  # waits since the start

    def note(self, lane: Lane, source: str, wait: Wait, now: UnixMs) -> None:
        self._last.pop((lane, source), None)
        self._last[lane, source] = LaneWait(
            lane=lane,
            source=source,
            at=now,
            until=wait.until,
            reason=wait.reason,
            gate=wait.gate,
        )
        self.counts[wait.gate] += 1
        if len(self._last) > LANES:
            del self._last[next(iter(self._last))]

    def reasons_of(
        self, *, tenant: str | None = None, provider: str | None = None, stream: str | None = None
    ) -> list[LaneWait]:
        """Return the last waits of the lanes that are meant, by source, the newest first. None: whatever it is."""
        return [
            each
            for each in reversed(self._last.values())
            if tenant in (None, each.lane.tenant)
            and provider in (None, each.lane.provider)
            and stream in (None, each.lane.stream)
        ]
