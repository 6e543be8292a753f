"""Lets go of old lines of the mail log, file by file. Blocks where it says so."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from angarium.config.schema import Config
from angarium.queue.model import UnixMs
from angarium.service.platform.mail_log_search import log_files
from angarium.telemetry.log import log

LOOK_S: Final = 3600.0
_DAY_MS: Final = 86_400_000
_DAY_S: Final = 86_400.0
# Of the days that lines are kept: so long a file goes on, so that it ends soon after its first lines' time
_PART: Final = 10
_LINE_OCTETS: Final = 1 << 20


class _FirstLine(msgspec.Struct, frozen=True):
    ts: datetime


class MailLogRetention:
    """Whoever else rotates the log, too, is not in its way: files are told by their names, as for searching."""

    def __init__(self, config: Config, clock: Callable[[], UnixMs]) -> None:
        self._config = config
        self._clock = clock

    def exchange(self, config: Config) -> None:
        self._config = config

    async def run(self) -> None:
        """Look now and then until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except OSError as error:
                log("mail_log_not_trimmed", "error", reason=str(error))
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Delete what is old, and rotate what would be kept too long. Blocks. Raises OSError."""
        mail_log = self._config.log.mail_log
        if not mail_log or mail_log == "-":
            return
        path, days = Path(mail_log), self._config.retention.mail_log_days
        now_s = self._clock() / 1000
        for each in log_files(mail_log, None):
            if each.name != path.name and each.stat().st_mtime < now_s - days * _DAY_S:
                each.unlink()
                log("mail_log_file_deleted", file=each.name)
        began = first_line_ms(path)
        if began is not None and began < self._clock() - max(1, days // _PART) * _DAY_MS:
            log("mail_log_rotated", file=rotate(path).name)


def first_line_ms(path: Path) -> UnixMs | None:
    """Return when the file's first line was written; None: it has none of ours. Blocks. Raises OSError."""
    try:
        with path.open("rb") as file:
            line = file.readline(_LINE_OCTETS)
        return UnixMs(int(msgspec.json.decode(line, type=_FirstLine).ts.timestamp() * 1000))
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def rotate(path: Path) -> Path:
    """Move the file away under a name that is free; returns that. Who writes the log begins a new one.

    Raises OSError.
    """
    stamp = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H%M%S")
    for number in range(1000):
        to = path.with_name(f"{path.name}-{stamp}" + (f"-{number}" if number else ""))
        if not to.exists():
            return path.rename(to)
    raise FileExistsError(f"{path}: a thousand files were rotated in this second")
