"""What the lake's parts tell each other. Plain values."""

from typing import Final

import msgspec

HOUR_MS: Final = 3_600_000
DAY_HOURS: Final = 24


class LakeAwayError(OSError):
    """The lake cannot be used now; says why. What is in it is as it was."""


class RebuildNeededError(LakeAwayError):
    """Files are there that no catalogue knows, and somebody is to say that what is missing may be."""


class LakeFile(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the catalogue: a file that counts."""

    id: int
    path: str  # below the lake's folder; also the key behind the bucket's prefix
    hour: int  # of its first events, since 1970
    hours: int  # that they are of: 1, or DAY_HOURS, which begin at midnight
    era: int
    first: int  # sequence numbers of its events, which may have gaps
    last: int
    rows: int
    octets: int
    tenant: str | None  # whose all of its events are; None: of several, or of none
    revision: int
    is_part: bool  # as the writer made it, not yet compacted
    is_local: bool
    is_remote: bool  # in the bucket


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A file that does not count any more, and may still be there."""

    path: str
    is_local: bool
    is_remote: bool


class NewFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is on disk under its name and is to count from now on."""

    path: str
    hour: int
    hours: int
    era: int
    first: int
    last: int
    rows: int
    octets: int
    tenant: str | None
    revision: int
    is_part: bool
    is_local: bool = True
    is_remote: bool = False


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """Events of an era up to its position that no file has, and that the event log is to give again."""

    era: int
    first: int
    last: int


class Untouched(msgspec.Struct, frozen=True, kw_only=True):
    """A file under a lake's name that counts as nothing and is nobody's to remove: it is broken, or none of ours."""

    path: str
    reason: str  # for people


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All that a catalogue has, as it is read from files."""

    eras: tuple["Era", ...]
    files: tuple[NewFile, ...]
    holes: tuple[Hole, ...] = ()
    untouched: tuple[Untouched, ...] = ()
    gone: tuple[Gone, ...] = ()  # ours, and what others were made of


class DayOfHours(msgspec.Struct, frozen=True, kw_only=True):
    """Files of hours of one day and era."""

    hour: int  # the day's first
    era: int
    files: int
    newest_ms: int  # when the last of them was made
    is_late: bool  # the day has a file of its own already, which these came after


class Era(msgspec.Struct, frozen=True, kw_only=True):
    """One queue's events, from the first that the lake got of it."""

    id: int
    queue: bytes
    start: int | None  # sequence number before the first; None: none came yet
    position: int  # all behind start and up to here is in files, was let go, or never came
    skipped: int  # of these, that never came, given up while the lake could not be written; or were lost with files
    forgotten: int  # of these, that were old and let go
