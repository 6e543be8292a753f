"""What a client's certificate is known by: names of its subjectAltName (RFC 5280 section 4.2.1.6), or its fingerprint.

Pure. A common name is none: authorities put into it what they like. Names are compared whole; ``*`` stands for itself.
"""

import functools
import re
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from angarium.config.address import a_labels, is_host_name

MAX_NAME: Final = 500  # characters, with its kind
MAX_NAMES: Final = 100  # of one certificate; further ones are passed over
KINDS: Final = ("dns", "uri", "email", "sha256")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+", re.IGNORECASE)


class PeerCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that the handshake has found to be of the listener's authority."""

    fingerprint: str  # sha256:...
    names: tuple[str, ...]  # dns:..., uri:..., email:...
    not_after_s: float  # Unix seconds

    @property
    def all_names(self) -> tuple[str, ...]:
        """The most particular first."""
        return (self.fingerprint, *self.names)

    @property
    def title(self) -> str:
        """What people call it."""
        return self.names[0] if self.names else self.fingerprint


def read_name(text: str) -> str:
    """Return the name of a certificate as it is compared: ``dns:app.example.com``, ``uri:spiffe://...``,
    ``email:a@example.com`` or ``sha256:`` and 64 hexadecimal digits, with or without colons.

    Raises ValueError that says what is wrong.
    """
    kind, colon, value = text.strip().partition(":")
    kind = kind.lower()
    name = _normal(kind, value)
    if not colon or kind not in KINDS or len(text) > MAX_NAME or name is None:
        raise ValueError(
            f"{text[:80]!r} names no certificate: write dns:app.example.com, uri:spiffe://example/app,"
            " email:app@example.com, or sha256: and its fingerprint of 64 hexadecimal digits"
        )
    return f"{kind}:{name}"


@functools.lru_cache(maxsize=1024)  # of pure values: a connection asks with each request
def read_peer(der: bytes) -> PeerCertificate:
    """Raises ValueError: the library cannot read what OpenSSL could."""
    certificate = x509.load_der_x509_certificate(der)
    return PeerCertificate(
        fingerprint=f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}",
        names=_names(certificate),
        not_after_s=certificate.not_valid_after_utc.timestamp(),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        written = (
            *(f"uri:{each}" for each in found.get_values_for_type(x509.UniformResourceIdentifier)),
            *(f"dns:{each}" for each in found.get_values_for_type(x509.DNSName)),
            *(f"email:{each}" for each in found.get_values_for_type(x509.RFC822Name)),
        )
    except (x509.ExtensionNotFound, ValueError):
        return ()
    names: list[str] = []
    for each in written[:MAX_NAMES]:
        try:
            names.append(read_name(each))
        except ValueError:
            continue  # nobody can be bound to it
    return tuple(dict.fromkeys(names))


def _normal(kind: str, value: str) -> str | None:
    if kind == "sha256":
        digest = value.replace(":", "").lower()
        return digest if _DIGEST.fullmatch(digest) else None
    if kind == "uri":
        return value if _URI.fullmatch(value) else None
    if kind == "email":
        local, at, domain = value.rpartition("@")
        host = _host(domain)
        is_right = at and local and local.isascii() and local.isprintable() and " " not in local
        return f"{local}@{host}" if is_right and host else None
    return _host(value)


def _host(text: str) -> str | None:
    """Return it in lower-case A-labels."""
    name = a_labels(text).removesuffix(".")
    return name if is_host_name(name.removeprefix("*.")) else None
