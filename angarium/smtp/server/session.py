"""A session with an SMTP client, from the server's side (RFC 5321). Sans-IO: octets in; replies and events out.

Knows nothing of sockets, clocks, passwords or the queue: what needs them is an event that the shell answers.
Which command needs what is a table in ``order``; message content and AUTH are parts of their own.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from angarium.smtp.envelope import Recipient
from angarium.smtp.refusal import Refusal, RefusedError
from angarium.smtp.server.command import NotSmtpError, Verb, parse_client_name, parse_command
from angarium.smtp.server.content_part import ContentPart
from angarium.smtp.server.data import OctetBudget
from angarium.smtp.server.event import StartTlsRequested
from angarium.smtp.server.line_buffer import LineFaultError, LineTooLongError
from angarium.smtp.server.login_part import LoginPart
from angarium.smtp.server.order import NEEDS, Need
from angarium.smtp.server.settings import ClientFacts, ServerReplies, TlsFacts
from angarium.smtp.server.state import SessionState
from angarium.smtp.server.transaction import ServerTransaction

_OK: Final = b"250 2.0.0 Ok\r\n"
_MAIL_OK: Final = b"250 2.1.0 Ok\r\n"
_RCPT_OK: Final = b"250 2.1.5 Ok\r\n"
_VRFY: Final = b"252 2.5.0 Cannot VRFY user, but will accept a message and attempt delivery\r\n"


def _anybody(recipient: Recipient) -> Refusal | None:
    return None


class ServerSession(ContentPart, LoginPart):
    """Feed it by ``receive``, then take events until there are none, sending ``outgoing`` before acting on each.

    Invariants SS1 and SS3 are on SessionCore.
    Invariant SS2: a refused MAIL, DATA, BDAT or end of data leaves no transaction, nor do RSET, EHLO, HELO and
    STARTTLS (S4). A refused RCPT leaves the transaction as it was (RFC 5321 section 3.3).
    """

    def __init__(
        self,
        replies: ServerReplies,
        client: ClientFacts,
        budget: OctetBudget,
        *,
        tls: TlsFacts | None = None,
        may_receive: Callable[[Recipient], Refusal | None] = _anybody,
        on_refused: Callable[[Refusal], None] | None = None,
    ) -> None:
        """``may_receive`` is asked at each RCPT that is well formed: a Refusal is its reply, the others stay."""
        super().__init__(SessionState(replies.settings, client, budget, tls), on_refused)
        self._replies = replies
        self._may_receive = may_receive
        self._leaving: Refusal | None = None  # why, once it shall end

    # Questions and answers of the shell

    @property
    def user(self) -> str:
        """Who is logged in; "": nobody."""
        identity = self._state.identity
        return identity.user if identity is not None else ""

    @property
    def messages(self) -> int:
        """Accepted so far."""
        return self._state.messages

    @property
    def is_leaving(self) -> bool:
        return self._leaving is not None

    def greet(self) -> None:
        """Begin; what the client has sent before is against the protocol (S6)."""
        self._step = self._read_command
        if self._input:
            self._desynchronized("You must wait for the banner")
        else:
            self._output.append(self._replies.banner)

    def tls_started(self, tls: TlsFacts) -> None:
        """Answer StartTlsRequested: what was said in the clear is forgotten (RFC 3207 section 4.2, S3)."""
        self._input.clear()
        self._state.begin_tls(tls)
        self._step = self._read_command

    def leave(self, why: Refusal) -> None:
        """End with ``why`` (a 421) as soon as no transaction is under way."""
        self._leaving = why

    # Steps

    def _read_command(self) -> bool:
        state = self._state
        if self._leaving is not None and state.transaction is None:
            self.abort(self._leaving)
            return False
        line: bytes | None = b""
        try:
            line = self._input.next_line(self._limits.command_octets)
            if line is None:
                return False
            if self.tap is not None:
                self.tap.client(line)
            state.commands += 1
            if state.commands > self._limits.commands_per_message:
                self.abort(Refusal(421, "4.7.0", "Too many commands without a message"))
                return False
            verb, argument = parse_command(line)
            handle, needs = self._COMMANDS[verb]
            for need in needs:
                if not need.is_met(state):
                    self._refuse_out_of_order(verb, argument, need)
                    return True
            handle(self, argument)
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

    def _refuse_out_of_order(self, verb: Verb, argument: str, unmet: Need) -> None:
        """Answer for a need that is not met. Raises RefusedError: the reply."""
        if verb is Verb.BDAT:
            self._refuse_chunk(argument, unmet.refusal)
            return
        if unmet.drops_transaction:
            self._state.end_transaction()
        if unmet.refusal.code == 421:
            self.abort(unmet.refusal)
            return
        raise RefusedError.of(unmet.refusal)

    def _refuse_command(self, start: bytes, refusal: Refusal) -> None:
        """Whatever is wrong with it, down to a NUL or its length."""
        state = self._state
        match start:
            case b"MAIL" | b"DATA":  # SS2: no recipient may be joined to the sender before
                state.end_transaction()
            case b"BDAT":  # and nobody knows how many octets follow
                self.abort(refusal)
            case b"RCPT" if state.transaction is not None and state.may_relay:
                # Ten bad addresses in a list must not lose the message to the others: clients take a 421 here for
                # all recipients' reply. Commands are still counted.
                self._refuse(refusal, is_forgiven=True)
                return
        self._refuse(refusal)

    # Commands whose needs are met: a RefusedError out of one becomes its reply

    def _helo(self, argument: str) -> None:
        if self._greeted(argument, extended=False):
            self._output.append(self._replies.helo)

    def _ehlo(self, argument: str) -> None:
        if self._greeted(argument, extended=True):
            state = self._state
            may_log_in = state.settings.auth == "required" and state.may_authenticate
            offer_tls = state.settings.starttls and state.tls is None
            self._output.append(
                self._replies.ehlo(starttls=offer_tls, auth=may_log_in and not state.identity)
            )

    def _greeted(self, argument: str, *, extended: bool) -> bool:
        state = self._state
        state.end_transaction()  # RFC 5321 section 4.1.4
        name = parse_client_name(argument, is_lenient=state.could_relay)
        self._must_be_last()
        state.client_name, state.extended = name, extended
        return not self.is_closed

    def _mail(self, argument: str) -> None:
        state = self._state
        transaction = ServerTransaction(argument, self._limits, state.settings.hostname)
        sender = transaction.reverse_path
        if state.identity is not None and sender and not state.identity.allows(sender):  # A2
            raise RefusedError(553, "5.7.1", "This user may not send from this address")
        state.transaction = transaction
        self._output.append(_MAIL_OK)

    def _rcpt(self, argument: str) -> None:
        state = self._state
        transaction = state.transaction
        assert transaction is not None
        transaction.refused_recipients += 1  # until it is not
        if not state.may_name_recipients:  # A1: auth = "trusted", and it is not
            raise RefusedError(550, "5.7.1", "Relay access denied")
        recipient = transaction.parse_recipient(argument)
        refusal = self._may_receive(recipient)
        if refusal is not None:
            raise RefusedError.of(refusal)
        transaction.add_recipient(recipient)
        transaction.refused_recipients -= 1
        state.commands -= 1  # those that succeed are bounded by the limit of recipients
        self._output.append(_RCPT_OK)

    def _rset(self, argument: str) -> None:
        self._state.end_transaction()
        self._output.append(_OK)

    def _noop(self, argument: str) -> None:
        self._output.append(_OK)

    def _vrfy(self, argument: str) -> None:
        self._output.append(_VRFY)  # S13: the same for all

    def _expn(self, argument: str) -> None:
        raise RefusedError(502, "5.5.1", "EXPN is not available")

    def _help(self, argument: str) -> None:
        self._output.append(self._replies.help)

    def _quit(self, argument: str) -> None:
        self._output.append(self._replies.quit)
        self._close()

    def _starttls(self, argument: str) -> None:
        self._must_be_last()  # S3
        if not self.is_closed:
            self._output.append(b"220 2.0.0 Ready to start TLS\r\n")
            self._ask(StartTlsRequested())

    _COMMANDS: ClassVar[
        dict[Verb, tuple[Callable[["ServerSession", str], None], tuple[Need, ...]]]
    ] = {
        Verb.EHLO: (_ehlo, NEEDS[Verb.EHLO]),
        Verb.HELO: (_helo, NEEDS[Verb.HELO]),
        Verb.MAIL: (_mail, NEEDS[Verb.MAIL]),
        Verb.RCPT: (_rcpt, NEEDS[Verb.RCPT]),
        Verb.DATA: (ContentPart._data, NEEDS[Verb.DATA]),
        Verb.BDAT: (ContentPart._bdat, NEEDS[Verb.BDAT]),
        Verb.RSET: (_rset, NEEDS[Verb.RSET]),
        Verb.NOOP: (_noop, NEEDS[Verb.NOOP]),
        Verb.QUIT: (_quit, NEEDS[Verb.QUIT]),
        Verb.VRFY: (_vrfy, NEEDS[Verb.VRFY]),
        Verb.EXPN: (_expn, NEEDS[Verb.EXPN]),
        Verb.HELP: (_help, NEEDS[Verb.HELP]),
        Verb.STARTTLS: (_starttls, NEEDS[Verb.STARTTLS]),
        Verb.AUTH: (LoginPart._auth, NEEDS[Verb.AUTH]),
    }
