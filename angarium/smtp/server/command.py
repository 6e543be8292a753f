"""SMTP command lines (RFC 5321 section 4.1.1), by table. Octets of one line in, a verb and its argument out.

Knows nothing of order or state.
"""

import enum
import re
from typing import Final, NamedTuple

from angarium.smtp.address import DOMAIN_OCTETS, is_address_literal, split_path
from angarium.smtp.refusal import RefusedError


class Verb(enum.Enum):
    EHLO = "EHLO"
    HELO = "HELO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BDAT = "BDAT"
    RSET = "RSET"
    NOOP = "NOOP"
    QUIT = "QUIT"
    VRFY = "VRFY"
    EXPN = "EXPN"
    HELP = "HELP"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"

    # Each command is looked up by its verb; enum's own hashes the name, in Python.
    __hash__ = object.__hash__


class _Argument(enum.Enum):
    NONE = "none"
    MAY = "may"
    MUST = "must"


_ARGUMENT: Final = {
    Verb.EHLO: _Argument.MUST,
    Verb.HELO: _Argument.MUST,
    Verb.MAIL: _Argument.MUST,
    Verb.RCPT: _Argument.MUST,
    Verb.DATA: _Argument.NONE,
    Verb.BDAT: _Argument.MUST,
    Verb.RSET: _Argument.NONE,
    Verb.NOOP: _Argument.MAY,
    Verb.QUIT: _Argument.NONE,
    Verb.VRFY: _Argument.MUST,
    Verb.EXPN: _Argument.MUST,
    Verb.HELP: _Argument.MAY,
    Verb.STARTTLS: _Argument.NONE,
    Verb.AUTH: _Argument.MUST,
}
_VERBS: Final = {verb.value: (verb, argument) for verb, argument in _ARGUMENT.items()}
_NON_SMTP: Final = frozenset(  # S14: a browser or an HTTP client that was made to talk to us
    ["GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE", "HOST:", "PRI"]
)
_CLIENT_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*)")
# S9: what appliances call themselves besides; whatever is not of a host name is written down as "?". Not what could
# break out of a field, a log or a shell
_APPLIANCE_NAME: Final = re.compile(
    r"[A-Za-z0-9(\x80-\U0010ffff][A-Za-z0-9 ._()#/&+@,:'\x80-\U0010ffff-]*"
)
_NOT_OF_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]")
_CHUNK: Final = re.compile(r"([0-9]{1,20})( +LAST)?", re.IGNORECASE | re.ASCII)


class Command(NamedTuple):
    verb: Verb
    argument: str  # printable, without outer blanks; "" if none


class Chunk(NamedTuple):
    """The argument of BDAT (RFC 3030 section 2)."""

    octets: int
    last: bool


class NotSmtpError(Exception):
    """The line is of another protocol (HTTP): answer nothing more, close (S14)."""


def parse_command(line: bytes) -> Command:
    """Parse a line without its CRLF.

    Raises RefusedError (500 5.5.2 no command of ours, 501 5.5.2 or 5.5.4 bad argument) or NotSmtpError.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        if line[:5].upper() not in (b"EHLO ", b"HELO "):  # an appliance with an umlaut in its name
            text = "The command is neither ASCII nor UTF-8"
            raise RefusedError(500, "5.5.2", text) from None
        text = line.decode("ascii", "replace")
    if "\t" in text:
        text = _with_blanks_for_tabs(text)
    name, _, argument = text.partition(" ")
    known = _VERBS.get(name)
    # Only of ASCII: upper() makes an I of a dotless one, and MAIL would have other spellings
    if known is None and name.isascii():
        name = name.upper()
        known = _VERBS.get(name)
    if known is None:
        if name in _NON_SMTP:
            raise NotSmtpError
        raise RefusedError(500, "5.5.2", "Command not recognized")
    if not argument.isprintable():  # NUL, CR, LF, TAB, DEL: S8
        raise RefusedError(501, "5.5.2", "Control or invisible character in the argument")
    argument = argument.strip(" ")
    verb, rule = known
    if rule is _Argument.NONE and argument:
        raise RefusedError(501, "5.5.4", f"{name} takes no argument")
    if rule is _Argument.MUST and not argument:
        raise RefusedError(501, "5.5.4", f"{name} needs an argument")
    return Command(verb, argument)


def _with_blanks_for_tabs(text: str) -> str:
    """Old clients write a TAB for the blank before or behind an address; inside of one it stays, to be refused (S8)."""
    start, bracket, rest = text.partition("<")
    path, closing, end = rest.rpartition(">")
    return start.replace("\t", " ") + bracket + path + closing + end.replace("\t", " ")


def split_mail(argument: str) -> tuple[str, str]:
    """``FROM:<path> parameters`` to path and parameters."""
    if argument[:5].upper() != "FROM:":
        raise RefusedError(501, "5.5.2", "Syntax: MAIL FROM:<address>")
    return split_path(argument[5:].lstrip(" "))  # the blank is not in the RFC but in many clients


def split_recipient(argument: str) -> tuple[str, str]:
    """``TO:<path> parameters`` to path and parameters."""
    if argument[:3].upper() != "TO:":
        raise RefusedError(501, "5.5.2", "Syntax: RCPT TO:<address>")
    return split_path(argument[3:].lstrip(" "))


def parse_chunk(argument: str) -> Chunk:
    """Parse the argument of BDAT. Raises RefusedError; how many octets follow is unknown then."""
    match = _CHUNK.fullmatch(argument)
    if match is None:
        raise RefusedError(501, "5.5.4", "Syntax: BDAT size [LAST]")
    return Chunk(int(match[1]), match[2] is not None)


def parse_client_name(argument: str, *, is_lenient: bool = False) -> str:
    """Return what EHLO or HELO named, fit for Received fields and logs (S9).

    Wider than RFC 5321 section 4.1.1.1 as far as old clients need: underscores, single labels, addresses without
    brackets or without ``IPv6:`` (these two are put into their proper form). The rest is 501 5.5.4; if ``is_lenient``,
    only what no device is called: of ``(none)`` and ``MFP#01`` become ``?none?`` and ``MFP?01``.
    """
    if len(argument) <= DOMAIN_OCTETS and argument.isascii():
        if _CLIENT_NAME.fullmatch(argument):
            return f"[{argument}]" if is_address_literal(f"[{argument}]") else argument
        if is_address_literal(argument):
            return argument
        literal = f"[IPv6:{argument.strip('[]')}]"
        if is_address_literal(literal):
            return literal
    if is_lenient and len(argument) <= DOMAIN_OCTETS and _APPLIANCE_NAME.fullmatch(argument):
        return _NOT_OF_A_NAME.sub("?", argument)
    raise RefusedError(501, "5.5.4", "The argument must be a host name or an address literal")
