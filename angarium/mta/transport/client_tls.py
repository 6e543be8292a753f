"""TLS contexts for connections to peers: one for each degree of verification, never a session shared (D6)."""

import ssl
from typing import Final, Protocol

import msgspec

from angarium.mta.transport.transfer import TlsPolicy


class TlsContexts(Protocol):
    def context_for(self, policy: TlsPolicy) -> ssl.SSLContext: ...


class ClientTls:
    """Invariant: a connection under a verifying policy never uses a context that does not verify.

    asyncio resumes no client sessions, so that none crosses from one policy to another either.
    """

    def __init__(self, ca_file: str | None = None) -> None:
        """``ca_file``: PEM roots instead of the system's."""
        self._ca_file = ca_file
        self._verifying: ssl.SSLContext | None = None
        self._unverified: ssl.SSLContext | None = None

    def context_for(self, policy: TlsPolicy) -> ssl.SSLContext:
        """``implicit`` verifies when the policy names a server, and encrypts without trust otherwise."""
        if policy.mode == "verify" or (policy.mode == "implicit" and policy.server_name):
            if self._verifying is None:
                self._verifying = ssl.create_default_context(cafile=self._ca_file)
                self._verifying.minimum_version = ssl.TLSVersion.TLSv1_2
                # Python 3.13 sets it. Certificates of in-house CAs often lack a key identifier, and
                # whom we relay to must not depend on the Python below us.
                self._verifying.verify_flags &= ~ssl.VERIFY_X509_STRICT
            return self._verifying
        if self._unverified is None:
            context = ssl.create_default_context()
            # RFC 7435: any encryption beats none where nobody demanded a name
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._unverified = context
        return self._unverified


class TlsSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a session's TLS came to."""

    version: str = ""  # "TLSv1.3"; "" in the clear
    cipher: str = ""
    verified: bool = False  # by a context that demands a trusted certificate of the right name


IN_THE_CLEAR: Final = TlsSeen()


def tls_seen(tls: ssl.SSLObject | None) -> TlsSeen:
    if tls is None:
        return IN_THE_CLEAR
    cipher = tls.cipher()
    return TlsSeen(
        version=tls.version() or "",
        cipher=cipher[0] if cipher else "",
        verified=tls.context.verify_mode is ssl.CERT_REQUIRED,
    )
