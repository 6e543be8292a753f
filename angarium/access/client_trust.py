"""Whose certificates a listener believes of its clients: an authority's, and what that has taken back."""

import re
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509

from angarium.access.tls_file import TlsFileError, read_tls_file
from angarium.config.schema import Listener

_CRL: Final = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)


class ClientTrust:
    """Invariant MT1: a certificate that the authority has not signed, that has ended or was revoked opens no
    connection, also where none is needed.
    """

    def __init__(
        self, authority: str | Path, revoked: str | Path | None, *, required: bool
    ) -> None:
        """``revoked``: a file of lists (CRL); None: nothing is taken back."""
        self._authority = Path(authority)
        self._revoked = None if revoked is None else Path(revoked)
        self._required = required

    @classmethod
    def of(cls, listener: Listener) -> "ClientTrust | None":
        if listener.client_ca is None:
            return None
        required = listener.client_certificate == "required"
        return cls(listener.client_ca, listener.client_crl, required=required)

    def apply(self, context: ssl.SSLContext) -> None:
        """Have a context ask its clients for certificates. Reads the files. Raises TlsFileError."""
        check_authority(self._authority)
        _load(context, self._authority)
        if self._revoked is not None:
            read_lists(self._revoked)
            _load(context, self._revoked)
            # OpenSSL refuses all clients when the list has ended, or is of another authority
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        # What TLS 1.2 resumes would pass by a certificate that was revoked meanwhile; of 1.3 nothing is resumed
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED if self._required else ssl.CERT_OPTIONAL  # MT1


def check_authority(path: Path) -> None:
    """Raises TlsFileError."""
    try:
        x509.load_pem_x509_certificates(read_tls_file(path))
    except ValueError:
        raise TlsFileError(str(path), "has no certificate of an authority in PEM") from None


def read_lists(path: Path) -> list[x509.CertificateRevocationList]:
    """Raises TlsFileError."""
    try:
        found = [x509.load_pem_x509_crl(each) for each in _CRL.findall(read_tls_file(path))]
    except ValueError:
        found = []
    if not found:
        raise TlsFileError(str(path), "has no list of revoked certificates (X509 CRL) in PEM")
    return found


def _load(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise TlsFileError(str(path), str(error)) from error
