"""What a pool and its workers tell each other: a length, then MessagePack. Pure; a worker is believed no more than its
values are of these types.

A worker answers each task once, and has one at a time.
"""

from typing import Any, Final

import msgspec

from angarium.templates.rendering import Examination, Filling, Problem, Rendered

LENGTH_OCTETS: Final = 4


class Limits(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a worker keeps to."""

    memory_octets: int  # of address space, besides what it has when it begins
    cpu_s: float  # of one filling
    output_octets: int  # of one filling, all parts together
    cache_bundles: int
    slice_s: float  # after so long it answers with what it has
    answer_octets: int  # or when its answers are longer than this, together


class Lot(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Fillings of one bundle."""

    digest: str
    fillings: tuple[bytes, ...]  # each encoded by itself


class Render(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="render"):
    lots: tuple[Lot, ...]
    bundles: dict[str, bytes]  # encoded, by digest: those of the lots that the worker may not have


class Examine(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="examine"):
    bundle: bytes
    sample: bytes | None


class Ready(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="ready"):
    """It can render, and has given up everything else."""

    lacking: tuple[str, ...] = ()  # but what this kernel cannot take from it


class Unable(msgspec.Struct, frozen=True, array_like=True, tag="unable"):
    """It cannot, and ends."""

    reason: str


class Done(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="done"):
    """Answers to the first fillings of the task, in order; the rest was not begun."""

    answers: tuple[Rendered | Problem, ...]
    lacking: tuple[str, ...] = ()  # digests of the task that it does not have, nor was given
    is_worn: bool = False  # its memory is used up: another one should go on


class Examined(msgspec.Struct, frozen=True, array_like=True, tag="examined"):
    examination: Examination


Task = Render | Examine
Report = Ready | Unable | Done | Examined

_ENCODER: Final = msgspec.msgpack.Encoder()
_TASKS: Final[msgspec.msgpack.Decoder[Task]] = msgspec.msgpack.Decoder(Task)
_REPORTS: Final[msgspec.msgpack.Decoder[Report]] = msgspec.msgpack.Decoder(Report)
_FILLINGS: Final = msgspec.msgpack.Decoder(Filling)
_LIMITS: Final = msgspec.json.Decoder(Limits)


class WireError(ValueError):
    """Octets that nobody of ours sends."""


def frame(message: Task | Report) -> bytes:
    octets = _ENCODER.encode(message)
    return len(octets).to_bytes(LENGTH_OCTETS, "big") + octets


def read_task(octets: bytes | bytearray) -> Task:
    return _TASKS.decode(octets)


def read_report(octets: bytes | bytearray) -> Report:
    """Raises WireError."""
    try:
        return _REPORTS.decode(octets)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WireError(f"no report: {error}") from error


def encode_filling(filling: Filling) -> bytes:
    """Raises WireError for data that are not plain."""
    try:
        return _ENCODER.encode(filling)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(str(error)) from error


def read_filling(octets: bytes) -> Filling:
    return _FILLINGS.decode(octets)


def limits_text(limits: Limits) -> str:
    """Return them as an argument of a command."""
    return msgspec.json.encode(limits).decode()


def read_limits(text: str) -> Limits:
    return _LIMITS.decode(text)


def size_of(answer: Rendered | Problem) -> int:
    """Return its length in characters, about."""
    if isinstance(answer, Problem):
        return len(answer.message)
    texts: tuple[Any, ...] = (
        *(answer.subject, answer.preheader),
        *(answer.html, answer.text, answer.amp),
    )
    return sum(len(each) for each in texts if each)
