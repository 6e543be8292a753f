"""The Received field that a server puts on top of what it accepts (RFC 5321 section 4.4, RFC 3848)."""

from typing import Final

from angarium.smtp.received import ReceivedMessage

# S9, C1: whatever a client called itself, nothing but these octets of it gets into the field.
_HARMLESS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"
_CLEANED: Final = bytes(c if c in _HARMLESS else ord("?") for c in range(256))
_NAME_OCTETS: Final = 255  # RFC 5321 section 4.5.3.1.2


def render_received(received: ReceivedMessage, hostname: str, message_id: str, date: str) -> bytes:
    """Return the whole field, folded, with its final CRLF.

    ``for`` is there only when the message has one recipient: with more it would tell each of the others. Who
    logged in is nobody's business outside; nor, of a program that uses the API, is its address.
    """
    name = _clean(received.client_name) or b"unknown"
    tls = f" ({received.tls_version} {received.tls_cipher})" if received.tls_version else ""
    recipients = received.envelope.recipients
    one = recipients[0].forward_path if len(recipients) == 1 else ""
    for_clause = f"\r\n\tfor <{one}>" if one else ""
    rest = (
        f"\r\n\tby {hostname} with {received.protocol}{tls}\r\n\tid {message_id}{for_clause};"
        f"\r\n\t{date}\r\n"
    )
    if not received.client_address:
        return b"Received: %b" % rest.lstrip().encode()
    return b"Received: from %b (%b)%b" % (
        name,
        _address_literal(received.client_address),
        rest.encode(),
    )


def _address_literal(address: str) -> bytes:
    plain = _clean(address.partition("%")[0])  # no scope id
    return b"[IPv6:%b]" % plain if b":" in plain else b"[%b]" % plain


def _clean(name: str) -> bytes:
    return name[:_NAME_OCTETS].encode("ascii", "replace").translate(_CLEANED)
