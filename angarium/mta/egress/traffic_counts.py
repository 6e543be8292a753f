"""What went out of late, by source and provider: counts in windows that roll on. Pure: times are arguments.

In memory, per delivery process: a restart begins anew. What was sent for good is in the event log.
"""

from array import array
from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.mta.egress.lease import PlaceKey
from angarium.mta.transport.outcome import Outcome, Permanent, Taken, Transient
from angarium.queue.model import UnixMs

# Of source and provider; who was used longest ago, to a few seconds, is forgotten first. Ours: 40 MB at most
MAX_PATHS: Final = 10_000
MINUTE_MS: Final = 60_000
TEN_MINUTES_MS: Final = 600_000
HOUR_MS: Final = 3_600_000
# Ours: so exact is a window's beginning
_FINE_MS: Final = 5_000
_COARSE_MS: Final = 120_000


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a span of time."""

    messages: int = 0  # transactions that came to an end
    delivered: int = 0  # recipients, as the next three
    deferred: int = 0
    bounced: int = 0
    connections: int = 0  # opened
    refused: int = 0  # connections that could not be opened
    busy_ms: int = 0  # of all these transactions together

    @property
    def recipients(self) -> int:
        return self.delivered + self.deferred + self.bounced

    def __add__(self, other: "Tally") -> "Tally":
        mine, others = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Tally(**dict(zip(_FIELDS, map(sum, zip(mine, others, strict=True)), strict=True)))


_FIELDS: Final = Tally.__struct_fields__
_WIDTH: Final = len(_FIELDS)
_MESSAGES, _DELIVERED, _DEFERRED, _BOUNCED, _CONNECTIONS, _REFUSED, _BUSY_MS = range(_WIDTH)


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """The same over spans that end now."""

    minute: Tally = Tally()
    ten_minutes: Tally = Tally()
    hour: Tally = Tally()

    def __add__(self, other: "Windows") -> "Windows":
        return Windows(
            minute=self.minute + other.minute,
            ten_minutes=self.ten_minutes + other.ten_minutes,
            hour=self.hour + other.hour,
        )


class _Ring:
    """The last slots of time, each with a row of counts."""

    def __init__(self, slot_ms: int, span_ms: int) -> None:
        self._slot_ms = slot_ms
        self._slots = span_ms // slot_ms
        self._cells = array("Q", bytes(8 * _WIDTH * self._slots))
        self._last = 0  # the newest slot that has a row

    def add(self, row: Sequence[int], at: UnixMs) -> None:
        start = self._row_of(at)
        for place, number in enumerate(row, start):
            self._cells[place] += number

    def tally(self, span_ms: int, now: UnixMs) -> Tally:
        """Return the sum over the slots of ``span_ms`` that end with the one of ``now``."""
        self._row_of(now)
        first = self._last - span_ms // self._slot_ms + 1
        starts = [slot % self._slots * _WIDTH for slot in range(first, self._last + 1)]
        sums = [sum(self._cells[start + place] for start in starts) for place in range(_WIDTH)]
        return Tally(**dict(zip(_FIELDS, sums, strict=True)))

    def _row_of(self, now: UnixMs) -> int:
        """Return where the row of ``now`` begins; rows of slots that are over are used again."""
        slot = now // self._slot_ms
        if slot < self._last - self._slots:
            self._last = slot - self._slots  # the clock was set back by more than all that is kept
        # Set back by less: counted in the newest slot, until time has caught up
        for new in range(max(self._last + 1, slot - self._slots + 1), slot + 1):
            start = new % self._slots * _WIDTH
            self._cells[start : start + _WIDTH] = array("Q", bytes(8 * _WIDTH))
        self._last = max(self._last, slot)
        return self._last % self._slots * _WIDTH


class _Path:
    """The newest fine slot is a list, for speed: nearly every count is of it."""

    __slots__ = ("_coarse", "_fine", "at", "new", "row", "slot")

    def __init__(self, now: UnixMs) -> None:
        self._fine = _Ring(_FINE_MS, MINUTE_MS)
        self._coarse = _Ring(_COARSE_MS, HOUR_MS)
        self.row = [0] * _WIDTH
        self.at = now  # of the first count in the slot
        self.slot = now // _FINE_MS
        self.new = [0] * _WIDTH  # since it was last taken, less what is in ``row``

    def put_away(self) -> None:
        """Put the row where it belongs, and begin another one."""
        row = self.row
        self._fine.add(row, self.at)  # TC1
        self._coarse.add(row, self.at)  # TC1: a coarse slot is a number of fine ones
        self.new = [one + other for one, other in zip(self.new, row, strict=True)]
        self.row = [0] * _WIDTH

    def windows(self, now: UnixMs) -> Windows:
        self.put_away()
        return Windows(
            minute=self._fine.tally(MINUTE_MS, now),
            ten_minutes=self._coarse.tally(TEN_MINUTES_MS, now),
            hour=self._coarse.tally(HOUR_MS, now),
        )


class TrafficCounts:
    """Of one delivery process; at most ``limit`` paths.

    Invariant TC1: each transaction, and each connection that was opened or refused, counts once in each window that
    it is in.
    """

    def __init__(self, limit: int = MAX_PATHS) -> None:
        self._limit = limit
        self._paths: dict[PlaceKey, _Path] = {}  # used longest ago first

    def __len__(self) -> int:
        return len(self._paths)

    def transaction_ended(
        self, key: PlaceKey, outcomes: Sequence[Outcome], took_ms: int, now: UnixMs
    ) -> None:
        """One outcome per recipient. Those that are carried again at once have none yet."""
        row = self._row_of(key, now)
        row[_MESSAGES] += 1
        row[_BUSY_MS] += max(took_ms, 0)  # the clock may have been set back meanwhile
        for each in outcomes:
            match each:
                case Taken():
                    row[_DELIVERED] += 1
                case Permanent():
                    row[_BOUNCED] += 1
                case Transient(again=None):
                    row[_DEFERRED] += 1
                case Transient():
                    pass

    def connection_opened(self, key: PlaceKey, now: UnixMs) -> None:
        self._row_of(key, now)[_CONNECTIONS] += 1

    def connection_refused(self, key: PlaceKey, now: UnixMs) -> None:
        """No host of a site took one."""
        self._row_of(key, now)[_REFUSED] += 1

    def paths(self, now: UnixMs) -> list[PlaceKey]:
        """Return those that were used within the hour; others are forgotten."""
        # A clock that was set back makes some seem to be used later than now
        over = [key for key, path in self._paths.items() if abs(now - path.at) > HOUR_MS]
        for key in over:
            del self._paths[key]
        return list(self._paths)

    def find(self, key: PlaceKey, now: UnixMs) -> Windows:
        """Return what a path had of late; takes some ten microseconds."""
        path = self._paths.get(key)
        return Windows() if path is None else path.windows(now)

    def take_new(self) -> dict[PlaceKey, Tally]:
        """Return what was counted since the last call, for counters that only grow."""
        found: dict[PlaceKey, Tally] = {}
        for key, path in self._paths.items():
            if any(path.row) or any(path.new):
                path.put_away()
                found[key] = Tally(**dict(zip(_FIELDS, path.new, strict=True)))
                path.new = [0] * _WIDTH
        return found

    def _row_of(self, key: PlaceKey, now: UnixMs) -> list[int]:
        path = self._paths.get(key)
        if path is not None and path.slot == now // _FINE_MS:  # nearly always
            return path.row
        if path is None:
            path = _Path(now)
            if len(self._paths) >= self._limit:
                del self._paths[next(iter(self._paths))]
        else:
            path.put_away()
            path.at, path.slot = now, now // _FINE_MS
            del self._paths[key]  # and put last
        self._paths[key] = path
        return path.row
