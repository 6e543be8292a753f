"""Where our own requests may go, since strangers name the URLs (P1). Pure; whoever connects asks for each address.

The operator's ``allow_networks`` are an exception from all of it.
"""

import ipaddress
from base64 import b64encode
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from angarium.access.networks import Networks
from angarium.config.address import a_labels, is_host_name

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HTTPS: Final = 443
_HTTP: Final = 80
# Below, only the two above: what listens there is no web server, and may take our request for its own language
_FIRST_FREE_PORT: Final = 1024
# Only what is given out to the public is taken of IPv6: the rest is local, or of a future that nobody knows (RFC 4291)
_PUBLIC_V6: Final = ipaddress.ip_network("2000::/3")
# Of the registries of special-purpose addresses, and beyond what ``is_global`` has in each version of Python
_REFUSED: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
            # Teredo, ORCHID, documentation, 6to4: what they embed leads anywhere
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ),
    )
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_V4_MASK: Final = (1 << 32) - 1


class UrlError(Exception):
    """Nothing may be sent there; the text says why, and what to do. For its owner to read."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A URL in its parts, as it is requested."""

    scheme: str
    host: str  # lower-case A-labels, or an address
    port: int
    path: str  # with its query, encoded
    authorization: str = ""  # of user and password in the URL, as a header has it

    @property
    def is_literal(self) -> bool:
        return _find_address(self.host) is not None

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def url(self) -> str:
        return self.origin + self.path


class Guard:
    """Invariant WG1: an address that is not public is refused in whatever form it is written, unless it is allowed."""

    def __init__(self, allow_networks: Sequence[str] = (), *, allow_http: bool = False) -> None:
        self._allowed = Networks(allow_networks)
        self._allow_http = allow_http

    def read_url(self, text: str) -> Target:
        """Return what is to be requested. The addresses of a name are asked about when they are known.

        Raises UrlError.
        """
        target = _read(text)
        if target.is_literal:
            self.check(target, target.host)
        elif target.host == "localhost" or target.host.endswith(".localhost"):
            self.check(target, "127.0.0.1")  # RFC 6761: it is nothing else
        elif target.scheme == "http" and not self._allow_http and not self._allowed.is_any:
            raise UrlError(_NO_TLS)
        return target

    def check(self, target: Target, address: str) -> None:
        """Raises UrlError: nothing of this target may be sent to this address."""
        found = _find_address(address)
        if found is None:
            raise UrlError(f"{address!r} is no address")
        plain = _embedded(found)
        if str(plain) in self._allowed:
            return
        if not _is_public(plain):  # WG1
            raise UrlError(
                f"{target.host} is at {address}, which is not public; the operator may allow it:"
                " [webhook] allow_networks"
            )
        if target.scheme == "http" and not self._allow_http:
            raise UrlError(_NO_TLS)
        if target.port < _FIRST_FREE_PORT and target.port not in (_HTTPS, _HTTP):
            raise UrlError(f"port {target.port} is none of a web server: use 443, or one from 1024")


_NO_TLS: Final = "must begin with https://; the operator may allow others: [webhook] allow_http"


def _read(text: str) -> Target:
    if any(each <= " " or each == "\x7f" for each in text) or "\\" in text:
        raise UrlError("has a blank, a control character or a backslash")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UrlError(f"is no URL: {error}") from None
    if parts.scheme not in ("https", "http"):
        raise UrlError("must begin with https://")
    if "[" in parts.netloc and _find_address(parts.hostname or "") is None:
        raise UrlError("has something other than an address in brackets")
    if parts.fragment:
        raise UrlError("has a fragment (#), which servers are never sent")
    if port == 0:
        raise UrlError("port 0 is none")
    usual = _HTTPS if parts.scheme == "https" else _HTTP
    return Target(
        scheme=parts.scheme,
        host=_host(parts.hostname or ""),
        port=usual if port is None else port,
        path=_path(parts),
        authorization=_authorization(parts),
    )


def _host(text: str) -> str:
    if "%" in text:
        raise UrlError("its host has a zone or an encoded character")
    address = _find_address(text)
    if address is not None:
        return str(address)
    # What other programs take for an address in another notation (127.1, 2130706433, 0x7f.1) is no host name here
    name = a_labels(text).removesuffix(".")
    last = name.rpartition(".")[2]
    if not is_host_name(name) or last.isdigit() or last.startswith("0x"):
        raise UrlError(f"{text[:80]!r} is neither a host name nor an address")
    return name


def _path(parts: SplitResult) -> str:
    path = parts.path or "/"
    if parts.query:
        path += f"?{parts.query}"
    return "".join(each if each.isascii() else _encoded(each) for each in path)


def _encoded(character: str) -> str:
    return "".join(f"%{octet:02X}" for octet in character.encode("utf-8", "replace"))


def _authorization(parts: SplitResult) -> str:
    if parts.username is None and parts.password is None:
        return ""
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _find_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & _V4_MASK)
    return address


def _is_public(address: Address) -> bool:
    if address.version == 6 and address not in _PUBLIC_V6:
        return False
    return address.is_global and not any(
        address in network for network in _REFUSED if network.version == address.version
    )
