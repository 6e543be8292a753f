"""CSV files that tenants gave: uploads, and what campaigns read. A row of the person is blanked where it stands, so
that the file keeps its size and everybody's place in it; a campaign that reads on meets a row without an address.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject
from angarium.tables.examination import examine
from angarium.tables.model import Layout, TableError, TableLimits
from angarium.tables.records import Records, Spoiled

_BLANK: Final = "x"
_SUFFIXES: Final = (".data", ".part", ".csv")
_PIECE: Final = 1 << 20


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record is in its file."""

    start: int
    end: int
    cells: tuple[str, ...]


class TableFiles:
    """Invariant PD3: the address goes last of a row, so that a row is found again that a crash left half blanked."""

    name = "uploads"

    def __init__(self, uploads: Path, campaigns: Path) -> None:
        self._uploads = uploads
        self._campaigns = campaigns

    def find(self, subject: Subject) -> Iterator[Found]:
        for file in self._files(subject):
            layout = _layout(file)
            for place in _places(file, layout, subject):
                names = layout.columns if layout is not None else ()
                cells = [*zip(names, place.cells, strict=False)] if names else []
                yield Found(
                    data={
                        "tenant": file.parent.name if file.suffix != ".csv" else None,
                        "file": file.stem,
                        "offset": place.start,
                        "row": dict(cells) if cells else list(place.cells),
                    }
                )

    def erase(self, subject: Subject) -> Erased:
        changed = 0
        left: list[str] = []
        try:
            for file in self._files(subject):
                if file.suffix == ".part":
                    if next(_places(file, None, subject), None) is not None:
                        left.append(f"an upload that is under way, {file.stem}: erase again")
                    continue
                changed += self._blank(file, subject)
        except OSError as error:
            raise StoreAwayError(f"{error.filename}: {error.strerror}") from error
        return Erased(changed=changed, left=tuple(left))

    def _files(self, subject: Subject) -> list[Path]:
        """Campaigns' files are linked to uploads, and stay when those go. Their names do not say whose they are."""
        found: dict[tuple[int, int], Path] = {}
        folders = sorted(self._uploads.glob("*")) if self._uploads.is_dir() else []
        if subject.tenant is not None:
            folders = [each for each in folders if each.name == subject.tenant]
        elif self._campaigns.is_dir():
            folders.append(self._campaigns)
        for folder in folders:
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                if file.suffix in _SUFFIXES:
                    state = file.stat()
                    found.setdefault((state.st_dev, state.st_ino), file)
        return list(found.values())

    def _blank(self, file: Path, subject: Subject) -> int:
        layout = _layout(file)
        places = list(_places(file, layout, subject))
        if not places:
            return 0
        charset = "utf-8" if layout is None else layout.charset
        kept = "\r\n" if layout is None else _kept(layout)
        fd = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            for place in places:
                _blank_row(fd, place, charset, kept, subject)
            os.fsync(fd)
        finally:
            os.close(fd)
        return len(places)


def _layout(file: Path) -> Layout | None:
    try:
        return examine(file, rows=1).layout
    except TableError:
        return None  # read by its lines


def _places(file: Path, layout: Layout | None, subject: Subject) -> Iterator[_Place]:
    """Yield the records that have the address. Raises OSError."""
    with file.open("rb") as opened:
        if layout is None:
            at = 0
            for line in opened:
                if subject.person.is_in_octets(line):
                    text = line.decode("utf-8", "replace")
                    yield _Place(start=at, end=at + len(line), cells=(text,))
                at += len(line)
            return
        start = layout.start
        opened.seek(start.offset)
        records = Records(opened.read, layout.charset, layout.shape, TableLimits(), start)
        at = start.offset
        for cells in records:
            texts = (cells.text,) if isinstance(cells, Spoiled) else tuple(cells)
            if any(map(subject.person.is_in_text, texts)):
                yield _Place(start=at, end=records.offset, cells=texts)
            at = records.offset


def _kept(layout: Layout) -> str:
    """What makes a record of text."""
    shape = layout.shape
    return "\r\n" + shape.delimiter + shape.quote + shape.escape


def _blank_row(fd: int, place: _Place, charset: str, kept: str, subject: Subject) -> None:
    raw = os.pread(fd, place.end - place.start, place.start)
    text = raw.decode(charset, "surrogateescape" if charset.startswith("utf-8") else "replace")
    blanked = _blanked(text, charset, kept)
    if len(blanked) != len(raw):
        # A charset in which a letter has no one length: by octets, but for line ends
        blanked = bytes(each if each in b"\r\n" else ord(_BLANK) for each in raw)
    rest = _address_kept(raw, blanked, text, charset, subject)
    os.pwrite(fd, rest, place.start)
    os.fsync(fd)
    os.pwrite(fd, blanked, place.start)  # PD3


def _blanked(text: str, charset: str, kept: str) -> bytes:
    unit = len(_encoded(_BLANK, charset))
    out: list[str] = []
    for each in text:
        if each in kept:
            out.append(each)
        else:
            out.append(_BLANK * max(1, len(_encoded(each, charset)) // unit))
    return _encoded("".join(out), charset)


def _address_kept(raw: bytes, blanked: bytes, text: str, charset: str, subject: Subject) -> bytes:
    """Return the row blanked but for where the address is."""
    rest = bytearray(blanked)
    for start, end in subject.person.places(text):
        first = len(_encoded(text[:start], charset))
        last = first + len(_encoded(text[start:end], charset))
        rest[first:last] = raw[first:last]
    return bytes(rest)


def _encoded(text: str, charset: str) -> bytes:
    return text.encode(charset, "surrogateescape" if charset.startswith("utf-8") else "replace")
