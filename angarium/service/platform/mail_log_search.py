"""Searches the mail log, its rotated files, and the event log for what no file has. Blocks where it says so."""

import contextlib
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from angarium.insight.admin.log_reads import LogQuery
from angarium.queue import Position, UnixMs
from angarium.service.platform.mail_log_query import LogFilter
from angarium.service.platform.mail_record import MailRecord, mail_record

BATCH_OCTETS: Final = 1 << 20  # of a file, read at once
BATCH_EVENTS: Final = 500  # read at once: some 3 ms
# Ours: more than the longest line, 1,000 recipients of an accepted message
MAX_LINE_OCTETS: Final = 1 << 20

ReadEvents = Callable[[int, int], list[Position]]  # after, limit


def log_files(mail_log: str, since: UnixMs | None) -> list[Path]:
    """Return the file and those that it was rotated to (``.1``, ``-20260701``, ``.gz``), the oldest first.

    Blocks. Files that were last written before ``since`` are left out. Raises OSError.
    """
    path = Path(mail_log)
    found: list[tuple[float, Path]] = []
    with contextlib.suppress(FileNotFoundError):
        for each in path.parent.iterdir():
            is_rotated = each.name.startswith((f"{path.name}.", f"{path.name}-"))
            if (is_rotated or each.name == path.name) and each.is_file():
                written = each.stat().st_mtime
                if since is None or written * 1000 >= since:
                    found.append((written, each))
    return [each for _, each in sorted(found, key=lambda one: (one[1].name == path.name, one))]


class LogSearch:
    """One search: events before the files' first line, the files, then events behind their last line."""

    def __init__(self, query: LogQuery, files: list[Path], read_events: ReadEvents) -> None:
        self._filter = LogFilter(query)
        self._files = files
        self._read_events = read_events
        self._decode = msgspec.json.Decoder(MailRecord).decode
        self._encode = msgspec.json.Encoder().encode
        self._last: MailRecord | None = None
        self.last = 0  # sequence of the newest event that was looked at
        self.unread = 0

    def events(self, after: int, before: int | None = None) -> Iterator[list[bytes]]:
        """Yield matching events between these two, of each BATCH_EVENTS."""
        self.last = after
        while batch := self._read_events(self.last, BATCH_EVENTS):
            records = [mail_record(each) for each in batch if not before or each.sequence < before]
            yield [self._encode(each) + b"\n" for each in records if self._filter.matches(each)]
            self.last = batch[-1].sequence
            if len(records) < len(batch):
                return

    def first_in_files(self) -> MailRecord | None:
        """Blocks. Return the line that the files begin with."""
        lines = (line for file in self._files for line in self._lines(file))
        return next((found for line in lines if (found := self._record(line)) is not None), None)

    def is_of_queue(self, record: MailRecord) -> bool:
        """Whether a line is of an event that is kept, and not of a queue that was here before."""
        found = self._read_events(record.sequence - 1, 1)
        return bool(found) and mail_record(found[0]).message == record.message

    def in_files(self) -> Iterator[list[bytes]]:
        """Blocks. Yield matching lines, part by part."""
        for file in self._files:
            found: list[bytes] = []
            octets = 0
            last = b""
            for line in self._lines(file):
                octets += len(line)
                last = line
                if self._filter.may_match(line):
                    record = self._record(line)
                    if record is None:
                        self.unread += 1
                    elif self._filter.matches(record):
                        found.append(line)
                if octets >= BATCH_OCTETS:
                    yield found
                    found, octets = [], 0
            yield found
            self._last = self._record(last) or self._last

    def last_in_files(self) -> int:
        """Return behind which event the event log goes on; 0: with its oldest, the files have none of this queue's."""
        last = self._last
        if last is None:
            return 0
        found = self._read_events(last.sequence - 1, 1)
        is_trimmed = bool(found) and found[0].sequence > last.sequence
        return last.sequence if is_trimmed or self.is_of_queue(last) else 0

    def _record(self, line: bytes) -> MailRecord | None:
        try:
            return self._decode(line)
        except msgspec.MsgspecError:
            return None

    def _lines(self, file: Path) -> Iterator[bytes]:
        """Yield whole lines; what cannot be read of a file is counted once."""
        try:
            with _opened(file) as lines:
                while line := lines.readline(MAX_LINE_OCTETS):
                    if line.endswith(b"\n"):
                        yield line
        except (OSError, EOFError, zlib.error):
            self.unread += 1


def _opened(file: Path) -> IO[bytes]:
    if file.suffix == ".gz":
        return cast(IO[bytes], gzip.GzipFile(file, "rb"))
    return file.open("rb")
