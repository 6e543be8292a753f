"""Messages and sessions for the client's tests."""

import msgspec

from angarium.smtp.client.session import ClientSession

HEADER = b"From: a@example.org\r\nSubject: test\r\n\r\n"
ALL = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")


class Rcpt(msgspec.Struct, frozen=True, kw_only=True):
    forward_path: str
    notify: int | None = None
    orcpt: str | None = None


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    reverse_path: str = "a@example.org"
    recipients: tuple[Rcpt, ...] = (Rcpt(forward_path="b@example.net"),)
    header: bytes = HEADER
    body: bytes = b"hello\r\n"
    has_dot_lines: bool | None = None
    body_8bit: bool = False
    smtputf8: bool = False
    in_steps: bool = False
    ret: str | None = None
    envid: str | None = None


def to(*addresses: str) -> Mail:
    return Mail(recipients=tuple(Rcpt(forward_path=each) for each in addresses))


def greeted(*extensions: str) -> ClientSession:
    """A session past EHLO with a server that offers ``extensions``."""
    session = ClientSession("client.example")
    assert session.receive(b"220 mx.example ESMTP\r\n")
    assert session.ehlo() == b"EHLO client.example\r\n"
    lines = ("mx.example", *extensions)
    wire = "".join(f"250-{each}\r\n" for each in lines[:-1]) + f"250 {lines[-1]}\r\n"
    assert session.receive(wire.encode())
    session.learn_capabilities()
    return session
