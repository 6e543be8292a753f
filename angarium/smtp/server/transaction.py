"""One mail transaction from MAIL to the end of data (RFC 5321 section 3.3). Checks syntax and limits, not permission.

Knows nothing of the session around it.
"""

from angarium.config.schema import ListenerLimits
from angarium.smtp.address import AddressSyntaxError, is_routed, parse_mailbox
from angarium.smtp.envelope import Envelope, Recipient
from angarium.smtp.parameter import (
    MailParameters,
    RecipientParameters,
    parse_mail_parameters,
    parse_recipient_parameters,
)
from angarium.smtp.refusal import RefusedError
from angarium.smtp.server.command import split_mail, split_recipient
from angarium.smtp.server.data import TOO_BIG, ChunkCollector, DataDecoder

_NO_PARAMETERS = MailParameters()
_NO_RECIPIENT_PARAMETERS = RecipientParameters()


class ServerTransaction:
    """Holds what has been accepted so far; an exception out of any method means that nothing was added."""

    def __init__(self, argument: str, limits: ListenerLimits, hostname: str) -> None:
        """Begin with the argument of MAIL. Raises RefusedError: then there is no transaction (S4)."""
        path, parameters = split_mail(argument)
        given = parse_mail_parameters(parameters) if parameters else _NO_PARAMETERS
        self._limits = limits
        self._hostname = hostname
        self._given = given
        self.recipients: list[Recipient] = []
        self.refused_recipients = 0
        self.data: DataDecoder | None = None  # once DATA has begun
        self.chunks: ChunkCollector | None = None  # once BDAT has begun
        self.reverse_path = ""
        if path:
            self.reverse_path = _parse_sender(path, smtputf8=given.smtputf8)
        if given.size is not None and given.size > limits.message_octets:
            raise RefusedError.of(TOO_BIG)

    @property
    def smtputf8(self) -> bool:
        return self._given.smtputf8

    def parse_recipient(self, argument: str) -> Recipient:
        """Read the argument of RCPT. Raises RefusedError."""
        path, parameters = split_recipient(argument)
        given = parse_recipient_parameters(parameters) if parameters else _NO_RECIPIENT_PARAMETERS
        if len(self.recipients) >= self._limits.recipients:
            raise RefusedError(452, "4.5.3", "Too many recipients")
        if path.lower() == "postmaster":  # RFC 5321 section 4.5.1
            path = f"{path}@{self._hostname}"
        if not path:
            raise AddressSyntaxError(501, "5.1.3", "The null path is no recipient")
        address = parse_mailbox(path, smtputf8=self._given.smtputf8)
        if is_routed(address):  # A1: the next host might route it on, in our name
            raise RefusedError(
                550, "5.7.1", "Sender-specified routing (% ! or a second @) is refused"
            )
        return Recipient(
            forward_path=address.text,
            domain=address.domain,
            notify=given.notify,
            orcpt=given.orcpt,
        )

    def add_recipient(self, recipient: Recipient) -> None:
        self.recipients.append(recipient)

    def envelope(self, content: bytes) -> Envelope:
        return Envelope(
            reverse_path=self.reverse_path,
            recipients=tuple(self.recipients),
            ret=self._given.ret,
            envid=self._given.envid,
            smtputf8=self._given.smtputf8,
            body_8bit=not content.isascii(),  # what it is; BODY only says what it may be
        )

    def discard(self) -> None:
        """Give back the memory of a message that is settled or dropped."""
        if self.data is not None:
            self.data.release()
        if self.chunks is not None:
            self.chunks.release()


def _parse_sender(path: str, *, smtputf8: bool) -> str:
    try:
        return parse_mailbox(path, smtputf8=smtputf8).text
    except AddressSyntaxError as error:
        if error.refusal.enhanced != "5.1.3":
            raise
        raise AddressSyntaxError(error.refusal.code, "5.1.7", error.refusal.text) from error
