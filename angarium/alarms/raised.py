"""An alarm of one subject that is raised, or is over: as it is kept on disk, and shown. Pure."""

import hashlib
from typing import Final

import msgspec

from angarium.alarms.subject import Subject
from angarium.config.alarms import AlarmUnit, Severity
from angarium.queue.model import UnixMs

# Ours, of what a reading says in words
DETAIL: Final = 500


class Raised(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """On disk as it stands: fields are only ever appended."""

    id: str  # of this time that it is raised: in events, notices and commands
    alarm: str
    subject: Subject
    severity: Severity
    unit: AlarmUnit
    level: float
    since: UnixMs  # when it crossed the level
    raised_at: UnixMs  # when it had been there for long enough
    figure: float  # now, or when it ended
    worst: float
    volume: int | None = None
    detail: str = ""
    ended_at: UnixMs | None = None  # None: it is raised
    why_ended: str = ""
    # By target: when it was told last that it is raised
    told: dict[str, UnixMs] = {}
    # Targets that were told that it is over
    told_end: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, Subject]:
        return self.alarm, self.subject


def new_id(alarm: str, subject: Subject, at: UnixMs) -> str:
    """Return a name for this time: short, and the same for the same."""
    octets = f"{alarm}\0{subject.kind}\0{subject.name}\0{at}".encode()
    return f"al_{hashlib.blake2b(octets, digest_size=8).hexdigest()}"
