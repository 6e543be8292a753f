"""Transfers for the tests of connections."""

from angarium.mta.transport.transfer import Transfer
from angarium.smtp.client.content import Octets
from angarium.smtp.envelope import Recipient

HEADER = b"From: a@example.org\r\nSubject: test\r\n\r\n"


def message(*addresses: str, body: Octets = b"hello\r\n", utf8: bool = False) -> Transfer:
    return Transfer(
        reverse_path="a@example.org",
        recipients=tuple(
            Recipient(forward_path=each, domain=each.rpartition("@")[2])
            for each in addresses or ("b@example.net",)
        ),
        header=HEADER,
        body=body,
        body_8bit=not bytes(body[:1000]).isascii(),
        smtputf8=utf8,
    )
