"""SPF records (RFC 7208 sections 4.6, 5, 6 and 7): from text to terms, and what their macros stand for. Pure."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, Literal
from urllib.parse import quote

import msgspec

MechanismKind = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]
SpfResult = Literal["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"]
MAX_DOMAIN_OCTETS: Final = 253  # section 7.3: what is longer loses labels on the left

_QUALIFIERS: Final[dict[str, SpfResult]] = {
    "": "pass",
    "+": "pass",
    "-": "fail",
    "~": "softfail",
    "?": "neutral",
}
_MODIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_KINDS: Final[dict[str, MechanismKind]] = {
    "all": "all",
    "include": "include",
    "a": "a",
    "mx": "mx",
    "ptr": "ptr",
    "exists": "exists",
}
_MECHANISM: Final = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)((?::(?:%\{[^}]*\}|[^/])*)?)((?:/.*)?)",
    re.IGNORECASE,
)
_IP: Final = re.compile(
    r"([+?~-]?)(ip[46]):([0-9A-Fa-f:.]+)(?:/(0|[1-9][0-9]{0,2}))?", re.IGNORECASE
)
_CIDR: Final = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?")
_MACRO: Final = re.compile(
    r"%(?:\{([slodiphvcrtSLODIPHVCRT])([0-9]*)(r?)([.+,/_=-]*)\}|([%_-])|(.?))"
)
_TOP_LABEL: Final = re.compile(r".*\.(?=[^.]*[A-Za-z-])[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?")
_LITERALS: Final = {"%": "%", "_": " ", "-": "%20"}


class SpfSyntaxError(ValueError):
    """The record is no SPF record: receivers take it for a permanent error (section 2.6.7)."""


class Mechanism(msgspec.Struct, frozen=True, kw_only=True):
    result: SpfResult  # when it matches
    kind: MechanismKind
    text: str  # as written
    domain: str = ""  # with macros; "": the domain that the record is of
    network: str = ""  # of ip4 and ip6
    prefix4: int = 32
    prefix6: int = 128


class SpfRecord(msgspec.Struct, frozen=True):
    mechanisms: tuple[Mechanism, ...]
    redirect: str | None  # with macros


class MacroValues(msgspec.Struct, frozen=True, kw_only=True):
    """What macros stand for (section 7.2)."""

    address: str
    domain: str  # whose record it is
    sender: str  # local@domain
    helo: str


def select_record(texts: Iterable[bytes]) -> str | None:
    """Return the SPF record among TXT records; None: there is none. Raises SpfSyntaxError: there are several."""
    found = [
        each for each in texts if each.lower() == b"v=spf1" or each.lower().startswith(b"v=spf1 ")
    ]
    if len(found) > 1:
        raise SpfSyntaxError(f"there are {len(found)} SPF records: join them to one")
    if not found:
        return None
    try:
        return found[0].decode("ascii")
    except UnicodeDecodeError:
        raise SpfSyntaxError("the record has characters beyond ASCII") from None


def parse_record(text: str) -> SpfRecord:
    """Read a whole record: an error anywhere in it is one, also behind a term that matches (section 4.6)."""
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text.split(" ")[1:]:
        if not term:
            continue
        if modifier := _MODIFIER.fullmatch(term):
            name, value = modifier[1].lower(), modifier[2]
            if name in ("redirect", "exp"):
                if name in modifiers:
                    raise SpfSyntaxError(f"{name}= is given twice")
                _check_domain(value, term)
                modifiers[name] = value
            else:
                _check_macros(value, term)
        else:
            mechanisms.append(_mechanism(term))
    return SpfRecord(tuple(mechanisms), modifiers.get("redirect"))


def expanded(text: str, values: MacroValues) -> str:
    """Return a domain with its macros replaced (section 7.3), lower-case."""

    def replaced(match: re.Match[str]) -> str:
        if match[1] is None:
            return _LITERALS[match[5]]
        value = _transformed(_value(match[1].lower(), values), match[2], match[3], match[4])
        return quote(value, safe="-._~") if match[1].isupper() else value

    domain = _MACRO.sub(replaced, text).rstrip(".").lower()
    while len(domain) > MAX_DOMAIN_OCTETS and "." in domain:
        domain = domain.partition(".")[2]
    return domain


def _mechanism(term: str) -> Mechanism:
    if address := _IP.fullmatch(term):
        return _address(address, term)
    match = _MECHANISM.fullmatch(term)
    if match is None:
        raise SpfSyntaxError(f"{_shown(term)} is no term of SPF")
    result, kind, domain, cidr = _QUALIFIERS[match[1]], match[2].lower(), match[3][1:], match[4]
    if kind in ("ip4", "ip6") or (kind == "all" and (match[3] or cidr)):
        raise SpfSyntaxError(f"{_shown(term)} is not written as {kind} is")
    if (kind in ("include", "exists") or match[3]) and kind != "all":
        _check_domain(domain, term)
    lengths = _CIDR.fullmatch(cidr)
    if lengths is None or (cidr and kind not in ("a", "mx")):
        raise SpfSyntaxError(f"{_shown(term)}: {_shown(cidr)} is no prefix length here")
    prefix4, prefix6 = int(lengths[1] or 32), int(lengths[2] or 128)
    if prefix4 > 32 or prefix6 > 128:
        raise SpfSyntaxError(f"{_shown(term)}: the prefix is too long")
    return Mechanism(
        result=result,
        kind=_KINDS[kind],
        text=term,
        domain=domain,
        prefix4=prefix4,
        prefix6=prefix6,
    )


def _address(match: re.Match[str], term: str) -> Mechanism:
    kind: Literal["ip4", "ip6"] = "ip6" if match[2].lower() == "ip6" else "ip4"
    network = match[3] if match[4] is None else f"{match[3]}/{match[4]}"
    try:
        if kind == "ip4":
            IPv4Network(network, strict=False)
        else:
            IPv6Network(network, strict=False)
    except ValueError:
        raise SpfSyntaxError(f"{_shown(term)} is no address or network of {kind}") from None
    return Mechanism(result=_QUALIFIERS[match[1]], kind=kind, text=term, network=network)


def _check_domain(text: str, term: str) -> None:
    """Section 7.1: domain-spec ends in a top label or in a macro."""
    _check_macros(text, term)
    ends_in_macro = re.search(r"%\{[^}]*\}\.?$", text) is not None
    if not text or (not ends_in_macro and not _TOP_LABEL.fullmatch(text)):
        raise SpfSyntaxError(f"{_shown(term)} does not name a domain")


def _check_macros(text: str, term: str) -> None:
    for match in _MACRO.finditer(text):
        if match[6] is not None or match[2] == "0":
            raise SpfSyntaxError(f"{_shown(term)}: {_shown(match[0])} is no macro")
        if (match[1] or "").lower() in ("c", "r", "t") and match[1]:
            raise SpfSyntaxError(f"{_shown(term)}: {match[0]} is for explanations only")
    if not text.isascii() or any(not "!" <= each <= "~" for each in text):
        raise SpfSyntaxError(f"{_shown(term)} has characters that none may have")


def _value(letter: str, values: MacroValues) -> str:
    local, _, domain = values.sender.rpartition("@")
    match letter:
        case "s":
            return values.sender
        case "l":
            return local
        case "o":
            return domain
        case "d":
            return values.domain
        case "i":
            ip = ip_address(values.address)
            digits = ip.exploded.replace(":", "") if ip.version == 6 else ""
            return ".".join(digits) if digits else str(ip)
        case "h":
            return values.helo
        case "v":
            return "in-addr" if ip_address(values.address).version == 4 else "ip6"
        case _:
            # p: section 7.3 says not to publish it; receivers that look nothing up put this in.
            return "unknown"


def _transformed(value: str, digits: str, reverse: str, delimiters: str) -> str:
    parts = re.split(f"[{re.escape(delimiters or '.')}]", value)
    if reverse:
        parts.reverse()
    if digits:
        parts = parts[-int(digits) :]
    return ".".join(parts)


def _shown(text: str) -> str:
    return ascii(text[:60])
