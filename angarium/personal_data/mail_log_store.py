"""The mail log and its rotated files: lines stay, without the address. Each file is exchanged for another one."""

import contextlib
import gzip
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from angarium.personal_data.log_lines import LineEraser, own_line
from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject
from angarium.service.platform.mail_log_retention import rotate
from angarium.service.platform.mail_log_search import log_files
from angarium.uploads.writing import sync_directory

# A line that was being written while its file was moved is in it by then
_SETTLE_S: Final = 1.0
# No name of a rotated file: what a crash leaves of one is no line of the log
_NEW: Final = ".erasing-"
_encode: Final = msgspec.json.Encoder().encode
_STANDARD_OUTPUT: Final = "the mail log goes to standard output: what reads it keeps it"


class MailLogStore:
    """Invariant PD2: a file of the log is there whole at any moment, before or after; a crash leaves one of these."""

    name = "mail_log"

    def __init__(self, mail_log: str, *, is_written: bool) -> None:
        """``is_written``: a server may be writing it."""
        self._mail_log = mail_log
        self._is_written = is_written

    def find(self, subject: Subject) -> Iterator[Found]:
        eraser = LineEraser(subject)
        for file in self._files():
            for line in _lines(file):
                if (change := eraser.change(line)) is not None:
                    yield Found(data={"file": file.name, **own_line(change[0], subject)})

    def erase(self, subject: Subject) -> Erased:
        if self._mail_log == "-":
            return Erased(left=(_STANDARD_OUTPUT,))
        eraser = LineEraser(subject)
        try:
            return Erased(changed=sum(self._clear(each, eraser) for each in self._files()))
        except OSError as error:
            raise StoreAwayError(f"{error.filename}: {error.strerror}") from error

    def _files(self) -> list[Path]:
        if self._mail_log == "-":
            return []
        for left in Path(self._mail_log).parent.glob(f"{_NEW}*"):
            left.unlink()
        return log_files(self._mail_log, None)

    def _clear(self, file: Path, eraser: LineEraser) -> int:
        """Return how many lines were written anew."""
        # All of them, for what is remembered of them
        if not sum(eraser.change(line) is not None for line in _lines(file)):
            return 0
        if file == Path(self._mail_log) and self._is_written:
            file = rotate(file)
            time.sleep(_SETTLE_S)
        before = file.stat()
        new = file.with_name(f"{_NEW}{file.name}")
        changed = 0
        with new.open("wb") as raw:
            os.fchmod(raw.fileno(), before.st_mode & 0o777)
            with _writing(raw, file) as out:
                for line in _lines(file):
                    change = eraser.change(line)
                    changed += change is not None
                    out.write(line if change is None else _encode(change[1]) + b"\n")
            raw.flush()
            os.fsync(raw.fileno())
        # Files are known by their time
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        new.replace(file)  # PD2
        sync_directory(file.parent)
        return changed


def _lines(file: Path) -> Iterator[bytes]:
    """Raises StoreAwayError for what cannot be read: a file that is passed over would keep the address."""
    try:
        opened = gzip.GzipFile(file, "rb") if file.suffix == ".gz" else file.open("rb")
        with opened as lines:
            yield from cast(IO[bytes], lines)
    except (OSError, EOFError, zlib.error) as error:
        raise StoreAwayError(f"{file} cannot be read: {error}") from error


@contextlib.contextmanager
def _writing(raw: IO[bytes], file: Path) -> Iterator[IO[bytes]]:
    if file.suffix != ".gz":
        yield raw
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw) as packed:
        yield cast(IO[bytes], packed)
