"""Mailbox providers as they are: they know some addresses, bear with strangers as far as those have shown themselves,
and say in their own words what they do not like.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from angarium.reputation.warmup import DAY_MS, HOUR_MS
from angarium.smtp.reply import Reply

Stage = Literal["banner", "mail", "rcpt", "final_dot"]
UNAUTHENTICATED: Final = (
    "550 5.7.26 Your email has been blocked because the sender is unauthenticated"
)
TAKEN: Final = "250 2.0.0 Ok: queued"


class Said(NamedTuple):
    stage: Stage
    reply: Reply


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """``{ip}`` is whom they are said to."""

    stage: Stage = "mail"
    too_much: str  # more than it takes of this address now
    blocked: str  # for hours: it went on all the same
    too_many_connections: str = "421 4.7.0 Too many connections from {ip}"
    too_many_messages: str = "421 4.7.0 Too many messages in this session"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction as its receiver sees it."""

    source: str
    sender_domain: str
    recipients: tuple[str, ...]
    transfers: int  # over its connection, this one too


class MailboxProvider:
    """Times are its own: Unix milliseconds. ``tolerance`` of a stranger is per hour, by its days of mail before."""

    connections = 1_000  # of one address at once: what it bears, not what it says
    messages_per_connection = 1_000

    def __init__(
        self, name: str, words: Words, tolerance: Callable[[int], int], known: Sequence[str]
    ) -> None:
        self.name = name
        self.words = words
        self.tolerance = tolerance
        self.known = frozenset(known)
        # While it takes little of anyone: from, to, and what it says
        self.trouble: tuple[int, int, str] | None = None
        self.unauthenticated: frozenset[str] = frozenset()  # domains of senders
        self.greylists = False
        self.blocked_until: dict[str, int] = {}
        self.blocks: list[tuple[str, int]] = []  # source, when
        self.said_too_much: list[tuple[str, int]] = []
        self.delivered: Counter[tuple[str, int]] = Counter()  # recipients, by source and hour
        self.delivered_to: Counter[str] = Counter()
        self.asked_for: Counter[str] = Counter()  # recipients, in transactions
        self.letters: Counter[tuple[str, int]] = Counter()  # by the sender's domain and hour
        self.taken: Counter[tuple[str, int]] = Counter()  # of these, delivered
        self._hour: Counter[tuple[str, int]] = Counter()  # what came of strangers
        self._days: dict[str, set[int]] = defaultdict(set)
        self._seen: dict[tuple[str, str], int] = {}

    def greet(self, source: str, open_now: int, now: int) -> Reply | None:
        """Return what it says instead of a greeting; ``open_now`` of the source, this one too."""
        if open_now > self.connections:
            return self._say(self.words.too_many_connections, source)
        if self.words.stage == "banner" and self._is_blocked(source, now):
            return self._say(self.words.blocked, source)
        return None

    def take(self, letter: Letter, now: int) -> list[Said]:
        """Return what is said to each recipient, in order."""
        source = letter.source
        self.letters[letter.sender_domain, now // HOUR_MS] += 1
        self.asked_for.update(letter.recipients)
        if letter.transfers > self.messages_per_connection:
            return self._all(letter, "mail", self.words.too_many_messages)
        if self._is_blocked(source, now):
            return self._all(letter, self.words.stage, self.words.blocked)
        if self.trouble is not None and self.trouble[0] <= now < self.trouble[1]:
            return self._all(letter, "mail", self.trouble[2])
        if letter.sender_domain in self.unauthenticated:
            return self._all(letter, "final_dot", UNAUTHENTICATED)
        if source not in self.known and self._is_too_much(letter, now):
            self.said_too_much.append((source, now))
            return self._all(letter, self.words.stage, self.words.too_much)
        return [self._mailbox(letter, each, now) for each in letter.recipients]

    def _is_too_much(self, letter: Letter, now: int) -> bool:
        """Count it, and block who goes on at twice what is borne."""
        source, key = letter.source, (letter.source, now // HOUR_MS)
        self._hour[key] += len(letter.recipients)
        limit = self.tolerance(len(self._days[source] - {now // DAY_MS}))
        if self._hour[key] > 2 * limit:
            self.blocked_until[source] = now + 12 * HOUR_MS
            self.blocks.append((source, now))
        return self._hour[key] > limit

    def _is_blocked(self, source: str, now: int) -> bool:
        return now < self.blocked_until.get(source, 0)

    def _mailbox(self, letter: Letter, recipient: str, now: int) -> Said:
        if recipient.startswith("gone"):
            return Said(
                "rcpt", _reply("550 5.1.1 The email account that you tried to reach does not exist")
            )
        if recipient.startswith("full"):
            return Said("rcpt", _reply("452 4.2.2 The recipient's inbox is out of storage space"))
        if self.greylists:
            first = self._seen.setdefault((letter.sender_domain, recipient), now)
            if now - first < 50_000:
                return Said("rcpt", _reply("451 4.7.1 Greylisted, please try again later"))
        self._days[letter.source].add(now // DAY_MS)
        self.delivered[letter.source, now // HOUR_MS] += 1
        self.delivered_to[recipient] += 1
        self.taken[letter.sender_domain, now // HOUR_MS] += 1
        return Said("final_dot", _reply(TAKEN))

    def _all(self, letter: Letter, stage: Stage, words: str) -> list[Said]:
        return [Said(stage, self._say(words, letter.source))] * len(letter.recipients)

    def _say(self, words: str, source: str) -> Reply:
        return _reply(words.replace("{ip}", ADDRESSES[source]))


ADDRESSES: Final = {"warm": "192.0.2.1", "cold": "192.0.2.2"}


def _reply(words: str) -> Reply:
    return Reply(int(words[:3]), (words[4:].encode(),))


GMAIL: Final = Words(
    stage="final_dot",
    too_much="421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address {ip}",
    blocked="550 5.7.1 [{ip}] Our system has detected that this message is likely unsolicited mail",
)
YAHOO: Final = Words(
    too_much="421 4.7.0 [TSS04] Messages from {ip} temporarily deferred due to unexpected volume or user"
    " complaints - 4.16.55.1",
    blocked="553 5.7.1 [BL21] Connections will not be accepted from {ip}, because the ip is in a list",
)
OUTLOOK: Final = Words(
    too_much="451 4.7.650 The mail server [{ip}] has been temporarily rate limited due to IP reputation",
    blocked="550 5.7.1 Unfortunately, messages from [{ip}] weren't sent. Please contact your Internet service"
    " provider since part of their network is on our block list (S3150)",
    too_many_connections="421 4.3.2 The maximum number of concurrent server connections has been exceeded:"
    " {ip} exceeded the maximum number of connections",
    too_many_messages="421 4.5.3 {ip} exceeded maximum number of messages per connection",
)
OUTLOOK_BUSY: Final = "451 4.7.500 Server busy. Please try again later from [{ip}]"
APPLE: Final = Words(
    stage="final_dot",
    too_much="450 4.7.1 [HCM1] Message from {ip} deferred",
    blocked="554 5.7.1 [HME1] This message was blocked for policy reasons",
)
GMX: Final = Words(
    stage="banner",
    too_much="421 4.7.0 Reject due to policy restrictions",
    blocked="554 5.7.1 Reject due to policy restrictions",
    too_many_connections="421 4.7.0 gmx.net Too many connections, try again later",
)
