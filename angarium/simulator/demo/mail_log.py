"""Reads the server's mail log as it grows."""

from pathlib import Path


class DemoMailLog:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._position = 0
        self._rest = b""  # a line that is not yet whole

    def read_lines(self) -> list[bytes]:
        """Return the lines that are new since the last call; none while there is no file."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as log:
            log.seek(self._position)
            octets = log.read()
        self._position += len(octets)
        *lines, self._rest = (self._rest + octets).split(b"\n")
        return lines
