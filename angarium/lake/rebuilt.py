"""What is told of a lake whose catalogue is made anew: which files count, what is missing, and what of it comes again.
Plain values.
"""

import msgspec

from angarium.lake.model import Found


class LoggedEvents(msgspec.Struct, frozen=True, kw_only=True):
    """What the event log of the queue here still has."""

    queue: bytes  # its identity
    oldest: int
    newest: int  # oldest - 1: nothing


class There(msgspec.Struct, frozen=True, kw_only=True):
    """A file under a lake's name, and where it is."""

    path: str
    octets: int
    is_local: bool
    is_remote: bool


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Events that no counting file has."""

    first: int
    last: int
    begun_ms: int | None  # when what comes behind it happened; None: nothing does


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Events, by their sequence numbers."""

    era: int
    first: int
    last: int


class RebuiltEra(msgspec.Struct, frozen=True, kw_only=True):
    """One queue's events."""

    era: int
    first: int
    last: int  # in files, or that ought to be in one
    rows: int  # in files that count
    forgotten: int  # taken for let go, with older files
    coming: int  # in no file; the event log has them, and gives them again
    lost: int  # in no file, and nowhere else


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    found: Found
    eras: tuple[RebuiltEra, ...]
    coming: tuple[Stretch, ...]  # the first of them; those behind all files, too
    lost: tuple[Stretch, ...]  # likewise
    # Behind which event the log is to give them again; None: no log goes on with this lake
    rewind: int | None

    @property
    def is_whole(self) -> bool:
        """Nothing was lost, and no file that is ours is left out."""
        return not self.found.untouched and not any(each.lost for each in self.eras)
