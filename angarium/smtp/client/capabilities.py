"""What a server said it can do, in its reply to EHLO (RFC 5321 section 4.1.1.1)."""

from typing import Final

import msgspec

from angarium.smtp.reply import Reply

_MAX_SIZE_DIGITS: Final = 20  # RFC 1870 section 3


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """The extensions that the client side uses; the default is a server that knows HELO only."""

    pipelining: bool = False  # RFC 2920
    chunking: bool = False  # RFC 3030
    eight_bit: bool = False  # 8BITMIME, RFC 6152
    smtputf8: bool = False  # RFC 6531
    dsn: bool = False  # RFC 3461
    starttls: bool = False  # RFC 3207
    size: bool = False  # RFC 1870: SIZE= may be declared
    size_limit: int = 0  # octets; 0: none is known
    auth: tuple[str, ...] = ()  # mechanisms, upper case, RFC 4954


def parse_capabilities(reply: Reply) -> Capabilities:
    """Read the lines behind the first one, which names the server. Unknown ones are skipped."""
    keywords: dict[str, list[str]] = {}
    for line in reply.lines[1:]:
        words = line.decode("ascii", "replace").upper().split()
        if words:
            if words[0].startswith("AUTH="):  # an old form, by some beside the right one
                words[:1] = words[0].split("=", 1)
            keywords.setdefault(words[0], []).extend(words[1:])
    return Capabilities(
        pipelining="PIPELINING" in keywords,
        chunking="CHUNKING" in keywords,
        eight_bit="8BITMIME" in keywords,
        smtputf8="SMTPUTF8" in keywords,
        dsn="DSN" in keywords,
        starttls="STARTTLS" in keywords,
        size="SIZE" in keywords,
        size_limit=_size_limit(keywords.get("SIZE", [])),
        auth=tuple(dict.fromkeys(keywords.get("AUTH", []))),
    )


def _size_limit(arguments: list[str]) -> int:
    if not arguments:
        return 0
    digits = arguments[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_SIZE_DIGITS):
        return 0  # not to be read: then as if no limit was given
    return int(digits)
