"""What a provider has received and said: counters, ids for exactly-once checks, the newest messages. No I/O."""

from collections import deque

import msgspec

TEST_HEADER = b"x-angarium-test"  # carries an id of the test's own; else Message-ID serves


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction that ended in a 250 (or, with Drop at "accepted", should have)."""

    at: float  # Unix seconds
    host: str  # our MX host
    client: str
    ehlo: str
    tls: str  # "TLSv1.3"; "" in the clear
    reverse_path: str
    recipients: tuple[str, ...]
    parameters: tuple[str, ...]  # of MAIL and RCPT, as given
    id: str  # X-Angarium-Test, else Message-ID, else ""
    size_octets: int
    content: bytes | None  # None: larger than is kept


class Statistics(msgspec.Struct, kw_only=True):
    """Counters since the start. Accepted, deferred and refused count recipients; all others events."""

    connections: int = 0
    open_connections: int = 0
    peak_connections: int = 0
    connections_refused: int = 0  # at the banner: too many, or refused altogether
    tls_handshakes: int = 0
    tls_failures: int = 0
    messages: int = 0
    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    # Replies of a throttle, at any stage; those to recipients are in deferred too.
    throttled: int = 0
    drops: int = 0
    octets: int = 0
    malformed: int = 0  # messages with a bare CR or LF, or a NUL: no sender of ours may make one
    uncounted_ids: int = 0  # beyond keep_ids
    last_reply: str = ""


class Mailboxes:
    """A provider's statistics and messages. Bounded by the scenario's keep_* limits."""

    def __init__(self, *, keep_messages: int, keep_octets: int, keep_ids: int) -> None:
        self.statistics = Statistics()
        self.messages: deque[StoredMessage] = deque(maxlen=keep_messages)
        self.copies: dict[tuple[str, str], int] = {}  # (id, recipient) -> how often accepted
        self._keep_octets = keep_octets
        self._keep_ids = keep_ids

    def receive(self, message: StoredMessage) -> None:
        """Count an accepted message. ``message.content`` is complete here; a large one is not kept."""
        content = message.content or b""
        statistics = self.statistics
        statistics.messages += 1
        statistics.accepted += len(message.recipients)
        statistics.octets += len(content)
        statistics.malformed += is_malformed(content)
        for recipient in message.recipients:
            key = (message.id, recipient)
            if key in self.copies:
                self.copies[key] += 1
            elif len(self.copies) < self._keep_ids:
                self.copies[key] = 1
            else:
                statistics.uncounted_ids += 1
        if len(content) > self._keep_octets:
            message = msgspec.structs.replace(message, content=None)
        self.messages.append(message)

    def duplicates(self) -> dict[tuple[str, str], int]:
        """Return what was accepted more than once: (id, recipient) -> how often."""
        return {key: count for key, count in self.copies.items() if count > 1}


def is_malformed(content: bytes) -> bool:
    """RFC 5321 section 2.3.8: CR and LF only together; NUL has no place either."""
    pairs = content.count(b"\r\n")
    return content.count(b"\n") != pairs or content.count(b"\r") != pairs or b"\0" in content


def find_id(content: bytes) -> str:
    """Return the test's own id, else the Message-ID, else ""."""
    end = content.find(b"\r\n\r\n")
    header = b"\r\n" + (content if end < 0 else content[: end + 2])
    lower = header.lower()
    for field in (TEST_HEADER, b"message-id"):
        at = lower.find(b"\r\n" + field + b":")
        if at >= 0:
            start = at + len(field) + 3
            return header[start : header.find(b"\r\n", start)].strip().decode("ascii", "replace")
    return ""
