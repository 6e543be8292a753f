"""What the process that answers is given, and what it says. Plain values; msgpack between the two."""

from typing import Literal

import msgspec

# ``sql``: what was asked cannot be answered, and why; ``gone``: a file is not there any more, ask again
ProblemKind = Literal["sql", "time", "memory", "size", "gone", "away"]


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    seconds: float  # by the clock
    memory_octets: int
    threads: int
    rows: int  # of an answer: what is beyond is left out
    octets: int  # of an answer, likewise; of a file that is written, more is an error


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag="ask"):
    """One SELECT over a view ``events`` of the rows of files: all that it can read is in them. ``first_ms`` and
    ``end_ms``: the view leaves out what is before and from then on.
    """

    sql: str
    files: tuple[str, ...]
    bounds: Bounds
    first_ms: int | None = None  # Unix
    end_ms: int | None = None
    target: str | None = None  # a file that is made of the answer, as Parquet; None: it is told


class Extract(msgspec.Struct, frozen=True, kw_only=True, tag="extract"):
    """Of files with rows of several tenants, make one with those of one tenant."""

    tenant: str
    files: tuple[str, ...]
    target: str
    bounds: Bounds
    first_ms: int | None = None  # of this stretch only
    end_ms: int | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    columns: tuple[tuple[str, str], ...] = ()  # name and DuckDB's type
    rows: bytes = b"[]"  # JSON: an array of arrays
    count: int = 0
    is_cut: bool = False  # there was more than the bounds allow
    lacking: tuple[str, ...] = ()  # confinements that this kernel does not have


class Problem(msgspec.Struct, frozen=True, kw_only=True, tag="problem"):
    kind: ProblemKind
    text: str


Given = Ask | Extract
Said = Answer | Problem
_encode = msgspec.msgpack.Encoder().encode
_given = msgspec.msgpack.Decoder(Ask | Extract)
_said = msgspec.msgpack.Decoder(Answer | Problem)


def encode(value: Given | Said) -> bytes:
    return _encode(value)


def read_given(raw: bytes) -> Given:
    """Raises msgspec.DecodeError."""
    found: Given = _given.decode(raw)
    return found


def read_said(raw: bytes) -> Said:
    """Raises msgspec.DecodeError."""
    found: Said = _said.decode(raw)
    return found
