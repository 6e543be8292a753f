"""The part of a server session that logs a user in (AUTH, RFC 4954). Verifies nothing: the shell does."""

from angarium.smtp.refusal import Refusal, RefusedError
from angarium.smtp.server.authentication import (
    LINE_OCTETS,
    Challenge,
    PasswordLogin,
    begin_exchange,
    decode_response,
)
from angarium.smtp.server.event import AuthRequested, LoggedIn
from angarium.smtp.server.line_buffer import LineFaultError, LineTooLongError
from angarium.smtp.server.session_core import SessionCore


class LoginPart(SessionCore):
    """Begins with an AUTH whose needs are met (``order``), ends with the password as an event, or refused."""

    def auth_succeeded(self, identity: LoggedIn) -> None:
        if self.is_closed:
            return
        self._state.identity = identity
        self._output.append(b"235 2.7.0 Authentication successful\r\n")
        self._step = self._read_command

    def auth_failed(self, refusal: Refusal) -> None:
        if self.is_closed:
            return
        self._state.auth_failures += 1
        self._step = self._read_command
        self._refuse(refusal)
        if self._state.auth_failures >= self._limits.auth_failures_per_connection:
            self.abort(Refusal(421, "4.7.0", "Too many failed authentications"))

    def _auth(self, argument: str) -> None:
        self._must_be_last()
        if self.is_closed:
            return
        try:
            self._state.exchange, answer = begin_exchange(argument)
        except RefusedError as error:
            self.auth_failed(error.refusal)
            return
        self._authenticate(answer)

    def _authenticate(self, answer: Challenge | PasswordLogin) -> None:
        if isinstance(answer, Challenge):
            self._output.append(b"334 " + answer.text + b"\r\n")
            self._step = self._read_response
        else:
            self._state.exchange = None
            self._ask(
                AuthRequested(
                    mechanism=answer.mechanism, user=answer.user, password=answer.password
                )
            )

    def _read_response(self) -> bool:
        """A line of the exchange (RFC 4954 section 4)."""
        try:
            line = self._input.next_line(LINE_OCTETS)
            if line is None:
                return False
            if self.tap is not None:
                self.tap.secret()
            self._step = self._read_command
            if line == b"*":
                raise RefusedError(501, "5.7.0", "Authentication cancelled")
            exchange = self._state.exchange
            assert exchange is not None
            self._authenticate(exchange.respond(decode_response(line)))
        except RefusedError as error:
            self.auth_failed(error.refusal)
        except LineTooLongError:
            self.auth_failed(Refusal(500, "5.5.6", "Authentication exchange line is too long"))
        except LineFaultError as error:
            self.abort(Refusal(500, "5.5.2", str(error)))
        return True
