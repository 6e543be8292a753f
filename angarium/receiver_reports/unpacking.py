"""Files as they come, plain or packed: what is in them, within bounds on sizes, ratios and numbers (C3). Pure.

The octets say what a file is, not its name: vendors name zip archives .gz. Of a zip archive only its central directory
is believed, and of that nothing about sizes: each file is inflated in pieces that are counted.
"""

import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec

from angarium.receiver_reports.model import Refused, cut

# Ours. The largest reports that are known of have some 10 MB of XML, and shrink to a twentieth
MAX_PACKED: Final = 16 << 20
MAX_OCTETS: Final = 32 << 20  # of all files of an archive together
MAX_RATIO: Final = 200
# Below that a ratio says nothing
RATIO_FROM: Final = 1 << 20
MAX_FILES: Final = 20
_MAX_ENTRIES: Final = 200  # of an archive, directories and others' droppings among them
_PIECE: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_END: Final = struct.Struct("<4s4H2LH")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_ENCRYPTED: Final = 1
_STORED: Final = 0
_DEFLATED: Final = 8


class File(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    octets: bytes


class _WrongError(Exception):
    """Why it is not taken."""


class _Budget:
    """Of all that one file inflates to."""

    def __init__(self, packed: int) -> None:
        self._packed = packed
        self._used = 0

    def take(self, octets: int) -> None:
        """Raises _WrongError."""
        self._used += octets
        if self._used > MAX_OCTETS:
            raise _WrongError(f"it inflates to more than {MAX_OCTETS >> 20} MiB")
        if self._used > max(RATIO_FROM, self._packed * MAX_RATIO):
            raise _WrongError(f"it inflates to more than {MAX_RATIO} times its size")


def unpack(name: str, octets: bytes) -> list[File | Refused]:
    """Return the files in it, or itself; of what cannot be taken, why. One level: an archive in an archive is none."""
    name = cut(name, 300)
    if len(octets) > MAX_PACKED:
        return [Refused(name=name, why=f"it has more than {MAX_PACKED >> 20} MiB")]
    budget = _Budget(len(octets))
    try:
        if octets.startswith(_GZIP):
            return [File(name=name, octets=_gunzip(octets, budget))]
        if octets.startswith(_ZIP):
            return list(_unzip(name, octets, budget))
    except _WrongError as error:
        return [Refused(name=name, why=str(error))]
    return [File(name=name, octets=octets)]


def _gunzip(octets: bytes, budget: _Budget) -> bytes:
    """RFC 1952. Of several members, all; what is no member behind the first is left out, as gunzip does."""
    found: list[bytes] = []
    rest = octets
    while rest.startswith(_GZIP):
        if len(found) >= MAX_FILES:
            raise _WrongError(f"it has more than {MAX_FILES} gzip members")
        content, rest = _inflate(rest, 16 + zlib.MAX_WBITS, budget)
        found.append(content)
    return b"".join(found)


def _inflate(octets: bytes, window: int, budget: _Budget) -> tuple[bytes, bytes]:
    """Return what it inflates to, and what is behind it. Raises _WrongError."""
    inflater = zlib.decompressobj(window)
    pieces: list[bytes] = []
    at, pending = 0, b""
    try:
        while not inflater.eof:
            if not pending:
                if at >= len(octets):
                    raise _WrongError("it is cut short: it ends within the packed octets")
                pending = octets[at : at + _PIECE]
                at += len(pending)
            piece = inflater.decompress(pending, _PIECE)
            pending = inflater.unconsumed_tail
            budget.take(len(piece))
            pieces.append(piece)
    except zlib.error as error:
        raise _WrongError(f"it cannot be inflated: {error}") from None
    return b"".join(pieces), inflater.unused_data + octets[at:]


def _unzip(name: str, octets: bytes, budget: _Budget) -> Iterator[File | Refused]:
    entries = list(_entries(octets))
    files = [each for each in entries if not each.is_left_out]
    if not files:
        raise _WrongError("there is no file in it")
    if len(files) > MAX_FILES:
        raise _WrongError(f"there are {len(files)} files in it, and {MAX_FILES} are read")
    spans = sorted((each.start, each.start + each.packed) for each in files)
    if any(end > start for (_, end), (start, _) in pairwise(spans)):
        raise _WrongError("files in it overlap, which no honest archive's do")
    for each in files:
        yield File(name=f"{name}/{each.name}", octets=_content(octets, each, budget))


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    start: int  # of its local header
    packed: int
    method: int
    flags: int

    @property
    def is_left_out(self) -> bool:
        """Directories, and what a Macintosh adds."""
        return self.name.endswith("/") or self.name.startswith(("__MACOSX/", "."))


def _entries(octets: bytes) -> Iterator[_Entry]:
    """Raises _WrongError."""
    at = octets.rfind(b"PK\x05\x06", max(0, len(octets) - 65_557))
    if at < 0 or at + _END.size > len(octets):
        raise _WrongError("it is cut short: the zip archive has no end")
    _, _, _, _, count, _, position, _ = _END.unpack_from(octets, at)
    if count > _MAX_ENTRIES:
        raise _WrongError(f"there are {count} entries in it, and {MAX_FILES} files are read")
    for _ in range(count):
        if position + _ENTRY.size > len(octets) or octets[position : position + 4] != b"PK\x01\x02":
            raise _WrongError("its directory is damaged")
        parts = _ENTRY.unpack_from(octets, position)
        flags, method, packed = parts[3], parts[4], parts[8]
        name_octets, extra, comment, start = parts[10], parts[11], parts[12], parts[16]
        raw = octets[position + _ENTRY.size : position + _ENTRY.size + name_octets]
        yield _Entry(
            name=cut(raw.decode("utf-8", "replace"), 300),
            start=start,
            packed=packed,
            method=method,
            flags=flags,
        )
        position += _ENTRY.size + name_octets + extra + comment


def _content(octets: bytes, entry: _Entry, budget: _Budget) -> bytes:
    """Raises _WrongError."""
    if entry.flags & _ENCRYPTED:
        raise _WrongError(f"{entry.name} in it is encrypted")
    at = entry.start
    if at + _LOCAL.size > len(octets) or octets[at : at + 4] != b"PK\x03\x04":
        raise _WrongError(f"{entry.name} is not where its directory says")
    parts = _LOCAL.unpack_from(octets, at)
    at += _LOCAL.size + parts[9] + parts[10]
    packed = octets[at : at + entry.packed]
    if len(packed) < entry.packed:
        raise _WrongError(f"it is cut short within {entry.name}")
    if entry.method == _STORED:
        budget.take(len(packed))
        return packed
    if entry.method != _DEFLATED:
        raise _WrongError(
            f"{entry.name} is packed in a way (method {entry.method}) that is not read"
        )
    return _inflate(packed, -zlib.MAX_WBITS, budget)[0]
