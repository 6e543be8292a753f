"""Raw UTF-8 in a field, encoded as the field's syntax allows (RFC 2047 section 5, RFC 2231 section 4). Pure.

What is no UTF-8 stays: which of the old charsets it is could only be guessed. So do addresses, ids and dates.
"""

import re
from typing import Final
from urllib.parse import quote

from angarium.intake.repair.encoded_word import Token, encode_words
from angarium.smtp.address import AddressSyntaxError, parse_mailbox

_ADDRESSES: Final = frozenset(
    {
        *(
            "from",
            "sender",
            "reply-to",
            "to",
            "cc",
            "bcc",
            "list-id",
            "errors-to",
            "return-receipt-to",
        ),
        *("resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc"),
        *("disposition-notification-to", "mail-followup-to", "mail-reply-to", "x-envelope-to"),
    }
)
_PARAMETERS: Final = frozenset({"content-type", "content-disposition"})
# Neither text nor addresses: nothing of them may be encoded.
_OTHERS: Final = frozenset(
    {
        *(
            "date",
            "message-id",
            "in-reply-to",
            "references",
            "mime-version",
            "content-transfer-encoding",
        ),
        *("content-id", "received", "return-path", "dkim-signature", "authentication-results"),
        *("arc-seal", "arc-message-signature", "arc-authentication-results", "resent-date"),
        *("resent-message-id", "list-unsubscribe", "list-unsubscribe-post", "list-help"),
        *(
            "list-subscribe",
            "list-post",
            "list-owner",
            "list-archive",
            "auto-submitted",
            "precedence",
        ),
    }
)
_PARAMETER_FIELD_OCTETS: Final = 4000  # ours: the pattern is not linear
# ours: beyond it RFC 2231 wants continuations, which some readers do not know
_PARAMETER_OCTETS: Final = 900

_TEXT: Final = re.compile(r"(?P<gap>[ \t\r\n]+)|(?P<word>[^ \t\r\n]+)")
# Linear: where a quote or a bracket does not end, nothing of the field is matched any more.
_ADDRESS: Final = re.compile(
    r"""(?P<gap>[ \t\r\n]+)
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<comment>\((?:[^()\\]|\\.)*\))
      | (?P<angle><[^<>]*>)
      | (?P<special>[,:;])
      | (?P<word>[^ \t\r\n"()<>,:;\\]+)""",
    re.VERBOSE | re.DOTALL,
)
_PARAMETER: Final = re.compile(
    r""";[ \t\r\n]*(?P<name>[A-Za-z0-9-]+)[ \t]*=[ \t]*(?P<value>"(?:[^"\\]|\\.)*"|[^ \t\r\n;"]+)"""
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def encode_field(field: bytes) -> bytes | None:
    """Return the field, without its last CRLF, in ASCII; None where that cannot be told from its octets."""
    name, colon, octets = field.partition(b":")
    try:
        title, value = name.decode("ascii"), octets.decode()
    except UnicodeDecodeError:
        return None
    kind = title.lower()
    if not colon or kind in _OTHERS:
        return None
    if kind in _PARAMETERS:
        if len(octets) > _PARAMETER_FIELD_OCTETS:
            return None
        encoded = f"{title}:{_PARAMETER.sub(_encode_parameter, value)}".encode()
    else:
        tokens = _addresses(value) if kind in _ADDRESSES else _text(value)
        encoded = encode_words(title, tokens) if tokens is not None else b"\xff"
    return encoded if encoded.isascii() else None


def _text(value: str) -> list[Token]:
    return [
        Token(raw=found[0], text=found[0], is_gap=found.lastgroup == "gap", is_word=True)
        for found in _TEXT.finditer(value)
    ]


def _addresses(value: str) -> list[Token] | None:
    tokens: list[Token] = []
    at = 0
    while at < len(value):
        found = _ADDRESS.match(value, at)
        if found is None:
            return None
        at = found.end()
        tokens += _address_tokens(found.lastgroup or "", found[0])
    return tokens


def _address_tokens(kind: str, raw: str) -> list[Token]:
    match kind:
        case "gap":
            return [Token(raw=raw, text=raw, is_gap=True)]
        case "quoted":
            return [Token(raw=raw, text=_unquoted(raw), is_word=True)]
        case "comment" if not raw.isascii():
            return [_token("("), *_text(_unquoted(raw)), _token(")")]
        case "angle":
            return [_token(f"<{_with_a_labels(raw[1:-1])}>")]
        case "word" if "@" in raw:
            return [_token(_with_a_labels(raw))]
        case "word":
            return [Token(raw=raw, text=raw, is_word=True)]
        case _:
            return [_token(raw)]


def _token(raw: str) -> Token:
    return Token(raw=raw, text=raw)


def _unquoted(raw: str) -> str:
    return _ESCAPED.sub(r"\1", raw[1:-1]).replace("\r\n", "")


def _with_a_labels(address: str) -> str:
    """A domain has an ASCII form, a local part has not: that address stays, and refuses the field."""
    if address.isascii():
        return address
    try:
        return parse_mailbox(address).text
    except AddressSyntaxError:
        return address


def _encode_parameter(found: re.Match[str]) -> str:
    value = found["value"]
    if value.isascii():
        return found[0]
    text = _unquoted(value) if value.startswith('"') else value
    encoded = quote(text, safe="")
    if len(encoded) > _PARAMETER_OCTETS:
        return found[0]
    return f";\r\n {found['name']}*=utf-8''{encoded}"
