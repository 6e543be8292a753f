"""Names of hosts and domains as DNS has them: lower-case A-labels without a trailing dot. Pure."""

import re
from typing import Final

import idna

# RFC 1035 section 2.3.4 for the lengths. An underscore is no host name (RFC 952), but real MX hosts have it.
_HOST_NAME: Final = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
MAX_HOST_NAME: Final = 253


def is_host_name(name: str) -> bool:
    """Tell whether ``name``, lower-case and without trailing dot, may be asked for or connected to."""
    return len(name) <= MAX_HOST_NAME and _HOST_NAME.fullmatch(name) is not None


def canonical_name(name: str) -> str:
    """Return ``name`` in lower-case A-labels without trailing dot; what cannot be encoded only lower-cased."""
    name = name.strip().rstrip(".").lower()
    if name.isascii():
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        return name


def canonical_address(address: str) -> str:
    """Return an address with its domain so."""
    local_part, at, domain = address.rpartition("@")
    return local_part + at + canonical_name(domain) if at else address
