"""Message data as it is received: DATA (RFC 5321 section 4.5.2) and BDAT (RFC 3030). Octets in, content out.

Only CRLF "." CRLF ends DATA; nothing else is taken for an end, and data with a bare CR, a bare LF or a NUL is
refused once its true end has come (S1, S8). From who is trusted, lines that end in LF are mended where they cannot be
a false end. Works on whole chunks by searching and counting, never per line.

Invariant: how the input is cut into chunks never changes the result.
"""

from typing import Final

from angarium.smtp.line_ends import find_crlf_form, has_only_crlf
from angarium.smtp.refusal import Refusal

_END: Final = b"\r\n.\r\n"
_DOT: Final = b"\r\n."
# Octets of content for which there may be one that stuffing has added
_SHORTEST_DOT_LINE: Final = 3
_PATIENCE: Final = 4  # so many times the limit is read and thrown away before we close; ours

TOO_BIG: Final = Refusal(552, "5.3.4", "Message exceeds the size limit")
BUDGET_SPENT: Final = Refusal(452, "4.3.1", "Too much message data in memory, try again later")
BARE_LINE_END: Final = Refusal(550, "5.5.2", "Bare CR or LF in the message; lines must end in CRLF")
HAS_NUL: Final = Refusal(550, "5.6.0", "NUL in the message")
LONG_LINE: Final = Refusal(500, "5.6.0", "Line too long in the message")


class OctetBudget:
    """How many octets of message data may be in memory, over all sessions that share it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    @property
    def is_spent(self) -> bool:
        return self.used >= self.limit

    def take(self, octets: int) -> bool:
        """Reserve so many; False, and nothing is reserved, if that is beyond the limit."""
        if self.used + octets > self.limit:
            return False
        self.used += octets
        return True

    def give_back(self, octets: int) -> None:
        self.used -= octets


class _Content:
    """What both ways of transfer share: octets held, within a limit and a budget.

    Once refused it holds nothing more, and only the end of the data is still awaited.
    """

    has_mended_line_ends = False  # once finished

    def __init__(self, octet_limit: int, line_limit: int, budget: OctetBudget) -> None:
        self._octet_limit = octet_limit
        self._line_limit = line_limit
        self._budget = budget
        self._held = bytearray()
        self._taken = 0  # of the budget
        self.refusal: Refusal | None = None
        self.received = 0  # octets, those thrown away included

    @property
    def is_hopeless(self) -> bool:
        """Refused, and so long that even its end is not worth waiting for: close."""
        return self.received > _PATIENCE * self._octet_limit + 65536

    @property
    def has_dot_lines(self) -> bool | None:
        """Whether a line may begin with a dot. Only after ``finish``; None: not looked at."""
        return None

    def release(self) -> None:
        """Give the memory back. Call once the message is settled, or the client is gone."""
        self._budget.give_back(self._taken)
        self._taken = 0
        self._held = bytearray()

    def _refuse(self, refusal: Refusal) -> None:
        self.refusal = self.refusal or refusal
        self.release()

    def _reserve(self, octets: int) -> bool:
        if self._budget.take(octets):
            self._taken += octets
            return True
        self._refuse(BUDGET_SPENT)
        return False

    def _examine(self, content: bytes) -> Refusal | None:
        """The rules of text, whichever way it came."""
        if not has_only_crlf(content):
            return BARE_LINE_END
        if b"\0" in content:
            return HAS_NUL
        limit = self._line_limit
        start, length = 0, len(content)
        while length - start > limit:  # at once false for most messages
            end = content.rfind(b"\r\n", start, start + limit)
            if end < 0:
                return LONG_LINE
            start = end + 2
        return None


class DataDecoder(_Content):
    """Undoes dot-stuffing and finds the end of DATA."""

    def __init__(
        self,
        octet_limit: int,
        line_limit: int,
        budget: OctetBudget,
        *,
        mends_line_ends: bool = False,
    ) -> None:
        super().__init__(octet_limit, line_limit, budget)
        self._mends_line_ends = mends_line_ends
        self._tail = b"\r\n"  # the last octets before this chunk; DATA itself ended a line
        # Whether a dot of a line may have to go: most messages need no second search
        self._stuffed = False
        self._raw: bytes | None = None  # between DATA and the dot, once that has come

    def receive(self, chunk: bytes) -> int:  # S1
        """Take octets; return how many of them belong to the data, its end included, or -1: all, and more follow."""
        tail = self._tail
        seam = tail + chunk[:4]
        if _DOT in seam:
            self._stuffed = True
        straddling = seam.find(_END)
        if straddling >= 0:
            consumed = straddling + 5 - len(tail)
        else:
            found = chunk.find(_DOT)
            if found >= 0 and not chunk.startswith(_END, found):
                self._stuffed = True
                found = chunk.find(_END, found)
            if found < 0:
                self._tail = (tail + chunk[-4:])[-4:]
                self._keep(chunk)
                return -1
            consumed = found + 5
        self._end(chunk, consumed)
        return consumed

    @property
    def _wire_limit(self) -> int:
        """RFC 1870 section 3: the dots that stuffing has added do not count."""
        stuffing = self._octet_limit // _SHORTEST_DOT_LINE if self._stuffed else 0
        return self._octet_limit + stuffing

    @property
    def has_dot_lines(self) -> bool | None:
        return self._stuffed or (self._raw is not None and self._raw.startswith(b"."))

    def finish(self) -> bytes | Refusal:
        """Return the content, dot-stuffing undone, or why it is refused. Only after the end has come."""
        raw = self._raw
        if self.refusal is not None or raw is None:
            return self.refusal or TOO_BIG
        if len(raw) > self._wire_limit:
            return TOO_BIG
        content = self._unstuffed(raw)
        refusal = self._text_refusal(content)
        if refusal is BARE_LINE_END and self._mends_line_ends:
            return self._with_line_ends_mended(raw)
        return refusal or content

    def _with_line_ends_mended(self, raw: bytes) -> bytes | Refusal:
        mended = find_crlf_form(raw)
        if mended is None:
            return BARE_LINE_END
        if not self._reserve(len(mended) - len(raw)):
            return BUDGET_SPENT
        content = self._unstuffed(mended)
        self.has_mended_line_ends = True
        return self._text_refusal(content) or content

    def _unstuffed(self, raw: bytes) -> bytes:
        content = raw[1:] if raw.startswith(b".") else raw
        return content.replace(_DOT, b"\r\n") if self._stuffed else content

    def _text_refusal(self, content: bytes) -> Refusal | None:
        if len(content) > self._octet_limit:
            return TOO_BIG
        # RFC 5321 section 4.5.3.1.6: without the added dot
        return self._examine(content)

    def _keep(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.refusal is None:
            if self.received - len(_END) > self._wire_limit:
                self._refuse(TOO_BIG)
            elif self._reserve(len(chunk)):
                self._held += chunk

    def _end(self, chunk: bytes, consumed: int) -> None:
        self.received += consumed
        if self.refusal is not None:
            return
        if not self._reserve(max(consumed, 0)):
            return
        if self._held:
            self._held += chunk[:consumed]
            self._raw = bytes(memoryview(self._held)[:-3])
            self._held = bytearray()
        else:
            self._raw = chunk[: consumed - 3]


class ChunkCollector(_Content):
    """Joins the chunks of BDAT. Counts octets and looks at none of them before the last has come (S5).

    Who speaks BDAT can end a line: nothing is mended.
    """

    def __init__(self, octet_limit: int, line_limit: int, budget: OctetBudget) -> None:
        super().__init__(octet_limit, line_limit, budget)
        self._awaited = 0  # octets of the current chunk still to come

    def begin(self, octets: int) -> None:
        """A BDAT command announces a chunk. Its octets must all be received, refused or not."""
        self._awaited = octets
        if self.received + octets > self._octet_limit:
            self._refuse(TOO_BIG)

    def would_be_hopeless(self, octets: int) -> bool:
        return self.received + octets > _PATIENCE * self._octet_limit + 65536

    def refuse(self, refusal: Refusal) -> None:
        """Throw away what there is and what follows."""
        self._refuse(refusal)

    def receive(self, chunk: bytes) -> int:
        """Take octets; return how many of them belong to the chunk if it is complete, or -1: all, and more follow."""
        awaited = self._awaited
        part = chunk if len(chunk) <= awaited else chunk[:awaited]
        self._awaited = awaited - len(part)
        self.received += len(part)
        if self.refusal is None and part and self._reserve(len(part)):
            self._held += part
        return len(part) if self._awaited == 0 else -1

    def finish(self) -> bytes | Refusal:
        """Return the content or why it is refused. Only after the last chunk is complete.

        A last line without CRLF gets one, as DATA would have had to end it.
        """
        if self.refusal is not None:
            return self.refusal
        content = bytes(self._held)
        self._held = bytearray()
        if content and not content.endswith(b"\r\n"):
            content += b"\r\n"
        return self._examine(content) or content


Transfer = DataDecoder | ChunkCollector
