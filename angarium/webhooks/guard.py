"""Where our own requests may go, since strangers name the URLs (P1). Pure; whoever connects asks for each address.

The operator's ``allow_networks`` are an exception from all of it.
"""

import ipaddress
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from angarium.access.networks import Networks
from angarium.config.address import a_labels, is_host_name

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_WEB_PORTS: Final = frozenset({443, 80})
_SYSLOG_PORTS: Final = frozenset({514, 601})
# Below, only those of the scheme: what else listens there may take our request for its own language
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


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """What a URL's scheme comes to."""

    port: int  # unless the URL names one
    is_clear: bool = False  # without TLS
    low_ports: frozenset[int] = frozenset()  # below _FIRST_FREE_PORT, those that it may name


WEB: Final[Mapping[str, Scheme]] = {
    "https": Scheme(port=443, low_ports=_WEB_PORTS),
    "http": Scheme(port=80, is_clear=True, low_ports=_WEB_PORTS),
}
# Where else events may go
SINKS: Final[Mapping[str, Scheme]] = {
    "kafka": Scheme(port=9092, is_clear=True),
    "kafka+tls": Scheme(port=9093),
    "nats": Scheme(port=4222, is_clear=True),
    "nats+tls": Scheme(port=4222),
    "sqs+http": Scheme(port=80, is_clear=True, low_ports=_WEB_PORTS),
    "sqs+https": Scheme(port=443, low_ports=_WEB_PORTS),
    "syslog+tcp": Scheme(port=601, is_clear=True, low_ports=_SYSLOG_PORTS),  # RFC 3195
    "syslog+tls": Scheme(port=6514, low_ports=_SYSLOG_PORTS),  # RFC 5425
}
ENDPOINTS: Final[Mapping[str, Scheme]] = {**WEB, **SINKS}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A URL in its parts, as it is requested."""

    scheme: str
    host: str  # lower-case A-labels, or an address
    port: int
    path: str  # with its query, encoded
    user: str | None = None  # decoded, as the password
    password: str | None = None

    @property
    def is_literal(self) -> bool:
        return _find_address(self.host) is not None

    @property
    def is_clear(self) -> bool:
        return ENDPOINTS[self.scheme].is_clear

    @property
    def authorization(self) -> str:
        """User and password, as a header has them; "": there are none."""
        if self.user is None and self.password is None:
            return ""
        pair = f"{self.user or ''}:{self.password or ''}"
        return f"Basic {b64encode(pair.encode()).decode()}"

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def url(self) -> str:
        return self.origin + self.path


class Guard:
    """Invariant WG1: an address that is not public is refused in whatever form it is written, unless it is allowed."""

    def __init__(
        self,
        allow_networks: Sequence[str] = (),
        *,
        allow_http: bool = False,
        table: str = "webhook",
    ) -> None:
        """``table``: of the configuration, where the operator may allow more."""
        self._table = table
        self._allowed = Networks(allow_networks)
        self._allow_http = allow_http

    def read_url(self, text: str, schemes: Mapping[str, Scheme] = WEB) -> Target:
        """Return what is to be requested. The addresses of a name are asked about when they are known.

        Raises UrlError.
        """
        target = _read(text, schemes)
        if target.is_literal:
            self.check(target, target.host)
        elif target.host == "localhost" or target.host.endswith(".localhost"):
            self.check(target, "127.0.0.1")  # RFC 6761: it is nothing else
        elif target.is_clear and not self._allow_http and not self._allowed.is_any:
            raise _no_tls(target, self._table)
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
                f" [{self._table}] allow_networks"
            )
        if target.is_clear and not self._allow_http:
            raise _no_tls(target, self._table)
        if target.port < _FIRST_FREE_PORT and target.port not in ENDPOINTS[target.scheme].low_ports:
            if target.scheme in WEB:
                text = f"port {target.port} is none of a web server: use 443, or one from 1024"
                raise UrlError(text)
            raise UrlError(f"port {target.port} is none of {target.scheme}: use one from 1024")


def _no_tls(target: Target, table: str) -> UrlError:
    with_tls = "https" if target.scheme == "http" else _with_tls(target.scheme)
    return UrlError(
        f"must begin with {with_tls}://; the operator may allow others: [{table}] allow_http"
    )


def _with_tls(scheme: str) -> str:
    kind = scheme.partition("+")[0]
    return next(each for each in SINKS if each.startswith(kind) and not SINKS[each].is_clear)


def _read(text: str, schemes: Mapping[str, Scheme]) -> Target:
    if any(each <= " " or each == "\x7f" for each in text) or "\\" in text:
        raise UrlError("has a blank, a control character or a backslash")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UrlError(f"is no URL: {error}") from None
    if parts.scheme not in schemes:
        others = [f"{each}://" for each in schemes if each not in WEB]
        more = f", or with one of {', '.join(others)}" if others else ""
        raise UrlError(f"must begin with https://{more}")
    if "[" in parts.netloc and _find_address(parts.hostname or "") is None:
        raise UrlError("has something other than an address in brackets")
    if parts.fragment:
        raise UrlError("has a fragment (#), which servers are never sent")
    if port == 0:
        raise UrlError("port 0 is none")
    return Target(
        scheme=parts.scheme,
        host=_host(parts.hostname or ""),
        port=schemes[parts.scheme].port if port is None else port,
        path=_path(parts),
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
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
