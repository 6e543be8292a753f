"""TLS of a listener: the context that its connections use, and what is wrong with its certificate and key."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from angarium.access.client_trust import ClientTrust
from angarium.access.tls_file import TlsFileError, read_tls_file
from angarium.config.schema import Listener

# TLS 1.2 with forward secrecy and AEAD only (RFC 9325 section 4.2); those of TLS 1.3 are OpenSSL's own.
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"


class CertificateInfo(msgspec.Struct, frozen=True, kw_only=True):
    """For `postmaster check`."""

    subject: str
    names: tuple[str, ...]  # DNS names and addresses it is valid for
    not_before: datetime
    not_after: datetime

    def expires_in_s(self, now: datetime) -> float:
        """Negative once it has expired."""
        return (self.not_after - now).total_seconds()


class ServerTls:
    """Owns a listener's context. ``context`` is to be asked for each handshake: a reload replaces it.

    Each listener has its own context and issues no session tickets: a session of one must not be resumed at another
    with another policy (S13), and submission clients gain little from resumption. No ALPN: Python's ssl goes on
    without a protocol when a client offers only others, so it cannot keep an HTTP client out (S14); the session does,
    which hangs up on HTTP commands.
    """

    def __init__(
        self,
        certificate: str | Path,
        private_key: str | Path,
        clients: ClientTrust | None = None,
    ) -> None:
        """``clients``: whose certificates are asked for; None: for none. Reads the files. Raises TlsFileError."""
        self._certificate = Path(certificate)
        self._private_key = Path(private_key)
        self.clients: Final = clients
        self._context, self._info = self._load()

    @classmethod
    def of(cls, listener: Listener) -> "ServerTls":
        """The same for a listener with TLS. Raises TlsFileError, which names the listener and the key."""
        assert listener.certificate is not None  # the loader saw to it
        assert listener.private_key is not None
        try:
            return cls(listener.certificate, listener.private_key, ClientTrust.of(listener))
        except TlsFileError as error:
            keys = ("private_key", "client_ca", "client_crl")
            what = next(
                (key for key in keys if error.file == getattr(listener, key)), "certificate"
            )
            problem = f"listener {listener.address}: {what}: {error.file}"
            raise TlsFileError(problem, error.problem) from None

    @property
    def context(self) -> ssl.SSLContext:
        return self._context

    @property
    def certificate(self) -> CertificateInfo:
        """The one in use."""
        return self._info

    def reload(self) -> None:
        """Read the files again. Raises TlsFileError; then the context of before remains."""
        self._context, self._info = self._load()

    def _load(self) -> tuple[ssl.SSLContext, CertificateInfo]:
        info = check_files(self._certificate, self._private_key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8314 section 4.1, RFC 8997
        context.set_ciphers(CIPHERS)
        context.options |= (
            ssl.OP_NO_COMPRESSION
            | ssl.OP_NO_TICKET
            | ssl.OP_NO_RENEGOTIATION
            | ssl.OP_CIPHER_SERVER_PREFERENCE
        )
        context.num_tickets = 0  # TLS 1.3
        try:
            context.load_cert_chain(self._certificate, self._private_key, password=_no_password)
        except (ssl.SSLError, OSError) as error:
            raise TlsFileError(str(self._certificate), str(error)) from error
        if self.clients is not None:
            self.clients.apply(context)
        return context, info


def check_files(certificate: Path, private_key: Path) -> CertificateInfo:
    """Check that the files are there, that the key is private and is the certificate's. Raises TlsFileError.

    Validity in time is not checked: an expired certificate is better than none, and `postmaster check` tells.
    """
    key_pem = _read_key(private_key)
    try:
        key = load_pem_private_key(key_pem, password=None)
    except TypeError:
        problem = "the key is encrypted; a server that starts alone cannot ask for its password"
        raise TlsFileError(str(private_key), problem) from None
    except (ValueError, UnsupportedAlgorithm):
        raise TlsFileError(str(private_key), "not a private key in PEM") from None
    leaf = _read_leaf(certificate)
    if _public(leaf.public_key()) != _public(key.public_key()):
        problem = f"its key is not the one in {private_key} (the server's certificate comes first)"
        raise TlsFileError(str(certificate), problem)
    return CertificateInfo(
        subject=leaf.subject.rfc4514_string(),
        names=_names(leaf),
        not_before=leaf.not_valid_before_utc.astimezone(UTC),
        not_after=leaf.not_valid_after_utc.astimezone(UTC),
    )


def _read_key(path: Path) -> bytes:
    octets = read_tls_file(path)
    mode = path.stat().st_mode
    if mode & 0o037:  # P8; 0640 is what distributions give to a group of certificate readers
        raise TlsFileError(str(path), f"others may read it (mode {mode & 0o777:04o}): chmod 0600")
    return octets


def _read_leaf(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(read_tls_file(path))[0]
    except ValueError:
        raise TlsFileError(str(path), "not a certificate chain in PEM") from None


def _public(key: object) -> bytes:
    public_bytes = getattr(key, "public_bytes")  # noqa: B009 - the union of key types is long
    encoded: bytes = public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = names.get_values_for_type(x509.IPAddress)
    return (*names.get_values_for_type(x509.DNSName), *(str(each) for each in addresses))


def _no_password() -> str:
    raise ssl.SSLError("the key is encrypted")
