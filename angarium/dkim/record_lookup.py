"""Where ``verify`` gets key records from: DNS, or a file. Blocks; for the command line."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from angarium.config.address import HostPort
from angarium.dkim.errors import KeyFileError
from angarium.dkim.keygen import record_text
from angarium.dkim.keys import MAX_FILE_OCTETS, load_private_key
from angarium.dkim.verify import TemporaryLookupError, TxtLookup

LIFETIME_S: Final = 10.0  # one look-up with its repeats
_QUOTED: Final = re.compile(rb'"([^"]*)"')


def from_nameservers(servers: Sequence[HostPort]) -> TxtLookup:
    """Return a look-up over DNS, at ``servers`` or at the system's."""
    # dnspython follows at most 16 CNAMEs (D3).
    resolver = dns.resolver.Resolver(configure=not servers)
    resolver.lifetime = LIFETIME_S
    if servers:
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(server.host, server.port) for server in servers
        ]

    def lookup(name: str) -> bytes | None:
        try:
            answer = resolver.resolve(f"{name}.", "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.LabelTooLong):
            return None
        except (dns.name.NameTooLong, dns.name.EmptyLabel):
            return None
        except dns.exception.DNSException as e:
            raise TemporaryLookupError(type(e).__name__) from None
        # RFC 6376 section 3.6.2.2: the strings are joined; several records: undefined, the first is ours.
        return b"".join(answer[0].strings)

    return lookup


def from_file(path: Path) -> TxtLookup:
    """Return a look-up that answers every name with the one key or record in a file. Raises KeyFileError."""
    record = _record(path)
    return lambda name: record


def _record(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE_OCTETS)
    except OSError as e:
        raise KeyFileError(f"{path}: {e.strerror}") from None
    if b"PRIVATE KEY-----" in octets:
        return record_text(load_private_key(path).public_key()).encode()
    if b"PUBLIC KEY-----" in octets:
        try:
            public = load_pem_public_key(octets)
        except (ValueError, UnsupportedAlgorithm) as e:
            raise KeyFileError(f"{path}: not a public key in PEM form: {e}") from None
        if not isinstance(public, RSAPublicKey | Ed25519PublicKey):
            raise KeyFileError(f"{path}: neither an RSA nor an Ed25519 key")
        return record_text(public).encode()
    if b"p=" not in octets:
        raise KeyFileError(f"{path}: neither a key in PEM form nor a DKIM record")
    quoted = _QUOTED.findall(octets)
    return b"".join(quoted) if quoted else octets.strip()
