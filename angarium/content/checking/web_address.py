"""An address of the web as a link in a mail has it: what kind it is, and where it leads. Pure."""

import ipaddress
import re
from typing import Final, Literal

import msgspec

MAX_CHARACTERS: Final = 2000  # ours: some programs cut off what is longer
# web: http or https; other: mailto, tel and such; relative: leads nowhere from a mail
Kind = Literal[
    "web", "other", "script", "data", "empty", "anchor", "relative", "variable", "broken"
]

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):")
_HOST: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?"
)
_SPACES: Final = re.compile(r"[\t\r\n]")  # which browsers leave out
_OTHER: Final = frozenset(
    {
        "mailto",
        "tel",
        "sms",
        "cid",
        "callto",
        "webcal",
        "geo",
        "whatsapp",
        "skype",
        "facetime",
        "maps",
    }
)
_RUNS: Final = frozenset({"javascript", "vbscript", "file", "livescript"})
_VARIABLE: Final = re.compile(r"\{\{|\{%|\*\||%%|\$\{|<%|%recipient\.|\[\[")
_LOCAL: Final = (".local", ".localhost", ".internal", ".lan", ".test", ".invalid", ".home.arpa")
# Below which people register in some countries
_SECOND: Final = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ne", "net", "nom", "or", "org", "sch"}
)
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+)){0,3}")


class WebAddress(msgspec.Struct, frozen=True, kw_only=True):
    written: str  # as it stands
    kind: Kind
    scheme: str = ""
    host: str = ""  # lower case, A-labels
    has_user: bool = False  # something with an @ before the host
    is_number: bool = False  # the host is an IP address
    is_local: bool = False  # and nobody reaches it from outside


def read_address(written: str) -> WebAddress:
    """Never raises."""
    text = _SPACES.sub("", written[: MAX_CHARACTERS + 1]).strip()
    if not text:
        return WebAddress(written=written, kind="empty")
    if text.startswith("#"):
        return WebAddress(written=written, kind="empty" if text == "#" else "anchor")
    found = _SCHEME.match(text)
    if _VARIABLE.match(text):
        return WebAddress(written=written, kind="variable")
    if found is None:
        return WebAddress(written=written, kind="relative")
    scheme = found[1].lower()
    if scheme in _RUNS:
        return WebAddress(written=written, kind="script", scheme=scheme)
    if scheme == "data":
        return WebAddress(written=written, kind="data", scheme=scheme)
    if scheme not in ("http", "https"):
        kind: Kind = "other" if scheme in _OTHER or "//" in text[:40] else "broken"
        return WebAddress(written=written, kind=kind, scheme=scheme)
    return _read_web(written, scheme, text[found.end() :])


def base_domain(host: str) -> str:
    """Return the domain that somebody has registered, as far as that can be said without a list: shop.example.com
    and example.com are one, a.example.co.uk and b.example.co.uk, too.
    """
    labels = host.rstrip(".").split(".")
    of_country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND
    return ".".join(labels[-3:] if of_country else labels[-2:])


def _read_web(written: str, scheme: str, rest: str) -> WebAddress:
    broken = WebAddress(written=written, kind="broken", scheme=scheme)
    if not rest.startswith("//"):
        return broken
    authority = re.split(r"[/?#\\]", rest[2:], maxsplit=1)[0]
    if _VARIABLE.search(authority):
        return WebAddress(written=written, kind="variable", scheme=scheme)
    user, at, place = authority.rpartition("@")
    if place.startswith("["):
        inner, bracket, port = place[1:].partition("]")
        host = _numeric(inner) if bracket else None
    else:
        name, _, port = place.partition(":")
        host = _numeric(name.lower()) or _named(name)
        port = f":{port}" if port else ""
    if host is None or not _is_port(port):
        return broken
    address = _ip(host)
    return WebAddress(
        written=written,
        kind="web",
        scheme=scheme,
        host=host,
        has_user=bool(at and user),
        is_number=address is not None,
        is_local=(not address.is_global if address is not None else _is_local(host)),
    )


def _is_port(text: str) -> bool:
    number = text.removeprefix(":")
    return not text or (number.isdecimal() and number.isascii() and 0 < int(number[:6]) < 65536)


def _named(text: str) -> str | None:
    host = text.lower()
    if not host.isascii():
        try:
            # Without idna's own tables: only whether it is a host counts here, and what it is compared with
            host = ".".join(
                each if each.isascii() else f"xn--{each.encode('punycode').decode('ascii')}"
                for each in host.split(".")
            )
        except UnicodeError:
            return None
    host = host.rstrip(".")
    # What ends in a number is an address or nothing, to browsers
    is_host = _HOST.fullmatch(host) and not host.rpartition(".")[2].isdigit()
    return host if is_host else None


def _numeric(text: str) -> str | None:
    """Return the IP address that browsers take it for: also 0x7f.1 and 2130706433 are ones."""
    if ":" in text:
        try:
            return str(ipaddress.IPv6Address(text.partition("%")[0]))
        except ValueError:
            return None
    if not _NUMBER.fullmatch(text):
        return None
    parts = [_whole(each) for each in text.split(".")]
    value = 0
    for each in parts[:-1]:
        if each > 255:
            return None
        value = value * 256 + each
    value = (value << 8 * (5 - len(parts))) + parts[-1]
    return str(ipaddress.IPv4Address(value)) if value < 1 << 32 else None


def _whole(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:34], 16)
    is_octal = text.startswith("0") and not set(text) - set("01234567")
    return int(text[:32], 8 if is_octal else 10)


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if not host[-1:].isdigit() and ":" not in host:
        return None
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_local(host: str) -> bool:
    return "." not in host or host.endswith(_LOCAL)
