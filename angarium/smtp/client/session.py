"""An SMTP session from the client's side (RFC 5321), sans-IO.

Each method that opens an exchange returns the octets to send; ``receive`` takes what the peer says
and tells when the exchange is complete. Knows nothing of sockets, clocks or what a reply means for the queue.
"""

import contextlib
from collections.abc import Sequence
from typing import Final

from angarium.smtp.client.capabilities import Capabilities, parse_capabilities
from angarium.smtp.client.command import ehlo_argument
from angarium.smtp.client.stage import ClientStage
from angarium.smtp.client.transaction import (
    ClientTransaction,
    Flight,
    Message,
    Verdict,
    check_fits,
)
from angarium.smtp.reply import PeerError, Reply, ReplyParser, StrayTextError

_REPLY_TOO_MANY: Final = "a reply that no command asked for"
_NO_EXTENSIONS: Final = Capabilities()


class ClientSession:
    """A new session awaits the banner.

    Invariant CS1: a reply belongs to the oldest command without one; a reply too many ends the session. Text that is
    no reply is dropped where none is awaited: it is the rest of the last one.
    Invariant CS2: nothing received before the TLS handshake is seen after it (S3).
    Invariant CS3: after 421 or a syntax error nothing more is sent.
    Invariant CS4: no exchange begins while octets wait that no command asked for.
    Invariant CS5: a transaction is given a reply once: later, it would pass for the answer to a command that was
    never sent.
    Invariant CS6: when the peer is out of step with several commands in flight, none of its replies to them counts:
    nobody knows whose they are. After one RCPT alone, its recipient alone is undecided.
    Invariant CS7: after ``forget_transaction`` nothing here refers to the message (L3).
    """

    __slots__ = (
        "_awaits_handshake",
        "_ehlo",
        "_fault",
        "_needs_reset",
        "_parser",
        "_replies",
        "_stages",
        "_transaction",
        "capabilities",
        "ended_by",
        "is_open",
    )

    def __init__(self, ehlo: str) -> None:
        """Raises ArgumentError when ``ehlo`` is no host name or address literal (S9)."""
        self._ehlo = ehlo_argument(ehlo)
        self._parser = ReplyParser()
        self._stages: tuple[ClientStage, ...] = ("banner",)
        self._replies: list[Reply] = []
        self._fault = ""  # how the peer broke the protocol
        self._transaction: ClientTransaction | None = None
        self._needs_reset = False
        self._awaits_handshake = False  # 220 to STARTTLS came; what follows in the clear is dropped
        self.capabilities = _NO_EXTENSIONS
        self.is_open = True
        self.ended_by: Reply | None = None  # the 421 that ended it

    @property
    def stage(self) -> ClientStage:
        """The command whose reply comes next; the last one of a complete exchange."""
        return self._stages[min(len(self._replies), len(self._stages) - 1)]

    @property
    def replies_received(self) -> int:
        """Of the exchange under way."""
        return len(self._replies)

    @property
    def awaits_reply(self) -> bool:
        return len(self._replies) < len(self._stages)

    @property
    def is_amid_reply(self) -> bool:
        """Whether a reply was begun whose end is awaited."""
        return self._parser.unfinished() is not None

    @property
    def reply(self) -> Reply:
        """The last reply of a complete exchange."""
        return self._replies[-1]

    def receive(self, octets: bytes) -> bool:
        """Take octets; return whether the exchange is complete (also by a 421, RFC 5321 section 3.8).

        ``is_open`` is False when that ended the session. Raises PeerError when the exchange
        cannot be completed; then the session is closed too.
        """
        if self._awaits_handshake:
            return True  # CS2
        self._parser.receive(octets)
        try:
            return self._take_replies()
        except PeerError as error:
            self.is_open = False  # CS3
            if self.awaits_reply:
                self._fault = str(error)
                raise
            return True

    def _take_replies(self) -> bool:
        """What waits in the parser; as ``receive``."""
        replies, awaited = self._replies, len(self._stages)
        while (reply := self._next_reply()) is not None:
            if len(replies) == awaited:
                self._end(reply if reply.code == 421 else None)  # CS1
                return True
            check_fits(self.stage, reply)
            replies.append(reply)
            if reply.code == 421:
                self._end(reply)
                return True
            if reply.code < 300 and self._stages[0] == "starttls":
                self._awaits_handshake = True
                self._parser.discard()  # CS2
                return True
        return len(replies) == awaited

    def _next_reply(self) -> Reply | None:
        while True:
            try:
                return self._parser.next_reply()
            except StrayTextError:
                if self.awaits_reply:
                    raise
                # CS1, and RP2 bounds it

    # -- the opening

    def ehlo(self) -> bytes:
        self.capabilities = _NO_EXTENSIONS
        return self._begin("ehlo", f"EHLO {self._ehlo}\r\n")

    def helo(self) -> bytes:
        """For a server that refused EHLO (RFC 5321 section 3.2)."""
        self.capabilities = _NO_EXTENSIONS
        return self._begin("helo", f"HELO {self._ehlo}\r\n")

    def learn_capabilities(self) -> None:
        """After a positive reply to EHLO."""
        self.capabilities = parse_capabilities(self.reply)

    def starttls(self) -> bytes:
        return self._begin("starttls", "STARTTLS\r\n")

    def tls_started(self) -> None:
        """The handshake is done: what was received or learned before it is void (RFC 3207 section 4.2: S3)."""
        self._awaits_handshake = False
        self.capabilities = _NO_EXTENSIONS

    def auth(self, line: bytes) -> bytes:
        """A line of ``auth.AuthExchange``: the command, or the answer to a 334."""
        self._ready()
        self._stages, self._replies = ("auth",), []
        return line

    # -- a transaction

    def open_transaction(self, message: Message, *, is_wary: bool = False) -> Flight | None:
        """Begin to send ``message``; None when no recipient can be named to this peer: see ``answers``.

        ``is_wary``: a session that the peer may have left gets no content before it has answered.
        Raises NotSendableError, and PeerError for a session that is over; nothing is sent then.
        """
        self._transaction = None
        self._ready()
        transaction = ClientTransaction(
            message, self.capabilities, reset=self._needs_reset, is_wary=is_wary
        )
        flight = self._fly(transaction.first_flight())
        self._transaction = transaction
        return flight

    def next_flight(self) -> Flight | None:
        """After each complete exchange of a transaction: what to send next; None at its end.

        Raises PeerError when the peer is out of step; ``answers`` so far stand.
        """
        transaction = self._transaction
        assert transaction is not None
        if self.awaits_reply or (self.ended_by is not None and self._replies[-1] is self.ended_by):
            self._abandon()
            return None
        was_open, self.is_open = self.is_open, False  # should the transaction raise
        alone = transaction.find_alone()
        flight = transaction.next_flight(self._replies)
        self._needs_reset = transaction.failed
        self.is_open = was_open
        if flight is not None and not was_open:
            if self.ended_by is None:
                transaction.not_understood(alone, _REPLY_TOO_MANY)  # CS6
                raise PeerError(_REPLY_TOO_MANY)  # CS1
            transaction.abandon(flight.stages[0], self.ended_by)
            return None
        return self._fly(flight)

    def break_off(self) -> None:
        """The connection failed: take the replies that came, so that ``answers`` tells what they decided.

        A complete exchange was taken by ``next_flight``, or is not to be believed. Of a reply that was begun, only a
        refusal is: RFC 5321 section 4.2.1 lets any line's code decide, but half of a 250 is no receipt.
        """
        self.is_open = False
        transaction, stages = self._transaction, self._stages
        if transaction is None or transaction.done or not self.awaits_reply:
            return  # CS5
        if self._fault and len(stages) > 1 and self.stage != "final_dot":
            return  # CS6
        replies, unfinished = self._replies, self._parser.unfinished()
        if unfinished is not None and unfinished.code >= 400:
            replies = [*replies, unfinished]
        elif self._fault:
            transaction.not_understood(transaction.find_alone(), self._fault)  # CS6
        with contextlib.suppress(PeerError):
            transaction.next_flight(replies)

    def _abandon(self) -> None:
        """421 is the last reply, perhaps before the last command: it decides about all who have no answer."""
        transaction, ended_by = self._transaction, self.ended_by
        assert transaction is not None
        assert ended_by is not None
        if len(self._replies) > 1:
            transaction.next_flight(self._replies[:-1])
        transaction.abandon(self._stages[len(self._replies) - 1], ended_by)

    def answers(self) -> Sequence[Verdict | None]:
        """Per recipient of the transaction, in order; None: not decided yet."""
        assert self._transaction is not None
        return self._transaction.answers

    def forget_transaction(self) -> None:
        """It is over, and its answers are taken: an idle session keeps no content."""
        self._transaction = None  # CS7

    def quit(self) -> bytes:
        return self._begin("quit", "QUIT\r\n")

    # --

    def _begin(self, stage: ClientStage, command: str) -> bytes:
        self._ready()
        self._stages, self._replies = (stage,), []
        return command.encode("ascii")

    def _fly(self, flight: Flight | None) -> Flight | None:
        if flight is not None:
            self._ready()
            self._stages, self._replies = flight.stages, []
        return flight

    def _ready(self) -> None:
        if not self.is_open or self.awaits_reply:
            raise PeerError("the session cannot be used")
        if not self._parser.is_empty:
            self.is_open = False
            raise PeerError("octets that no command asked for")  # CS4

    def _end(self, reply: Reply | None) -> None:
        self.is_open = False  # CS3
        self.ended_by = reply
