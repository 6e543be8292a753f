"""What nobody is told of for a while: silences, each with an end. Pure."""

from typing import Final

import msgspec

from angarium.alarms.raised import Raised
from angarium.alarms.subject import Subject
from angarium.queue.model import UnixMs

# Ours: with more of them nobody knows any more what is silenced
MAX_SILENCES: Final = 100
# Ours: what is silenced for longer should be turned off, in the configuration
MAX_MS: Final = 30 * 86_400_000
REASON: Final = 500  # characters


class Silence(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Invariant SIL1: it has an end. On disk as it stands: fields are only ever appended."""

    id: int
    alarm: str  # "": all of them
    subject: Subject | None  # None: of whatever subject; one of the whole silences its parts
    since: UnixMs
    until: UnixMs
    who: str
    reason: str = ""

    def covers(self, raised: Raised, now: UnixMs) -> bool:
        if now >= self.until:  # SIL1
            return False
        if self.alarm not in ("", raised.alarm):
            return False
        if self.subject is None or self.subject == raised.subject:
            return True
        return raised.subject.is_part_of(self.subject)
