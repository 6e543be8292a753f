"""What is kept of who fetched something: enough to tell visitors of a copy apart, too little to find one. Pure."""

import hashlib
import ipaddress
import re
from functools import lru_cache
from typing import Final

_IPV4_BITS: Final = 24
_IPV6_BITS: Final = 48
_SHOWN: Final = 40  # characters of a program that is not known here
_VEILED_DIGITS: Final = 12
# The first that fits; what goes by another's name comes before it
_PROGRAMS: Final = (
    ("Gmail", re.compile(r"GoogleImageProxy", re.I)),
    ("Yahoo Mail", re.compile(r"YahooMailProxy", re.I)),
    ("Outlook", re.compile(r"(?:Microsoft Outlook|MSOffice|Outlook)[ /-]*([0-9]*)", re.I)),
    ("Thunderbird", re.compile(r"Thunderbird/([0-9]*)")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/([0-9]*)")),
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/([0-9]*)")),
    ("Opera", re.compile(r"(?:OPR|Opera)/([0-9]*)")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS)/([0-9]*)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/([0-9]*)")),
    ("Safari", re.compile(r"Version/([0-9]*)[0-9.]* (?:Mobile/\S+ )?Safari/")),
    ("Apple Mail", re.compile(r"AppleWebKit/[0-9.]+ \(KHTML, like Gecko\)(?: Mobile/\S+)?$")),
    ("Internet Explorer", re.compile(r"(?:MSIE |Trident/.*rv:)([0-9]*)")),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_PRODUCT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*(?:/[0-9]*)?")
_PRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")


def network_of(address: str) -> str:
    """Return the address with its last part 0 (IPv4: /24, IPv6: /48); "" for what is no address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    kept = _IPV4_BITS if ip.version == 4 else _IPV6_BITS
    cut = ip.max_prefixlen - kept
    return str(type(ip)(int(ip) >> cut << cut))


@lru_cache(maxsize=4096)
def reduced_agent(agent: str) -> str:
    """Return which program it is, its major version and the system: ``Chrome 126, Windows``; "" for none.

    Of what is not known here the first product that it names: ``curl/8``.
    """
    for name, pattern in _PROGRAMS:
        if (found := pattern.search(agent)) is not None:
            version = found[1] if found.groups() else ""
            system = next((told for sign, told in _SYSTEMS if sign in agent), "")
            program = f"{name} {version}" if version else name
            return f"{program}, {system}" if system else program
    product = _PRODUCT.match(_PRINTABLE.sub(" ", agent).strip())
    return "" if product is None else product[0][:_SHOWN]


def veiled(network: str, agent: str, day: int, secret: bytes) -> str:
    """Return what tells visitors of a day apart and names none: of mail whose readers nobody is to know.

    ``secret``: without it nobody finds the network by trying all.
    """
    seed = f"{day} {network} {agent}".encode()
    return f"~{hashlib.blake2b(seed, key=secret[:64]).hexdigest()[:_VEILED_DIGITS]}"
