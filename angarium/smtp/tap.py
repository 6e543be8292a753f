"""An SMTP dialogue as an operator may see it while it happens: line by line, without passwords and content.

Sans-IO. ``Tap`` is what sessions talk to, ``RedactingTap`` makes lines of it, ``Opening`` keeps a session's beginning.
"""

from collections.abc import Callable, Set
from typing import Final, Literal, Protocol

MAX_TEXT_CHARACTERS: Final = 1000  # ours, of one line
MAX_PART_OCTETS: Final = 4096  # ours: of a reply's line that is not complete
MAX_OPENING_OCTETS: Final = 4096  # ours, per session: a banner, EHLO, STARTTLS and EHLO again
ENDED: Final = "the connection has ended"
_REDACTED: Final = "<redacted>"
_VERBS: Final = frozenset(
    b"EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP STARTTLS AUTH".split()
)

Direction = Literal[">", "<", "*", "."]  # sent, received, ours to say, ended
Show = Callable[[Direction, str], None]


class Tap(Protocol):
    """What one session tells of itself, in its order."""

    def client(self, octets: bytes) -> None:
        """Whole command lines of the client, with CRLF or (one) without."""

    def server(self, octets: bytes) -> None:
        """Octets of the server's replies, cut anywhere."""

    def content(self, size_octets: int) -> None:
        """Of the client: message content."""

    def secret(self) -> None:
        """Of the client: a line of an AUTH exchange (RFC 4954 section 4)."""

    def note(self, text: str) -> None: ...

    def end(self, text: str) -> None:
        """Nothing more comes; the text says why."""


class RedactingTap:
    """Invariant: what is shown never has an AUTH payload, a challenge, content, or a control character."""

    def __init__(self, show: Show, *, we_are_client: bool) -> None:
        self._show = show
        self._of_client: Direction = ">" if we_are_client else "<"
        self._of_server: Direction = "<" if we_are_client else ">"
        self._in_auth = False  # from AUTH to the reply that ends it
        self._part = b""  # of a reply's line
        self._content = 0  # octets since the last line

    def client(self, octets: bytes) -> None:
        for line in octets.removesuffix(b"\r\n").split(b"\n"):
            self._say(self._of_client, self._command(line.removesuffix(b"\r")))

    def server(self, octets: bytes) -> None:
        *lines, part = (self._part + octets).split(b"\n")
        self._part = part
        if len(part) > MAX_PART_OCTETS:
            lines.append(part)
            self._part = b""
        for line in lines:
            self._say(self._of_server, self._reply(line.removesuffix(b"\r")))

    def content(self, size_octets: int) -> None:
        self._content += size_octets  # shown as one when it is over, however it was cut

    def secret(self) -> None:
        self._say(self._of_client, _REDACTED)

    def note(self, text: str) -> None:
        self._say("*", escaped(text))

    def end(self, text: str) -> None:
        self._say(".", escaped(text))

    def _say(self, direction: Direction, text: str) -> None:
        if self._content:
            self._show(self._of_client, f"<{self._content} octets>")
            self._content = 0
        self._show(direction, text)

    def _command(self, line: bytes) -> str:
        verb = line[:9].replace(b"\t", b" ").split(b" ", 1)[0].strip().upper()
        if verb == b"AUTH":
            self._in_auth = True
            return _auth_command(line)
        if self._in_auth:
            return _REDACTED
        if verb not in _VERBS:  # perhaps a password out of turn
            return f"<{len(line)} octets, no command>"
        return escaped(line.decode("utf-8", "backslashreplace"))

    def _reply(self, line: bytes) -> str:
        if line.startswith(b"334"):
            return f"334 {_REDACTED}"
        self._in_auth = False
        return escaped(line.decode("utf-8", "backslashreplace"))


class Opening:
    """A session's beginning, kept for who watches only later. Bounded; satisfies Tap."""

    __slots__ = ("_octets", "_parts", "label", "names", "seen_by", "session")

    def __init__(self, label: str, names: Set[str] = frozenset()) -> None:
        """``names``: of whom it is with, in lower case; and the address."""
        self.label = label  # with whom
        self.names = names
        self.session = ""  # its name, once somebody watches
        self.seen_by: set[int] = set()  # watchers
        self._parts: list[tuple[str, bytes]] = []
        self._octets = 0

    def client(self, octets: bytes) -> None:
        self._keep("client", octets)

    def server(self, octets: bytes) -> None:
        self._keep("server", octets)

    def content(self, size_octets: int) -> None:
        """There is none before the first transaction."""

    def secret(self) -> None:
        self.note(_REDACTED)

    def note(self, text: str) -> None:
        self._keep("note", text.encode())

    def end(self, text: str) -> None:
        self.note(text)

    def replay(self, tap: Tap) -> None:
        for kind, octets in self._parts:
            if kind == "client":
                tap.client(octets)
            elif kind == "server":
                tap.server(octets)
            else:
                tap.note(octets.decode())

    def _keep(self, kind: str, octets: bytes) -> None:
        if self._octets < MAX_OPENING_OCTETS:
            octets = octets[: MAX_OPENING_OCTETS - self._octets]
            self._octets += len(octets)
            self._parts.append((kind, octets))


def escaped(text: str) -> str:
    """Printable, and bounded."""
    text = text[:MAX_TEXT_CHARACTERS]
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _auth_command(line: bytes) -> str:
    words = line.split(None, 2)
    name = words[1] if len(words) > 1 else b""
    known = len(name) <= 20 and name.replace(b"-", b"").replace(b"_", b"").isalnum()  # RFC 4422
    shown = ["AUTH", *([name.decode("ascii", "replace")] if known and name else [])]
    return " ".join([*shown, *([_REDACTED] if len(words) > 2 or (name and not known) else [])])
