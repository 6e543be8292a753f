"""Commands as a client writes them (RFC 5321 section 4.1.1, RFC 3461 section 4).

Every argument is checked here again, whoever checked it before: nothing that this module
returns has a CR, LF, NUL or other control inside a line, nor a space that would start a
parameter of its own (S9, S10).
"""

import re
from typing import Final

from angarium.smtp.envelope import Notify

MAX_PATH_OCTETS: Final = 1000  # RFC 5321 section 4.5.3.1.3 says 256; longer ones are in use
MAX_ENVID_CHARACTERS: Final = 100  # RFC 3461 section 4.4
MAX_ORCPT_CHARACTERS: Final = 500  # RFC 3461 section 4.2

# Nearly every address: printable, no space, quote or angle bracket. RFC 6531 allows the rest
# of Unicode; str.isprintable then keeps its controls and line separators out.
_PLAIN_PATH: Final = re.compile(r'[^\x00-\x20"<>\x7f]+')
# RFC 5321 section 4.1.2 Quoted-string.
_QUOTED_PATH: Final = re.compile(r'"(?:[^\x00-\x1f"\\\x7f]|\\[\x20-\x7e])*"@[^\x00-\x20"<>\x7f]+')
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"  # "_": hosts in use have it
# RFC 5321 section 4.1.3
_EHLO_NAME: Final = re.compile(
    rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9.]{{7,15}}\]|\[IPv6:[0-9A-Fa-f:.]{{2,45}}\])"
)
_ADDRESS_TYPE: Final = re.compile(r"[A-Za-z0-9-]{1,64}")  # RFC 3461 section 4.2 addr-type
_XTEXT_SPECIAL: Final = re.compile(r"[^!-*,-<>-~]")  # RFC 3461 section 4: all but xchar


class ArgumentError(Exception):
    """A value of ours may not stand in a command; nothing was sent."""


def ehlo_argument(name: str) -> str:
    """``name`` as EHLO and HELO take it: a host name or an address literal (S9)."""
    if len(name) > 255 or _EHLO_NAME.fullmatch(name) is None:
        raise ArgumentError("not a host name or address literal")
    return name


def path(address: str) -> str:
    """``address`` if it may stand between angle brackets; "" (the null reverse-path) may."""
    if (
        _PLAIN_PATH.fullmatch(address) is None
        and address != ""
        and _QUOTED_PATH.fullmatch(address) is None
    ):
        raise ArgumentError("an address that no path can hold")
    if not address.isprintable() or len(address.encode(errors="replace")) > MAX_PATH_OCTETS:
        raise ArgumentError("an address that no path can hold")  # surrogates do not print
    return address


def xtext(value: str) -> str:
    """Printable ASCII encoded per RFC 3461 section 4."""
    if not (value.isascii() and value.isprintable()):
        raise ArgumentError("only printable ASCII has an xtext form")
    return _XTEXT_SPECIAL.sub(lambda found: f"+{ord(found[0]):02X}", value)


def notify_parameter(flags: int | None) -> str:
    """NOTIFY with a space before it (RFC 3461 section 4.1); "" when nothing was asked for."""
    if flags is None:
        return ""
    names = [flag.name for flag in Notify if flag & flags]
    return " NOTIFY=" + (",".join(name for name in names if name) or "NEVER")


def orcpt_parameter(orcpt: str | None) -> str:
    """ORCPT with a space before it (RFC 3461 section 4.2), from "rfc822;address"."""
    if orcpt is None:
        return ""
    address_type, separator, address = orcpt.partition(";")
    if not separator or _ADDRESS_TYPE.fullmatch(address_type) is None:
        raise ArgumentError("an original recipient without an address type")
    encoded = xtext(address)
    if not encoded or len(encoded) > MAX_ORCPT_CHARACTERS:
        raise ArgumentError("an original recipient of a length that ORCPT cannot hold")
    return f" ORCPT={address_type};{encoded}"


def envelope_parameters(ret: str | None, envid: str | None) -> str:
    """RET and ENVID, each with a space before it (RFC 3461 sections 4.3 and 4.4)."""
    out = ""
    if ret is not None:
        if ret not in ("FULL", "HDRS"):
            raise ArgumentError("RET is FULL or HDRS")
        out = f" RET={ret}"
    if envid is not None:
        encoded = xtext(envid)
        if not encoded or len(encoded) > MAX_ENVID_CHARACTERS:
            raise ArgumentError("an envelope id of a length that ENVID cannot hold")
        out += f" ENVID={encoded}"
    return out
