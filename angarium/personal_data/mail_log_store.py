"""The mail log and its rotated files: lines stay, without the address. Each file is exchanged for another one."""

import contextlib
import gzip
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, cast

import msgspec

from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject
from angarium.service.platform.mail_log_retention import rotate
from angarium.service.platform.mail_log_search import log_files
from angarium.uploads.writing import sync_directory

# A line that was being written while its file was moved is in it by then
_SETTLE_S: Final = 1.0
# No name of a rotated file: what a crash leaves of one is no line of the log
_NEW: Final = ".erasing-"
_READER: Final = ("client",)
_STANDARD_OUTPUT: Final = "the mail log goes to standard output: what reads it keeps it"


class MailLogStore:
    """Invariant PD2: a file of the log is there whole at any moment, before or after; a crash leaves one of these."""

    name = "mail_log"

    def __init__(self, mail_log: str, *, is_written: bool) -> None:
        """``is_written``: a server may be writing it."""
        self._mail_log = mail_log
        self._is_written = is_written

    def find(self, subject: Subject) -> Iterator[Found]:
        for file in self._files():
            for line in _lines(file):
                found = _read(line, subject)
                if found is not None:
                    yield Found(data={"file": file.name, **_own(found, subject)})

    def erase(self, subject: Subject) -> Erased:
        if self._mail_log == "-":
            return Erased(left=(_STANDARD_OUTPUT,))
        try:
            return Erased(changed=sum(self._clear(each, subject) for each in self._files()))
        except OSError as error:
            raise StoreAwayError(f"{error.filename}: {error.strerror}") from error

    def _files(self) -> list[Path]:
        if self._mail_log == "-":
            return []
        for left in Path(self._mail_log).parent.glob(f"{_NEW}*"):
            left.unlink()
        return log_files(self._mail_log, None)

    def _clear(self, file: Path, subject: Subject) -> int:
        """Return how many lines were written anew."""
        if not any(_read(line, subject) is not None for line in _lines(file)):
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
                    found = _read(line, subject)
                    changed += found is not None
                    out.write(line if found is None else _without(found, subject))
            raw.flush()
            os.fsync(raw.fileno())
        # Files are known by their time
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        new.replace(file)  # PD2
        sync_directory(file.parent)
        return changed


def _read(line: bytes, subject: Subject) -> dict[str, Any] | None:
    """Return a line that has the address; None: it has not, or is another tenant's."""
    if not subject.person.may_be_in(line):
        return None
    try:
        found: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError:
        found = {"text": line.decode("utf-8", "replace").rstrip("\n")}
    if subject.tenant is not None and found.get("tenant") != subject.tenant:
        return None
    return found if subject.person.is_in(found) else None


def _own(found: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """What of a line the person may have: of several recipients, themselves."""
    if "recipients" not in found:
        return found
    theirs = [each for each in found["recipients"] if subject.person.is_in_text(each)]
    return {**found, "recipients": theirs}


def _without(found: dict[str, Any], subject: Subject) -> bytes:
    if subject.person.is_in_text(str(found.get("recipient", ""))):
        found = {name: value for name, value in found.items() if name not in _READER}
    return msgspec.json.encode(subject.person.out_of(found)) + b"\n"


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
