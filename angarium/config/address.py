"""Addresses, names and URLs as the operator writes them. Pure: nothing is resolved."""

import ipaddress
import re
from urllib.parse import unquote, urlsplit

import idna
import msgspec

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
DEFAULT_PROXY_PORT = 1080  # RFC 1928 section 3
MAX_PROXY_USER_OCTETS = 255  # RFC 1929 section 2
LABEL_OCTETS = 64  # ours
LABEL_RULE = f"1 to {LABEL_OCTETS} letters, digits, dots, hyphens or underscores"
MAX_NAME_OCTETS = 253  # RFC 1035 section 2.3.4: 255 octets on the wire


class HostPort(msgspec.Struct, frozen=True):
    host: str  # an address, or a host name
    port: int  # 0: the system's choice (listeners of tests)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SmartHost(msgspec.Struct, frozen=True, kw_only=True):
    implicit_tls: bool
    user: str  # "": no AUTH
    host: str
    port: int


def parse_host_port(text: str, *, default_port: int | None = None) -> HostPort:
    """Read ``host:port`` or ``[v6]:port``. Raises ValueError that says what is expected."""
    expected = f"{text!r} is not host:port or [v6]:port"
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not is_ip(host) or ":" not in host:
            raise ValueError(expected)
        port = rest[1:] if rest.startswith(":") else "" if not rest else "?"
    elif text.count(":") > 1:
        raise ValueError(f"{text!r}: write an IPv6 address in brackets: [{text}]:port")
    else:
        host, _, port = text.partition(":")
    if not port and default_port is not None:
        port = str(default_port)
    if not (is_ip(host) or is_host_name(host)):
        raise ValueError(expected)
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} needs a port from 0 to 65535 behind the host: {host}:port")
    return HostPort(host, int(port))


def parse_smart_host(url: str) -> SmartHost:
    """Read ``smtp://[user@]host[:port]`` or ``smtps://...``. Raises ValueError that says what to write."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps"):
        raise ValueError(f'{url!r} is not "mx", "smtp://host:port" or "smtps://host:port"')
    if parts.password is not None:
        raise ValueError(
            "a password does not belong in the file: use password_file or password_env"
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{url!r} has something behind the port; write smtp://host:port")
    host = parts.hostname or ""
    if not (is_ip(host) or is_host_name(host)):
        raise ValueError(f"{url!r} does not name a host; write smtp://host:port")
    default = 465 if parts.scheme == "smtps" else 25
    try:
        port = parts.port or default
    except ValueError:
        raise ValueError(f"{url!r}: the port must be a number from 1 to 65535") from None
    user = unquote(parts.username or "")
    return SmartHost(implicit_tls=parts.scheme == "smtps", user=user, host=host, port=port)


def parse_endpoint(url: str) -> HostPort:
    """Read ``https://host[:port]`` or ``http://host[:port]``. Raises ValueError that says what to write."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    behind = parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or behind or not (is_ip(host) or is_host_name(host)):
        raise ValueError(f"{url!r} is not https://host or https://host:port")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise ValueError(f"{url!r}: the port must be a number from 1 to 65535") from None
    return HostPort(host, port)


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    user: str  # "": no log-in
    host: str
    port: int


def parse_proxy(url: str) -> Proxy:
    """Read ``socks5://[user@]host[:port]``. Raises ValueError that says what to write."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    user = unquote(parts.username or "")
    if parts.password is not None:
        raise ValueError(
            "a password does not belong in the file: use password_file or password_env"
        )
    behind = parts.path not in ("", "/") or parts.query or parts.fragment
    if parts.scheme != "socks5" or behind or not (is_ip(host) or is_host_name(host)):
        raise ValueError(f"{url!r} is not socks5://host:port or socks5://user@host:port")
    if len(user.encode()) > MAX_PROXY_USER_OCTETS:
        raise ValueError(f"the user has more than {MAX_PROXY_USER_OCTETS} octets")
    try:
        port = parts.port or DEFAULT_PROXY_PORT
    except ValueError:
        raise ValueError(f"{url!r}: the port must be a number from 1 to 65535") from None
    return Proxy(user=user, host=host, port=port)


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host_name(text: str) -> bool:
    """Whether it is a host name of RFC 1123 section 2.1: one label or more, the last one not a number."""
    labels = text.split(".")
    return (
        len(text) <= MAX_NAME_OCTETS
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def a_labels(name: str) -> str:
    """Return a domain name or pattern in lower-case A-labels (RFC 5890); what has none only lower-cased."""
    name = name.lower()
    if name.isascii():
        return name
    star = "*." if name.startswith("*.") else ""
    try:
        return star + idna.encode(name.removeprefix("*."), uts46=True).decode("ascii")
    except idna.IDNAError:
        return name


def is_label(name: str) -> bool:
    """Whether it can name a tenant or a stream: in a header, a file name, a list, without marks around it."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return plain.isascii() and plain.isalnum() and len(name) <= LABEL_OCTETS


def is_fqdn(text: str) -> bool:
    return "." in text and is_host_name(text)


def is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
