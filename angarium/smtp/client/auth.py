"""The client's side of AUTH (RFC 4954), sans-IO: PLAIN, LOGIN and CRAM-MD5.

Nothing here is ever shown: what it returns has the password in it, or what stands for it.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.smtp.reply import Reply

# In this order; under TLS, none tells more than another. Each that the server offers is tried until one does.
MECHANISMS: Final = ("PLAIN", "LOGIN", "CRAM-MD5")
MAX_CHALLENGES: Final = 3  # ours; no mechanism here has more than two
CANCEL: Final = b"*\r\n"  # RFC 4954 section 4


class LogIn(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    password: str

    def __repr__(self) -> str:
        return f"LogIn({self.user!r})"


def known_mechanisms(offered: Sequence[str]) -> list[str]:
    return [each for each in MECHANISMS if each in offered]


class AuthExchange:
    """One mechanism, once."""

    def __init__(self, mechanism: str, log_in: LogIn) -> None:
        self._mechanism = mechanism
        self._user = log_in.user.encode()
        self._password = log_in.password.encode()
        self._challenges = 0

    def command(self) -> bytes:
        line = b"AUTH " + self._mechanism.encode()
        if self._mechanism == "PLAIN":
            line += b" " + self._plain()
        return line + b"\r\n"

    def response(self, challenge: Reply) -> bytes:
        """Return the line that answers a 334; CANCEL where there is no answer to it."""
        self._challenges += 1
        if self._challenges > MAX_CHALLENGES:
            return CANCEL
        match self._mechanism:
            case "PLAIN":
                # It would not take it with the command
                return self._plain() + b"\r\n"
            case "LOGIN":
                # What it asks for is told by the order only: servers word it as they like
                answer = self._user if self._challenges == 1 else self._password
            case _:
                try:
                    asked = base64.b64decode(challenge.lines[0], validate=True)
                except binascii.Error:
                    return CANCEL
                digest = hmac.new(self._password, asked, "md5").hexdigest()  # RFC 2195
                answer = self._user + b" " + digest.encode()
        return base64.b64encode(answer) + b"\r\n"

    def _plain(self) -> bytes:
        return base64.b64encode(b"\0" + self._user + b"\0" + self._password)  # RFC 4616
