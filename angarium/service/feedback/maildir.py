"""Takes what comes back out of a Maildir: durable in the queue first, then deleted from ``new``."""

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.queue import MessageId, UnixMs
from angarium.queue.reports import ReportBounds, ReportedMail, Reports
from angarium.telemetry import log

# Files taken at a time
BATCH: Final = 50
# Ours; larger ones are no reports, and stay where they are
MAX_OCTETS: Final = 64 << 20
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class MaildirIntake:
    """Only ``new`` is read: what is half-written is in ``tmp``, what somebody has looked at is in ``cur``.

    Invariant MD1: a file is deleted only after its mail is durable in the queue. A crash in between takes it twice.
    """

    def __init__(
        self,
        path: Path,
        reports: Reports,
        new_id: Callable[[], MessageId],
        clock: Callable[[], UnixMs],
    ) -> None:
        self._new = path / "new"
        self._reports = reports
        self._new_id = new_id
        self._clock = clock
        self._left: set[str] = set()  # that cannot be taken: said once

    async def take(self, bounds: ReportBounds) -> int:
        """Take some of what is there; returns how many. Raises OSError (no such directory), QueueError."""
        found = await asyncio.to_thread(self._read_some)
        if not found:
            return 0
        now = self._clock()
        batch = [
            ReportedMail(id=self._new_id(), received=now, via="maildir", content=content)
            for _, content in found
        ]
        await self._reports.accept(batch, bounds)
        await asyncio.to_thread(self._delete, [name for name, _ in found])  # MD1
        return len(found)

    def _read_some(self) -> list[tuple[str, bytes]]:
        directory = os.open(self._new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with os.scandir(directory) as entries:
                names = sorted(
                    each.name
                    for each in entries
                    if not each.name.startswith(".") and each.name not in self._left
                )
            found: list[tuple[str, bytes]] = []
            for name in names[:BATCH]:
                content = _read(directory, name)
                if content is None:
                    self._leave(name)
                else:
                    found.append((name, content))
            return found
        finally:
            os.close(directory)

    def _leave(self, name: str) -> None:
        if len(self._left) < 10_000:
            self._left.add(name)
        log("maildir_file_left", "warning", file=str(self._new / name))

    def _delete(self, names: list[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self._new / name).unlink()


def _read(directory: int, name: str) -> bytes | None:
    """Return its mail with CRLF line ends; None: it is no plain file, too large, or gone. No link is followed (L1)."""
    try:
        fd = os.open(name, _FILE, dir_fd=directory)
    except OSError:
        return None
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_OCTETS:
        os.close(fd)
        return None
    with open(fd, "rb") as file:  # noqa: PTH123 - of a descriptor
        return with_crlf(file.read(MAX_OCTETS))


def with_crlf(content: bytes) -> bytes:
    """Return the mail of a file as it would have come by SMTP."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
