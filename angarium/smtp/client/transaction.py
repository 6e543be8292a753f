"""One mail transaction from the client's side (RFC 5321 section 3.3): what to send next, and who got which reply.

Knows nothing of connections: ``client`` feeds it whole replies in their order.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from angarium.smtp.client import command
from angarium.smtp.client.capabilities import Capabilities
from angarium.smtp.client.content import ContentError, Octets, blocks, checked, stuffed_blocks
from angarium.smtp.client.stage import ClientStage
from angarium.smtp.reply import PeerError, Reply, text

# Ours: more than this is not sent before a recipient is accepted.
BDAT_FLIGHT_OCTETS: Final = 262_144


class MessageRecipient(Protocol):
    @property
    def forward_path(self) -> str: ...
    @property
    def notify(self) -> int | None: ...
    @property
    def orcpt(self) -> str | None: ...


class Message(Protocol):
    """What a transaction carries; ``mta.transport.transfer.Transfer`` is one."""

    @property
    def reverse_path(self) -> str: ...
    @property
    def recipients(self) -> Sequence[MessageRecipient]: ...
    @property
    def header(self) -> bytes: ...
    @property
    def body(self) -> Octets: ...
    @property
    def has_dot_lines(self) -> bool | None:
        """Whether a line of the body may begin with a dot; not None: its line ends are CRLF, as was checked."""
        ...

    @property
    def body_8bit(self) -> bool: ...
    @property
    def smtputf8(self) -> bool:
        """Whether its header or an address of its envelope is not ASCII, also one that is not carried here."""
        ...

    @property
    def in_steps(self) -> bool:
        """Command by command, whatever the peer offers: each of its replies is then known to be whose it is."""
        ...

    @property
    def ret(self) -> str | None: ...
    @property
    def envid(self) -> str | None: ...


class NotSendable(msgspec.Struct, frozen=True, kw_only=True):
    """Our own verdict that a message or recipient cannot be sent, permanent for this peer."""

    enhanced: str
    text: str
    elsewhere: bool = False  # another host of the site may have the extension that this one lacks


class NotSendableError(Exception):
    """The whole message is refused by our side; no octet of it was sent."""

    def __init__(self, refusal: NotSendable) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class Answer(msgspec.Struct, frozen=True):
    """The reply that decided about a recipient, and the command that it answered."""

    stage: ClientStage
    reply: Reply


class NotUnderstood(msgspec.Struct, frozen=True):
    """What the peer said to this recipient's RCPT is no reply to it, or there was a reply too many."""

    text: str


Verdict = Answer | NotSendable | NotUnderstood


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """Octets to send in one go, and the commands whose replies will come."""

    octets: tuple[Octets, ...]
    stages: tuple[ClientStage, ...]
    ends_content: bool = False  # once it is sent, the peer may have the whole message
    # All but the last of ``octets`` are content whose leading dots are to be doubled
    has_dots: bool = False

    @property
    def size(self) -> int:
        """Octets, less the dots that are doubled."""
        return sum(map(len, self.octets))

    def blocks(self, octets: int) -> Iterator[bytes]:
        """Yield what goes on the wire, about ``octets`` at a time: a large message is never copied whole."""
        last = len(self.octets) - 1
        for number, part in enumerate(self.octets):
            if self.has_dots and number < last:
                yield from stuffed_blocks(part, octets)
            else:
                yield from blocks(part, octets)

    @property
    def begins_with_commands(self) -> bool:
        """Whether the first of the octets are no content; BDAT is written before its own."""
        return not self.ends_content or len(self.stages) > 1 or self.octets[0][:5] == b"BDAT "


def check_fits(stage: ClientStage, reply: Reply) -> None:
    """Raises PeerError for a reply that the command cannot have: it was for another one (RFC 5321 section 4.3.2)."""
    kind = reply.code // 100
    if stage == "data":
        fits = kind > 3 or reply.code == 354
    else:
        fits = kind != 3 or stage not in ("rset", "mail", "rcpt", "final_dot")
    if not fits:
        raise PeerError(f"in reply to {stage}: {text(reply)}")


class ClientTransaction:
    """Invariant CT1: a recipient's answer, once there, stays.

    Invariant CT2: the content is sent only when a recipient was accepted, or (BDAT in the first flight, RFC 3030
    section 2) before any could be.
    Invariant CT3: no octet of a message with a bare CR or LF is sent.
    """

    __slots__ = (
        "_accepted",
        "_capabilities",
        "_commands",
        "_content",
        "_has_dots",
        "_is_wary",
        "_message",
        "_position",
        "_size",
        "_stages",
        "answers",
        "done",
        "failed",
    )

    def __init__(
        self, message: Message, capabilities: Capabilities, *, reset: bool, is_wary: bool = False
    ) -> None:
        """``is_wary``: no content goes before a reply came: the peer may have gone.

        Raises NotSendableError; then nothing has happened.
        """
        self._message = message
        if message.in_steps:
            # And by DATA, whose 354 cannot be mistaken for the reply to another command
            capabilities = msgspec.structs.replace(capabilities, pipelining=False, chunking=False)
        self._capabilities = capabilities
        self._is_wary = is_wary
        self._accepted = 0  # recipients
        self._stages: tuple[ClientStage, ...] = ()  # of the flight under way
        self._position = 0  # commands sent
        self.answers: list[Verdict | None] = [None] * len(message.recipients)
        self.done = False
        self.failed = False  # the peer may hold a part of it: RSET before the next one
        self._has_dots = False
        self._content = self._checked_content()  # CT3
        self._commands: list[tuple[ClientStage, str, int]] = (
            [("rset", "RSET\r\n", -1)] if reset else []
        )
        self._commands.append(("mail", self._mail(), -1))
        self._add_recipients()

    def first_flight(self) -> Flight | None:
        """The opening commands; None when each recipient already has its answer."""
        if self.done:
            return None
        if not self._capabilities.pipelining:
            return self._step()
        stages = [stage for stage, _, _ in self._commands]
        opening = "".join([line for _, line, _ in self._commands])
        self._position = len(stages)
        if not self._capabilities.chunking:
            stages.append("data")  # RFC 2920 section 3.1: DATA may end a group
            self._stages = tuple(stages)
            return Flight(octets=((opening + "DATA\r\n").encode(),), stages=self._stages)
        if self._size > BDAT_FLIGHT_OCTETS or stages[0] == "rset" or self._is_wary:
            # A refused RSET leaves recipients of the last transaction standing: wait for its reply
            self._stages = tuple(stages)
            return Flight(octets=(opening.encode(),), stages=self._stages)
        stages.append("final_dot")
        self._stages = tuple(stages)
        octets = f"{opening}BDAT {self._size} LAST\r\n".encode()
        return Flight(octets=(octets, *self._content), stages=self._stages, ends_content=True)

    def next_flight(self, replies: Sequence[Reply]) -> Flight | None:
        """Take the replies to the last flight; return what is to be sent next, None at the end.

        Raises PeerError for a reply that the command cannot have: of several in flight none counts then, after a
        RCPT alone its recipient is not understood. Answers so far stand (CT1).
        """
        try:
            for stage, reply in zip(self._stages, replies, strict=False):
                check_fits(stage, reply)
        except PeerError as error:
            self.not_understood(self.find_alone(), str(error))
            raise
        first = self._position - len(self._stages)
        if self._stages[-1] in ("data", "final_dot"):
            first += 1  # these are not among the commands
        data_reply: Reply | None = None
        for offset, reply in enumerate(replies):
            stage = self._stages[offset]
            if stage == "rcpt":
                self._take_rcpt(self._commands[first + offset][2], reply)
            elif stage == "data":
                data_reply = reply
            else:
                self._take(stage, reply)
        if data_reply is not None:
            return self._after_data(data_reply)
        return None if self.done else self._step()

    def find_alone(self) -> int | None:
        """Return the recipient of the flight under way, if that is one RCPT alone."""
        return self._commands[self._position - 1][2] if self._stages == ("rcpt",) else None

    def not_understood(self, index: int | None, what: str) -> None:
        """The peer broke the protocol in reply to this recipient, who would cost the others their next transaction,
        too; None: nobody knows whom it was about."""
        if index is not None and self.answers[index] is None:  # CT1
            self.answers[index] = NotUnderstood(what)

    def abandon(self, stage: ClientStage, reply: Reply) -> None:
        """The peer ended the session: ``reply`` is the answer of all that have none."""
        self._answer_open(stage, reply)
        self.done = self.failed = True

    # -- what to send

    def _step(self) -> Flight | None:
        """The next command on its own; behind the last recipient, the content."""
        if self.failed:
            self.done = True
            return None
        if self._position < len(self._commands):
            stage, line, _ = self._commands[self._position]
            self._position += 1
            self._stages = (stage,)
            return Flight(octets=(line.encode(),), stages=self._stages)
        if not self._accepted:
            self.done = self.failed = True  # MAIL stands: RSET
            return None
        if self._capabilities.chunking:
            self._stages = ("final_dot",)
            octets = b"BDAT %d LAST\r\n" % self._size
            return Flight(octets=(octets, *self._content), stages=self._stages, ends_content=True)
        self._stages = ("data",)
        return Flight(octets=(b"DATA\r\n",), stages=self._stages)

    def _after_data(self, reply: Reply) -> Flight | None:
        if reply.code == 354:
            if self._accepted and self.failed:  # a dot would send them an empty message
                raise PeerError("354 and accepted recipients in a transaction that was refused")
            self._stages = ("final_dot",)
            if self._accepted:  # CT2
                return Flight(
                    octets=(*self._content, b".\r\n"),
                    stages=self._stages,
                    ends_content=True,
                    has_dots=self._has_dots,
                )
            # RFC 2920 section 3.1: 354 although no recipient stands; a lone dot ends it
            self.failed = True
            return Flight(octets=(b".\r\n",), stages=self._stages)
        self._answer_open("data", reply)
        self.done = self.failed = True
        return None

    # -- what came back

    def _take(self, stage: ClientStage, reply: Reply) -> None:
        kind = reply.code // 100
        if stage == "final_dot":
            self.done = True
            self.failed = self.failed or kind != 2 or not self._accepted
            self._answer_open(stage, reply)  # of those accepted: the others have theirs
        elif kind != 2 and not self.failed:
            self.failed = True
            self._answer_open(stage, reply)

    def _take_rcpt(self, index: int, reply: Reply) -> None:
        if reply.code < 300:
            self._accepted += 1
        elif self.answers[index] is None:  # CT1: MAIL's refusal says more than the 503 after it
            self.answers[index] = Answer("rcpt", reply)

    def _answer_open(self, stage: ClientStage, reply: Reply) -> None:
        answer = Answer(stage, reply)  # one for all
        answers = self.answers
        for index, present in enumerate(answers):
            if present is None:
                answers[index] = answer

    # -- what the message needs of the peer

    def _checked_content(self) -> tuple[Octets, ...]:
        """The content in parts; sets ``_size`` and ``_has_dots``."""
        header, body, known = self._message.header, self._message.body, self._message.has_dot_lines
        try:
            # The header was put together by us, so it is looked at whatever is known of the body
            dots = checked(header, body if known is None else b"") or bool(known)
        except ContentError as error:
            raise NotSendableError(
                NotSendable(enhanced="5.6.0", text=f"not sent: {error}")
            ) from error
        self._size = len(header) + len(body)
        parts: tuple[Octets, ...] = (header, body) if body else (header,)
        if body and body[-2:] != b"\r\n":
            # RFC 5321 section 4.1.1.4; DKIM counts this CRLF as there (RFC 6376 section 3.4.3)
            parts, self._size = (*parts, b"\r\n"), self._size + 2
        self._has_dots = dots and not self._capabilities.chunking
        return parts

    def _mail(self) -> str:
        message, capabilities = self._message, self._capabilities
        reverse_path = message.reverse_path
        # What a recipient's own address needs, that recipient needs alone: ``_add_recipients``
        utf8 = (message.smtputf8 and not message.header.isascii()) or not reverse_path.isascii()
        if utf8 and not capabilities.smtputf8:
            raise NotSendableError(_NO_SMTPUTF8)
        if message.body_8bit and not capabilities.eight_bit:
            raise NotSendableError(_NO_8BITMIME)
        if 0 < capabilities.size_limit < self._size:
            text = f"message of {self._size} octets, the host takes {capabilities.size_limit}"
            raise NotSendableError(NotSendable(enhanced="5.3.4", text=text))  # RFC 1870 section 5
        try:
            line = f"MAIL FROM:<{command.path(reverse_path)}>"
        except command.ArgumentError as error:
            raise NotSendableError(
                NotSendable(enhanced="5.1.7", text=f"not sent: {error}")
            ) from error
        if capabilities.size:
            line += f" SIZE={self._size}"
        if message.body_8bit:
            line += " BODY=8BITMIME"
        if capabilities.smtputf8 and (utf8 or self._has_utf8_recipient()):
            line += " SMTPUTF8"
        if capabilities.dsn and (message.ret is not None or message.envid is not None):
            try:
                line += command.envelope_parameters(message.ret, message.envid)
            except command.ArgumentError as error:
                raise NotSendableError(
                    NotSendable(enhanced="5.5.4", text=f"not sent: {error}")
                ) from error
        return line + "\r\n"

    def _has_utf8_recipient(self) -> bool:
        return not all(each.forward_path.isascii() for each in self._message.recipients)

    def _add_recipients(self) -> None:
        """A recipient that cannot be named to this peer is answered here and never sent."""
        dsn, utf8 = self._capabilities.dsn, self._capabilities.smtputf8
        for index, recipient in enumerate(self._message.recipients):
            forward_path = recipient.forward_path
            if not forward_path.isascii() and not utf8:
                self.answers[index] = _NO_SMTPUTF8
                continue
            try:
                if forward_path == "":
                    raise command.ArgumentError("an empty address")
                line = f"RCPT TO:<{command.path(forward_path)}>"
                if dsn:
                    line += command.notify_parameter(recipient.notify)
                    line += command.orcpt_parameter(recipient.orcpt)
            except command.ArgumentError as error:
                self.answers[index] = NotSendable(enhanced="5.1.3", text=f"not sent: {error}")
                continue
            self._commands.append(("rcpt", line + "\r\n", index))
        self.done = self._commands[-1][0] != "rcpt"  # no recipient is left


# RFC 6531 section 3.2; RFC 6530 section 4.6.3.
_NO_SMTPUTF8: Final = NotSendable(
    enhanced="5.6.7",
    text="the host does not offer SMTPUTF8, which this address or message needs",
    elsewhere=True,
)
# RFC 6152 section 3: convert or refuse. Whoever can convert it has done so before (``packing``).
_NO_8BITMIME: Final = NotSendable(
    enhanced="5.6.3",
    text="the host does not offer 8BITMIME, which this message needs",
    elsewhere=True,
)
