"""The client's side of SOCKS5 (RFC 1928), with a user's password (RFC 1929). Sans-IO: octets in, octets out."""

import enum
from ipaddress import ip_address
from typing import Final

VERSION: Final = 5
NO_LOG_IN: Final = 0
PASSWORD: Final = 2
NONE_ACCEPTABLE: Final = 0xFF
_CONNECT: Final = 1
_LOG_IN_VERSION: Final = 1  # RFC 1929 section 2
# RFC 1928 section 4: octets of an address behind its type
_IPV4, _NAME, _IPV6 = 1, 3, 4
_LENGTHS: Final = {_IPV4: 4, _IPV6: 16}
_REPLIES: Final = {  # RFC 1928 section 6
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}
# Of these, what is said of the host that was asked for; the rest is said of the proxy
_OF_THE_HOST: Final = frozenset({3, 4, 5, 6})


class SocksError(Exception):
    """The proxy opens no connection; the text says why."""

    def __init__(self, text: str, *, is_hosts: bool = False) -> None:
        super().__init__(text)
        self.is_hosts: Final = is_hosts  # the proxy works, the host cannot be reached


class _Step(enum.Enum):
    METHOD = enum.auto()  # the proxy says how we log in
    LOG_IN = enum.auto()
    CONNECT = enum.auto()
    DONE = enum.auto()


class SocksHandshake:
    """Up to the connection with one address. What is incomplete is at most a reply of 262 octets."""

    def __init__(self, address: str, port: int, user: str = "", password: str = "") -> None:
        """``user`` and ``password`` have at most 255 octets each; "": no log-in is offered."""
        self._address = ip_address(address)
        self._port = port
        self._user = user.encode()
        self._password = password.encode()
        self._step = _Step.METHOD
        self.rest = b""  # received and not read; when done: the host's first octets

    def is_done(self) -> bool:
        return self._step is _Step.DONE

    def begin(self) -> bytes:
        methods = bytes((NO_LOG_IN, PASSWORD)) if self._user else bytes((NO_LOG_IN,))
        return bytes((VERSION, len(methods))) + methods

    def receive(self, octets: bytes) -> bytes:
        """Return what to send next, if anything. Raises SocksError."""
        self.rest += octets
        answer = b""
        while True:
            match self._step:
                case _Step.METHOD if len(self.rest) >= 2:
                    answer += self._log_in(*self._take(2))
                case _Step.LOG_IN if len(self.rest) >= 2:
                    _, status = self._take(2)
                    if status:
                        raise SocksError("it refuses the user or the password")
                    answer += self._connect()
                case _Step.CONNECT if self._has_reply():
                    return answer
                case _:
                    return answer

    def _take(self, count: int) -> bytes:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def _log_in(self, version: int, method: int) -> bytes:
        if version != VERSION:
            raise SocksError("it does not speak SOCKS5")
        if method == NO_LOG_IN:
            return self._connect()
        if method != PASSWORD or not self._user:
            raise SocksError("it wants a log-in that we have not")
        self._step = _Step.LOG_IN
        user = bytes((len(self._user),)) + self._user
        return bytes((_LOG_IN_VERSION,)) + user + bytes((len(self._password),)) + self._password

    def _connect(self) -> bytes:
        self._step = _Step.CONNECT
        kind = _IPV4 if self._address.version == 4 else _IPV6
        head = bytes((VERSION, _CONNECT, 0, kind))
        return head + self._address.packed + self._port.to_bytes(2, "big")

    def _has_reply(self) -> bool:
        """Take the reply, if all of it is there."""
        if len(self.rest) >= 2 and self.rest[1]:  # refused: what is behind it tells nothing
            code = self.rest[1]
            text = _REPLIES.get(code, f"error {code}")
            raise SocksError(text, is_hosts=code in _OF_THE_HOST)
        if len(self.rest) < 5:
            return False
        kind = self.rest[3]
        length = 1 + self.rest[4] if kind == _NAME else _LENGTHS.get(kind)
        if self.rest[0] != VERSION or length is None:
            raise SocksError("it does not speak SOCKS5")
        if len(self.rest) < 4 + length + 2:
            return False
        self._take(4 + length + 2)
        self._step = _Step.DONE
        return True
