"""What of alarms is kept over a restart, and how it is written. Pure.

One owner writes: the platform process. Commands read it where no server runs.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from angarium.alarms.notice import Notice
from angarium.alarms.raised import Raised
from angarium.alarms.silence import Silence
from angarium.queue.model import UnixMs

PREFIX: Final = "alarms/"
_NOW: Final = f"{PREFIX}now/"
_OVER: Final = f"{PREFIX}over/"
_SILENCE: Final = f"{PREFIX}silence/"
_PACE: Final = f"{PREFIX}pace/"
_NOTICE: Final = f"{PREFIX}notice/"
# The first octet of a value. Another one was written by a newer Angarium: passed over
_VERSION: Final = b"\x01"
_encode: Final = msgspec.msgpack.Encoder().encode
T = TypeVar("T")
Changes = dict[str, bytes | None]


class Told(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """When a target was told of an alarm last."""

    target: str
    alarm: str
    at: UnixMs


class Pending(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A notice that is to be told; of a target and an alarm there is one at most, the latest."""

    notice: Notice
    due: UnixMs
    attempts: int = 0
    problem: str = ""  # what came of the last one


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. Damaged values are left out: what is raised is seen again."""

    now: tuple[Raised, ...] = ()  # raised, or over and not told of to all who are to hear of it
    over: tuple[Raised, ...] = ()  # the oldest first
    silences: tuple[Silence, ...] = ()
    told: tuple[Told, ...] = ()
    pending: tuple[Pending, ...] = ()


def read_kept(kept: Mapping[str, bytes]) -> Kept:
    """``kept``: all under PREFIX, in the order of their names."""
    return Kept(
        now=_read(kept, _NOW, Raised),
        over=_read(kept, _OVER, Raised),
        silences=_read(kept, _SILENCE, Silence),
        told=_read(kept, _PACE, Told),
        pending=_read(kept, _NOTICE, Pending),
    )


def now_changes(raised: Iterable[Raised]) -> Changes:
    return {f"{_NOW}{each.id}": _written(each) for each in raised}


def forget_now(raised: Iterable[Raised]) -> Changes:
    return dict.fromkeys(f"{_NOW}{each.id}" for each in raised)


def over_changes(raised: Iterable[Raised]) -> Changes:
    return {_over_name(each): _written(each) for each in raised}


def forget_over(raised: Iterable[Raised]) -> Changes:
    return dict.fromkeys(map(_over_name, raised))


def silence_changes(silence: Silence) -> Changes:
    return {f"{_SILENCE}{silence.id:08}": _written(silence)}


def forget_silence(number: int) -> Changes:
    return {f"{_SILENCE}{number:08}": None}


def told_changes(told: Told) -> Changes:
    return {f"{_PACE}{_hash(told.target, told.alarm)}": _written(told)}


def forget_told(told: Told) -> Changes:
    return {f"{_PACE}{_hash(told.target, told.alarm)}": None}


def pending_changes(pending: Pending) -> Changes:
    return {_pending_name(pending.notice): _written(pending)}


def forget_pending(notice: Notice) -> Changes:
    return {_pending_name(notice): None}


def _over_name(raised: Raised) -> str:
    return f"{_OVER}{raised.ended_at or 0:015}-{raised.id}"


def _pending_name(notice: Notice) -> str:
    # A test stands beside what is told of the alarm
    alarm = notice.id if notice.kind == "test" else notice.alarm
    return f"{_NOTICE}{_hash(notice.target, alarm)}"


def _hash(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _written(value: Any) -> bytes:
    return _VERSION + _encode(value)


def _read(kept: Mapping[str, bytes], prefix: str, kind: type[T]) -> tuple[T, ...]:
    found: list[T] = []
    for name, value in kept.items():
        if not name.startswith(prefix) or value[:1] != _VERSION:
            continue
        try:
            found.append(msgspec.msgpack.decode(value[1:], type=kind))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return tuple(found)
