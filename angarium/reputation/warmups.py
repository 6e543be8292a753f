"""All warm-ups of one delivery process: which source is being warmed where, and what of it is to be written. Pure.

Start with ``Warmups.find``. Knows nothing of paths and of who writes.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import Final, Literal

import msgspec

from angarium.config.schema import Warmup as WarmupSetting
from angarium.queue.keepsakes import MAX_NAME_OCTETS
from angarium.queue.model import UnixMs
from angarium.reputation.health import Counts
from angarium.reputation.warmup import HOUR_MS, Warmup, WarmupRecord

PREFIX: Final = "warmup/"
# Ours, of sources times providers: each site of no known provider is one by itself, and of these there are any number
LIMIT: Final = 20_000
# Of these, when it is reached: those that were quiet longest are forgotten, and begin anew should they come back
FORGOTTEN_PART: Final = 10
WarmupAct = Literal["hold", "release", "promote", "finish", "restart"]
_VERSION: Final = b"\x01"


class Kept(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """On disk as it stands, behind an octet of version: fields are only ever appended."""

    source: str
    provider: str
    record: WarmupRecord


class WarmupStatus(msgspec.Struct, frozen=True, kw_only=True):
    """As an operator sees it."""

    source: str
    provider: str
    day: int  # of the plan, from 0
    days: int  # of the plan
    is_warm: bool
    is_held: bool
    hour_limit: int | None  # messages; None: warm
    hour_used: int
    today: int  # messages of this day
    next_limit: int | None  # an hour, on the day after; None: warm then
    next_step: UnixMs | None  # when the day ends; None: warm
    counts: Counts  # of this day
    note: str  # why it last stayed or stepped back; ""
    overflowed: int = 0  # messages of this day that went by the pool's smart host instead


_Key = tuple[str, str]


class Warmups:
    """By source and provider; one of them is made when it is first asked for, or was kept.

    Invariant WUS1: at most ``limit`` are remembered, in memory and on disk. What is forgotten may send no more than the
    first day of its plan.
    """

    def __init__(
        self,
        settings: Sequence[WarmupSetting],
        kept: Mapping[str, bytes],
        owns: Callable[[str], bool],
        now: UnixMs,
        exempt: Set[str] = frozenset(),
        limit: int = LIMIT,
    ) -> None:
        """``kept``: what is on disk under PREFIX; of it, only providers that this process ``owns`` are its own.

        ``exempt``: providers where a source is warmed only if its setting names them.
        """
        self._settings: dict[str, WarmupSetting] = {}
        self._warmups: dict[_Key, Warmup] = {}
        self._touched: dict[_Key, None] = {}  # may differ from what is on disk
        self._kept: dict[_Key, WarmupRecord] = {}
        self._damaged: set[str] = set()
        self._limit = limit
        self._forgotten: dict[_Key, None] = {}  # still on disk
        for name, octets in kept.items():
            found = read_kept(octets)
            if found is None:
                self._damaged.add(name)
            elif name == keepsake_name(found.source, found.provider) and owns(found.provider):
                self._kept[found.source, found.provider] = found.record
        self.exchange(settings, now, exempt)

    def exchange(
        self, settings: Sequence[WarmupSetting], now: UnixMs, exempt: Set[str] = frozenset()
    ) -> None:
        """Warm these from now on. What is not among them any more is remembered, should it come back."""
        self._exempt = exempt
        self._settings = {each.source: each for each in settings}
        for key, warmup in list(self._warmups.items()):
            if (setting := self._find_setting(*key)) is None:
                del self._warmups[key]
                # Whatever it sends in the rest of the hour is not counted: that is full should it come back
                full = max(warmup.record.reserved, warmup.cap or 0)
                self._kept[key] = msgspec.structs.replace(warmup.record, reserved=full)
            else:
                warmup.plan = setting.messages_per_hour
        for key, record in list(self._kept.items()):
            if (setting := self._find_setting(*key)) is not None:
                del self._kept[key]
                self._warmups[key] = Warmup(setting.messages_per_hour, record, now)
        for key in list(self._kept)[LIMIT:]:
            del self._kept[key]

    def find(self, source: str, provider: str, now: UnixMs) -> Warmup | None:
        """Return the warm-up of a source at a provider; None: the source is not warmed there."""
        if not self._settings:
            return None
        warmup = self._warmups.get((source, provider))
        if warmup is None:
            setting = self._find_setting(source, provider)
            if setting is None:
                return None
            warmup = Warmup(
                setting.messages_per_hour, self._first(source, provider, setting, now), now
            )
            if len(self._warmups) >= self._limit:
                self._forget_some()  # WUS1
            self._warmups[source, provider] = warmup
            self._forgotten.pop((source, provider), None)
        return warmup

    def find_cap(self, source: str, provider: str) -> int | None:
        """Return how many an hour the source may send there; None: as many as there are."""
        if not self._settings:
            return None
        warmup = self._warmups.get((source, provider))
        if warmup is not None:
            return warmup.cap
        setting = self._find_setting(source, provider)
        return None if setting is None else setting.messages_per_hour[0]

    def is_warm(self, source: str, provider: str) -> bool:
        warmup = self._warmups.get((source, provider))
        return self._find_setting(source, provider) is None if warmup is None else warmup.is_warm

    def _first(
        self, source: str, provider: str, setting: WarmupSetting, now: UnixMs
    ) -> WarmupRecord | None:
        if not self._damaged or keepsake_name(source, provider) not in self._damaged:
            return None
        # What was sent in this hour is not known: it counts as full
        return WarmupRecord(hour=now // HOUR_MS, reserved=setting.messages_per_hour[0])

    def touch(self, source: str, provider: str) -> None:
        """Its record may have changed."""
        self._touched[source, provider] = None

    def act(
        self, act: WarmupAct, source: str, provider: str | None, now: UnixMs
    ) -> list[WarmupStatus]:
        """Do it to the source's warm-ups (at one provider); returns what they are then."""
        done: list[WarmupStatus] = []
        for key, warmup in sorted(self._warmups.items()):
            if key[0] != source or provider not in (None, key[1]):
                continue
            warmup.turn(now)
            match act:
                case "hold" | "release":
                    warmup.hold(on=act == "hold")
                case "promote" | "finish":
                    warmup.promote(to_end=act == "finish")
                case "restart":
                    warmup.restart()
            self.touch(*key)
            done.append(_status(key, warmup))
        return done

    def statuses(self, now: UnixMs, limit: int = LIMIT) -> list[WarmupStatus]:
        """Return them by source and provider, or the ``limit`` that began first."""
        found: list[WarmupStatus] = []
        for key, warmup in islice(self._warmups.items(), limit):
            warmup.turn(now)
            found.append(_status(key, warmup))
        return sorted(found, key=lambda each: (each.source, each.provider))

    def count_cold(self) -> int:
        """Return how many go on still."""
        return sum(not each.is_warm for each in self._warmups.values())

    def eta(self, status: WarmupStatus, messages: int, now: UnixMs) -> UnixMs | None:
        warmup = self._warmups.get((status.source, status.provider))
        return None if warmup is None else warmup.eta(messages, now)

    # --- what is written

    def changes(self, *, final: bool = False) -> dict[_Key, WarmupRecord | None]:
        """Return what differs from the disk, and is to be written (None: removed); ``final``: nothing more is sent."""
        found: dict[_Key, WarmupRecord | None] = dict.fromkeys(self._forgotten)
        for key in self._all(final=final):
            warmup = self._warmups.get(key)
            if warmup is None:
                continue
            record = warmup.final_record if final else warmup.record
            if not warmup.is_written(record):
                found[key] = record
        self._touched.clear()
        return found

    def written(self, records: Mapping[_Key, WarmupRecord | None]) -> None:
        for key, record in records.items():
            if record is None:
                self._forgotten.pop(key, None)
            elif (warmup := self._warmups.get(key)) is not None:
                warmup.written(record)

    def not_written(self, keys: Collection[_Key]) -> None:
        """The disk was full: they are still to be."""
        self._touched.update(dict.fromkeys(keys))

    def _all(self, *, final: bool) -> Iterable[_Key]:
        return list(self._warmups) if final else list(self._touched)

    def _forget_some(self) -> None:
        quietest = sorted(self._warmups, key=lambda key: self._warmups[key].last_hour)
        for key in quietest[: max(1, self._limit // FORGOTTEN_PART)]:
            del self._warmups[key]
            self._touched.pop(key, None)
            self._forgotten[key] = None

    def _find_setting(self, source: str, provider: str) -> WarmupSetting | None:
        setting = self._settings.get(source)
        if setting is None or (setting.providers and provider not in setting.providers):
            return None
        return None if not setting.providers and provider in self._exempt else setting


def keepsake_name(source: str, provider: str) -> str:
    """Return the name of what is kept of a source at a provider. A source's own slashes are no separators."""
    name = f"{PREFIX}{source.replace('%', '%25').replace('/', '%2F')}/{provider}"
    if len(name.encode()) <= MAX_NAME_OCTETS:
        return name
    return PREFIX + hashlib.blake2b(name.encode(), digest_size=32).hexdigest()


def keepsakes_of(records: Mapping[_Key, WarmupRecord | None]) -> dict[str, bytes | None]:
    """Return them as they are written; None: removed."""
    return {keepsake_name(*key): _keepsake(key, record) for key, record in records.items()}


def _keepsake(key: _Key, record: WarmupRecord | None) -> bytes | None:
    if record is None:
        return None
    return _VERSION + msgspec.msgpack.encode(Kept(source=key[0], provider=key[1], record=record))


def read_kept(octets: bytes) -> Kept | None:
    """None: it is of another version, or damaged."""
    if octets[:1] != _VERSION:
        return None
    try:
        return msgspec.msgpack.decode(octets[1:], type=Kept)
    except msgspec.DecodeError:
        return None


def _status(key: _Key, warmup: Warmup) -> WarmupStatus:
    plan, day = warmup.plan, warmup.day
    cap = warmup.cap
    return WarmupStatus(
        source=key[0],
        provider=key[1],
        day=day,
        days=len(plan),
        is_warm=warmup.is_warm,
        is_held=warmup.is_held,
        hour_limit=cap,
        hour_used=warmup.used if cap is None else min(warmup.used, cap),
        today=warmup.today,
        next_limit=plan[day + 1] if day + 1 < len(plan) else None,
        next_step=None if warmup.is_warm else warmup.next_step,
        counts=warmup.counts,
        note=warmup.note,
        overflowed=warmup.overflowed,
    )
