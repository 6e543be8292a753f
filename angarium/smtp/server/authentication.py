"""The AUTH exchange (RFC 4954), PLAIN (RFC 4616) and LOGIN, from the server's side. Verifies nothing itself."""

import base64
import binascii
from typing import Final, Protocol

import msgspec

from angarium.smtp.refusal import RefusedError

LINE_OCTETS: Final = 12_288  # RFC 4954 section 4: of a response, base64
_BAD_RESPONSE: Final = "The response does not fit the mechanism"


class Challenge(msgspec.Struct, frozen=True):
    """To be sent as a 334 reply."""

    text: bytes  # base64


class PasswordLogin(msgspec.Struct, frozen=True, kw_only=True):
    mechanism: str
    user: str
    password: bytes


class Exchange(Protocol):
    def begin(self, initial: bytes | None) -> Challenge | PasswordLogin: ...

    def respond(self, response: bytes) -> Challenge | PasswordLogin:
        """``response`` is decoded already. Raises RefusedError."""
        ...


def decode_response(text: bytes) -> bytes:
    """Decode base64 strictly, but for blanks around it and a padding left out, as old clients do.

    Raises RefusedError 501 5.5.2.
    """
    text = text.strip(b" \t")
    if not text.endswith(b"="):
        text += b"=" * (-len(text) % 4)  # three of them are no padding: refused
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise RefusedError(501, "5.5.2", "The response is not base64") from None


def _user(octets: bytes) -> str:
    try:
        user = octets.decode()
    except UnicodeDecodeError:
        raise RefusedError(535, "5.7.8", "Authentication credentials invalid") from None
    if not user or not user.isprintable():  # it goes into the trace field and the log (C7)
        raise RefusedError(535, "5.7.8", "Authentication credentials invalid")
    return user


class _Plain:
    def begin(self, initial: bytes | None) -> Challenge | PasswordLogin:
        return Challenge(b"") if initial is None else self.respond(initial)

    def respond(self, response: bytes) -> Challenge | PasswordLogin:
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise RefusedError(501, "5.5.2", _BAD_RESPONSE)
        acts_as, name, password = parts
        user = _user(name)
        if acts_as not in (b"", name):  # nobody may act as another user
            raise RefusedError(535, "5.7.8", "Authentication credentials invalid")
        return PasswordLogin(mechanism="PLAIN", user=user, password=password)


class _Login:
    """Not in any RFC; what old clients speak: two questions, two answers."""

    def __init__(self) -> None:
        self._user: str | None = None

    def begin(self, initial: bytes | None) -> Challenge | PasswordLogin:
        return (
            Challenge(base64.b64encode(b"Username:")) if initial is None else self.respond(initial)
        )

    def respond(self, response: bytes) -> Challenge | PasswordLogin:
        if self._user is None:
            self._user = _user(response)
            return Challenge(base64.b64encode(b"Password:"))
        if b"\0" in response:
            raise RefusedError(501, "5.5.2", _BAD_RESPONSE)
        return PasswordLogin(mechanism="LOGIN", user=self._user, password=response)


def begin_exchange(argument: str) -> tuple[Exchange, Challenge | PasswordLogin]:
    """Start on ``mechanism [initial-response]``. Raises RefusedError: 504 5.5.4 for another mechanism."""
    mechanism, _, initial = argument.partition(" ")
    initial = initial.strip(" ")
    exchange: Exchange
    match mechanism.upper() if mechanism.isascii() else "":
        case "PLAIN":
            exchange = _Plain()
        case "LOGIN":
            exchange = _Login()
        case _:
            raise RefusedError(504, "5.5.4", "Unsupported authentication mechanism")
    if not initial:
        return exchange, exchange.begin(None)
    if initial == "=":  # RFC 4954 section 4: an empty one
        return exchange, exchange.begin(b"")
    return exchange, exchange.begin(decode_response(initial.encode()))
