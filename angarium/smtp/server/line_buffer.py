"""Octets received and not yet used, taken as lines or as they are. Only CRLF ends a line (RFC 5321 section 2.3.8).

Invariant: how the input is cut into chunks never changes what is taken from it or raised.
"""

from typing import Final

SKIPPED_OCTETS: Final = 65_536  # ours: a line this long is no mistake of a mail client
_START_OCTETS: Final = 4  # tells MAIL, DATA and BDAT, whose refusal is more than a reply
_TLS_HELLO: Final = b"\x16\x03"  # record of a ClientHello (RFC 8446 section 5.1)


class LineTooLongError(Exception):
    """The line is too long; it is thrown away up to its CRLF, and the next line may follow."""

    def __init__(self, start: bytes) -> None:
        super().__init__()
        self.start = start  # its first octets, enough to tell a command


class LineFaultError(Exception):
    """Where commands begin and end can no longer be told: the session must be closed. The text says why."""


class LineBuffer:
    def __init__(self) -> None:
        self._octets = b""
        self._at = 0  # what is before it has been used
        self._skipped = -1  # octets thrown away of a line too long; -1: none is being skipped

    def __len__(self) -> int:
        return len(self._octets) - self._at

    def receive(self, octets: bytes) -> None:
        if self._at < len(self._octets):
            octets = self._octets[self._at :] + octets
        self._octets, self._at = octets, 0

    def clear(self) -> None:
        self._octets, self._at = b"", 0

    def take_all(self) -> bytes:
        """For message data; what turns out not to be data goes back by ``put_back``."""
        octets = self._octets[self._at :] if self._at else self._octets
        self.clear()
        return octets

    def put_back(self, octets: bytes, used: int) -> None:
        """Return what ``take_all`` gave, of which the first ``used`` octets have been used. Only right after it."""
        self._octets, self._at = octets, used

    def next_line(self, limit: int) -> bytes | None:
        """Return the next line without CRLF, or None if it needs more octets.

        Raises LineTooLongError for one of more than ``limit`` octets, LineFaultError for a bare LF, a TLS handshake
        in the clear, or a line without end.
        """
        octets, at = self._octets, self._at
        if at == len(octets):
            return None
        if self._skipped >= 0:
            if not self._skip():
                return None
            at = self._at
        end = octets.find(b"\r\n", at)
        line = octets[at:] if end < 0 else octets[at:end]
        if line.startswith(_TLS_HELLO):
            raise LineFaultError("TLS handshake where a command is expected")
        line_feed = line.find(b"\n")
        if 0 <= line_feed <= limit:
            raise LineFaultError("Bare LF received; command lines must end in CRLF")
        if end < 0:
            if len(line) <= limit + 1:  # + 1: a CR may be waiting for its LF
                return None
        elif len(line) <= limit:
            self._at = end + 2
            return line
        self._skipped = 0
        raise LineTooLongError(line[:_START_OCTETS])

    def _skip(self) -> bool:
        """Throw away the rest of a line; whether its end has come."""
        end = self._octets.find(b"\r\n", self._at)
        if end >= 0:
            self._skipped += end - self._at
            self._at = end + 2
        else:
            kept = 1 if self._octets.endswith(b"\r") and len(self) else 0
            self._skipped += len(self) - kept
            self._at = len(self._octets) - kept
        if self._skipped > SKIPPED_OCTETS:
            raise LineFaultError("Endless line")
        if end >= 0:
            self._skipped = -1
        return end >= 0
