"""A session with an SMTP client, from the server's side (RFC 5321). Sans-IO: octets in; replies and events out.

Knows nothing of sockets, clocks, passwords or the queue: what needs them is an event that the shell answers.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal, RefusedError
from angarium.smtp.server.authentication import (
    LINE_OCTETS,
    Challenge,
    Exchange,
    PasswordLogin,
    begin_exchange,
    decode_response,
)
from angarium.smtp.server.command import (
    NotSmtpError,
    Verb,
    parse_chunk,
    parse_client_name,
    parse_command,
)
from angarium.smtp.server.data import (
    BUDGET_SPENT,
    TOO_BIG,
    ChunkCollector,
    DataDecoder,
    OctetBudget,
)
from angarium.smtp.server.event import AuthRequested, LoggedIn, MessageReceived, StartTlsRequested
from angarium.smtp.server.line_buffer import LineFaultError, LineTooLongError
from angarium.smtp.server.session_core import SessionCore
from angarium.smtp.server.settings import ClientFacts, ServerReplies, TlsFacts
from angarium.smtp.server.transaction import ServerTransaction

SMALL_CHUNK_OCTETS: Final = 1024  # ours: a smaller BDAT chunk counts as a command (S5)
_OK: Final = b"250 2.0.0 Ok\r\n"
_MAIL_OK: Final = b"250 2.1.0 Ok\r\n"
_RCPT_OK: Final = b"250 2.1.5 Ok\r\n"
_GO_AHEAD: Final = b"354 End data with <CR><LF>.<CR><LF>\r\n"
_VRFY: Final = b"252 2.5.0 Cannot VRFY user, but will accept a message and attempt delivery\r\n"
_HELP: Final = b"214 2.0.0 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH\r\n"


class ServerSession(SessionCore):
    """Feed it by ``receive``, then take events until there are none, sending ``outgoing`` before acting on each.

    Invariants V1 and V3 are on SessionCore.
    Invariant V2: a refused MAIL, DATA, BDAT or end of data leaves no transaction, nor do RSET, EHLO, HELO and
    STARTTLS (S4). A refused RCPT leaves the transaction as it was (RFC 5321 section 3.3).
    """

    def __init__(
        self,
        replies: ServerReplies,
        client: ClientFacts,
        budget: OctetBudget,
        *,
        tls: TlsFacts | None = None,
        on_refused: Callable[[Refusal], None] | None = None,
    ) -> None:
        super().__init__(replies.settings.limits, on_refused)
        self._replies = replies
        self._settings = replies.settings
        self._client = client
        self._budget = budget
        self._tls = tls
        self._client_name = ""  # "": not greeted
        self._extended = False  # greeted by EHLO
        self._identity: LoggedIn | None = None
        self._exchange: Exchange | None = None
        self._auth_failures = 0
        self._transaction: ServerTransaction | None = None
        self._chunks: ChunkCollector | None = None  # where the octets behind a BDAT command go
        self._last_chunk = False
        self._commands = 0  # since the last message that was accepted
        self._messages = 0
        self._leaving: Refusal | None = None  # why, once it shall end

    # Questions and answers of the shell

    @property
    def in_transaction(self) -> bool:
        return self._transaction is not None

    @property
    def is_receiving(self) -> bool:
        """Whether message data comes next: the time limit is another one then."""
        return self._chunks is not None or (
            self._transaction is not None and self._transaction.data is not None
        )

    def greet(self) -> None:
        """Begin; what the client has sent before is against the protocol (S6)."""
        self._step = self._read_command
        if self._input:
            self._desynchronized("You must wait for the banner")
        else:
            self._output.append(self._replies.banner)

    def accept_message(self, text: str) -> None:
        """Answer MessageReceived: it is durable. ``text`` is printable ASCII."""
        self._end_transaction()
        if self.is_closed:
            return
        self._messages += 1
        self._commands = 0
        self._output.append(f"250 2.0.0 {text}\r\n".encode("ascii"))
        self._step = self._read_command

    def refuse_message(self, refusal: Refusal) -> None:
        """Answer MessageReceived: it was not taken."""
        self._end_transaction()  # V2
        if self.is_closed:
            return
        self._step = self._read_command
        self._refuse(refusal)

    def auth_succeeded(self, identity: LoggedIn) -> None:
        if self.is_closed:
            return
        self._identity = identity
        self._output.append(b"235 2.7.0 Authentication successful\r\n")
        self._step = self._read_command

    def auth_failed(self, refusal: Refusal) -> None:
        if self.is_closed:
            return
        self._auth_failures += 1
        self._step = self._read_command
        self._refuse(refusal)
        if self._auth_failures >= self._limits.auth_failures_per_connection:
            self.abort(Refusal(421, "4.7.0", "Too many failed authentications"))

    def tls_started(self, tls: TlsFacts) -> None:
        """Answer StartTlsRequested: what was said in the clear is forgotten (RFC 3207 section 4.2, S3)."""
        self._input.clear()
        self._tls = tls
        self._client_name = ""
        self._extended = False
        self._identity = None
        self._end_transaction()
        self._step = self._read_command

    def leave(self, why: Refusal) -> None:
        """End with ``why`` (a 421) as soon as no transaction is under way."""
        self._leaving = why

    def close(self) -> None:
        """The client is gone, or must go: all memory is given back. Idempotent."""
        super().close()
        self._end_transaction()

    # Steps

    def _read_command(self) -> bool:
        if self._leaving is not None and self._transaction is None:
            self.abort(self._leaving)
            return False
        line: bytes | None = b""
        try:
            line = self._input.next_line(self._limits.command_octets)
            if line is None:
                return False
            if self.tap is not None:
                self.tap.client(line)
            self._commands += 1
            if self._commands > self._limits.commands_per_message:
                self.abort(Refusal(421, "4.7.0", "Too many commands without a message"))
                return False
            verb, argument = parse_command(line)
            self._HANDLERS[verb](self, argument)
        except RefusedError as error:
            start = (line or b"")[:4].upper()
            if start == b"DATA":  # content behind a refused DATA must never be read as commands
                self._must_be_last()
            self._refuse_command(start, error.refusal)
        except LineTooLongError as error:
            self._refuse_command(error.start.upper(), Refusal(500, "5.5.2", "Line too long"))
        except LineFaultError as error:
            self.abort(Refusal(500, "5.5.2", str(error)))
        except NotSmtpError:  # S14
            self.abort(Refusal(421, "4.7.0", "This is an SMTP server"))
        return True

    def _refuse_command(self, start: bytes, refusal: Refusal) -> None:
        """Whatever is wrong with it, down to a NUL or its length."""
        match start:
            case b"MAIL" | b"DATA":  # V2: no recipient may be joined to the sender before
                self._end_transaction()
            case b"BDAT":  # and nobody knows how many octets follow
                self.abort(refusal)
            case b"RCPT" if self._transaction is not None and self._may_relay:
                # Ten bad addresses in a list must not lose the message to the others: clients take a 421 here for
                # all recipients' reply. Commands are still counted.
                self._refuse(refusal, is_forgiven=True)
                return
        self._refuse(refusal)

    def _read_response(self) -> bool:
        """A line of an AUTH exchange (RFC 4954 section 4)."""
        try:
            line = self._input.next_line(LINE_OCTETS)
            if line is None:
                return False
            if self.tap is not None:
                self.tap.secret()
            self._step = self._read_command
            if line == b"*":
                raise RefusedError(501, "5.7.0", "Authentication cancelled")
            assert self._exchange is not None
            self._authenticate(self._exchange.respond(decode_response(line)))
        except RefusedError as error:
            self.auth_failed(error.refusal)
        except LineTooLongError:
            self.auth_failed(Refusal(500, "5.5.6", "Authentication exchange line is too long"))
        except LineFaultError as error:
            self.abort(Refusal(500, "5.5.2", str(error)))
        return True

    def _read_data(self) -> bool:
        decoder = self._transaction.data if self._transaction else None
        assert decoder is not None
        octets = self._input.take_all()
        if not octets:
            return False
        used = decoder.receive(octets)
        if self.tap is not None:
            self.tap.content(used if used >= 0 else len(octets))
        if decoder.is_hopeless:
            self.abort(decoder.refusal or TOO_BIG)
        elif used >= 0:
            self._input.put_back(octets, used)
            self._end_of_data(decoder)
            return True
        return False

    def _read_chunk(self) -> bool:
        collector = self._chunks
        assert collector is not None
        octets = self._input.take_all()
        used = collector.receive(octets)
        if self.tap is not None:
            self.tap.content(used if used >= 0 else len(octets))
        if used < 0:
            return False
        self._input.put_back(octets, used)
        self._chunks = None
        self._step = self._read_command
        if collector.refusal is not None or self._last_chunk:
            self._end_of_data(collector)
        else:
            self._output.append(b"250 2.0.0 Chunk received\r\n")
        return True

    def _end_of_data(self, data: DataDecoder | ChunkCollector) -> None:
        self._step = self._read_command
        content = data.finish()
        transaction = self._transaction
        if isinstance(content, Refusal) or transaction is None:
            assert isinstance(content, Refusal)  # octets without a transaction are always refused
            self._end_transaction()  # V2
            self._refuse(content)
            return
        identity, tls = self._identity, self._tls
        message = ReceivedMessage(
            envelope=transaction.envelope(content),
            content=content,
            has_dot_lines=data.has_dot_lines,
            client_address=self._client.address,
            client_name=self._client_name,
            protocol=self._protocol(transaction),
            tls_version=tls.version if tls else "",
            tls_cipher=tls.cipher if tls else "",
            user=identity.user if identity else "",
            tenant=identity.tenant if identity else "default",
            senders=identity.senders if identity else ("*",),
            listener=self._settings.listener,
        )
        self._ask(MessageReceived(message))

    def _protocol(self, transaction: ServerTransaction) -> str:
        """The name for the trace field (RFC 3848; RFC 6531 section 4.3)."""
        if not self._extended:
            return "SMTP"
        name = "UTF8SMTP" if transaction.smtputf8 else "ESMTP"
        return name + ("S" if self._tls else "") + ("A" if self._identity else "")

    def _end_transaction(self) -> None:
        if self._transaction is not None:
            self._transaction.discard()
            self._transaction = None

    def _must_be_last(self) -> None:
        """RFC 2920 section 3.1: nothing may be sent before this command's reply (S3, S6)."""
        if self._input:
            self._desynchronized("Commands sent before the reply to this one")

    # Commands: a RefusedError out of one becomes its reply

    def _helo(self, argument: str) -> None:
        if self._greeted(argument, extended=False):
            self._output.append(self._replies.helo)

    def _ehlo(self, argument: str) -> None:
        if self._greeted(argument, extended=True):
            may_log_in = self._settings.auth == "required" and (
                self._tls is not None or self._client.clear_auth
            )
            offer_tls = self._settings.starttls and self._tls is None
            self._output.append(
                self._replies.ehlo(starttls=offer_tls, auth=may_log_in and not self._identity)
            )

    def _greeted(self, argument: str, *, extended: bool) -> bool:
        self._end_transaction()  # RFC 5321 section 4.1.4
        name = parse_client_name(argument)
        self._must_be_last()
        self._client_name, self._extended = name, extended
        return not self.is_closed

    def _mail(self, argument: str) -> None:
        if self._transaction is not None:
            raise RefusedError(503, "5.5.1", "Nested MAIL; the transaction is dropped")
        if not self._client_name:
            raise RefusedError(503, "5.5.1", "Send EHLO first")
        if self._messages >= self._limits.messages_per_connection:
            self.abort(Refusal(421, "4.7.0", "Too many messages in this connection"))
            return
        self._require_login()
        if self._budget.is_spent:
            raise RefusedError.of(BUDGET_SPENT)
        transaction = ServerTransaction(argument, self._limits, self._settings.hostname)
        sender = transaction.reverse_path
        if self._identity is not None and sender and not self._identity.allows(sender):  # A2
            raise RefusedError(553, "5.7.1", "This user may not send from this address")
        self._transaction = transaction
        self._output.append(_MAIL_OK)

    @property
    def _may_relay(self) -> bool:
        return self._client.trusted or self._identity is not None

    def _require_login(self) -> None:
        """With ``auth = "required"``: be logged in, or come from a trusted network. Raises RefusedError."""
        if self._settings.auth != "required" or self._may_relay:
            return
        if self._settings.starttls and self._tls is None and not self._client.clear_auth:
            raise RefusedError(530, "5.7.0", "Must issue a STARTTLS command first")  # RFC 3207
        raise RefusedError(530, "5.7.0", "Authentication required")  # RFC 4954 section 6

    def _rcpt(self, argument: str) -> None:
        transaction = self._transaction
        if transaction is None:
            raise RefusedError(503, "5.5.1", "Send MAIL first")
        if transaction.chunks is not None:  # RFC 3030 section 2
            self._end_transaction()
            raise RefusedError(503, "5.5.1", "RCPT after BDAT; the transaction is dropped")
        if not self._may_relay:  # A1: auth = "trusted", and it is not
            transaction.refused_recipients += 1
            raise RefusedError(550, "5.7.1", "Relay access denied")
        transaction.add_recipient(argument)
        self._commands -= 1  # those that succeed are bounded by the limit of recipients
        self._output.append(_RCPT_OK)

    def _data(self, argument: str) -> None:
        transaction = self._ready_transaction()
        if transaction.chunks is not None:
            raise RefusedError(503, "5.5.1", "DATA after BDAT")
        if self._budget.is_spent:
            raise RefusedError.of(BUDGET_SPENT)
        self._must_be_last()
        if not self.is_closed:
            transaction.data = DataDecoder(
                self._limits.message_octets, self._limits.text_line_octets, self._budget
            )
            self._step = self._read_data
            self._output.append(_GO_AHEAD)

    def _bdat(self, argument: str) -> None:
        """RFC 3030. Whatever the reply, the octets announced are read and never taken for commands (S5)."""
        octets, last = parse_chunk(argument)
        limits = self._limits
        collector: ChunkCollector | None = None
        try:
            transaction = self._ready_transaction()
            collector = transaction.chunks
            if self._budget.is_spent and collector is None:
                raise RefusedError.of(BUDGET_SPENT)
            if collector is None:
                collector = transaction.chunks = ChunkCollector(
                    limits.message_octets, limits.text_line_octets, self._budget
                )
        except RefusedError as error:
            self._end_transaction()  # V2
            collector = ChunkCollector(limits.message_octets, limits.text_line_octets, self._budget)
            collector.refuse(error.refusal)
        collector.begin(octets)
        if collector.would_be_hopeless(octets):
            self.abort(collector.refusal or TOO_BIG)
            return
        if octets >= SMALL_CHUNK_OCTETS:
            self._commands -= 1
        self._chunks, self._last_chunk = collector, last
        self._step = self._read_chunk

    def _ready_transaction(self) -> ServerTransaction:
        """The transaction, if data may follow now. Raises RefusedError."""
        transaction = self._transaction
        if transaction is None:
            raise RefusedError(503, "5.5.1", "Send MAIL first")
        if not transaction.has_recipients:
            if transaction.refused_recipients:
                raise RefusedError(554, "5.5.1", "No valid recipients")
            raise RefusedError(503, "5.5.1", "Send RCPT first")
        return transaction

    def _rset(self, argument: str) -> None:
        self._end_transaction()
        self._output.append(_OK)

    def _noop(self, argument: str) -> None:
        self._output.append(_OK)

    def _vrfy(self, argument: str) -> None:
        self._output.append(_VRFY)  # S13: the same for all

    def _expn(self, argument: str) -> None:
        raise RefusedError(502, "5.5.1", "EXPN is not available")

    def _help(self, argument: str) -> None:
        self._output.append(_HELP)

    def _quit(self, argument: str) -> None:
        self._output.append(self._replies.quit)
        self._close()

    def _starttls(self, argument: str) -> None:
        if self._tls is not None:
            raise RefusedError(503, "5.5.1", "TLS is active already")
        if not self._settings.starttls:
            raise RefusedError(502, "5.5.1", "STARTTLS is not available")
        self._must_be_last()  # S3
        if not self.is_closed:
            self._output.append(b"220 2.0.0 Ready to start TLS\r\n")
            self._ask(StartTlsRequested())

    def _auth(self, argument: str) -> None:
        if self._settings.auth != "required":
            raise RefusedError(502, "5.5.1", "AUTH is not available")
        if not self._extended:
            raise RefusedError(503, "5.5.1", "Send EHLO first")
        if self._identity is not None or self._transaction is not None:
            raise RefusedError(503, "5.5.1", "Not now")  # RFC 4954 section 4
        if self._tls is None and not self._client.clear_auth:  # S13
            raise RefusedError(538, "5.7.11", "Encryption required for authentication")
        self._must_be_last()
        if self.is_closed:
            return
        try:
            self._exchange, answer = begin_exchange(argument)
        except RefusedError as error:
            self.auth_failed(error.refusal)
            return
        self._authenticate(answer)

    def _authenticate(self, answer: Challenge | PasswordLogin) -> None:
        if isinstance(answer, Challenge):
            self._output.append(b"334 " + answer.text + b"\r\n")
            self._step = self._read_response
        else:
            self._exchange = None
            self._ask(AuthRequested(answer.mechanism, answer.user, answer.password))

    _HANDLERS: ClassVar[dict[Verb, Callable[["ServerSession", str], None]]] = {
        Verb.EHLO: _ehlo,
        Verb.HELO: _helo,
        Verb.MAIL: _mail,
        Verb.RCPT: _rcpt,
        Verb.DATA: _data,
        Verb.BDAT: _bdat,
        Verb.RSET: _rset,
        Verb.NOOP: _noop,
        Verb.QUIT: _quit,
        Verb.VRFY: _vrfy,
        Verb.EXPN: _expn,
        Verb.HELP: _help,
        Verb.STARTTLS: _starttls,
        Verb.AUTH: _auth,
    }
