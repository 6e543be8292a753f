"""Access tokens of Google and Microsoft: what is asked for one, and the answer. Pure.

RFC 6749 (refresh token, client credentials), RFC 7523 (a service account's signed assertion).
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from angarium.receiver_reports.model import cut

GOOGLE_TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105
ASSERTION_S: Final = 3600
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME_S: Final = 300.0  # where an answer names none


class CredentialError(ValueError):
    """What is in a key file cannot be used, or is not taken; says what to do. Never shows a secret."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A key file: as Google hands out a service account's, or with the fields of OAuth. Other fields are no matter."""

    type: str = ""
    client_email: str = ""
    private_key: str = ""
    token_uri: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    scope: str = ""

    def __repr__(self) -> str:
        return "Credentials(...)"

    @property
    def way(self) -> Literal["service_account", "refresh_token", "client_credentials"]:
        """Raises CredentialError."""
        if self.private_key and self.client_email:
            return "service_account"
        if self.refresh_token and self.client_id:
            return "refresh_token"
        if self.client_id and self.client_secret:
            return "client_credentials"
        raise CredentialError(
            "it needs private_key and client_email (a service account), client_id and refresh_token,"
            " or client_id and client_secret"
        )

    @property
    def seed(self) -> bytes:
        """What tells this file's refresh token from another, without saying it."""
        return hashlib.sha256(self.refresh_token.encode()).digest()


class Token(msgspec.Struct, frozen=True, kw_only=True):
    access: str
    lifetime_s: float
    refresh: str  # one that counts from now on; "": the one of before does

    def __repr__(self) -> str:
        return "Token(...)"


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str = ""
    expires_in: float | str | None = None
    refresh_token: str = ""
    error: Any = None
    error_description: str = ""


def read_credentials(octets: bytes) -> Credentials:
    """Raises CredentialError."""
    try:
        found = msgspec.json.decode(octets, type=Credentials)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise CredentialError("it is no JSON with texts for fields") from None
    found.way  # noqa: B018 - raises
    return found


def token_form(
    credentials: Credentials, scope: str, token_url: str, refresh_token: str, now_s: float
) -> dict[str, str]:
    """Return what is posted to the token endpoint. ``scope`` "": what the refresh token has.

    ``refresh_token``: one that came in place of the file's; "": none. Raises CredentialError.
    """
    scope = credentials.scope or scope
    if credentials.way == "service_account":
        return {
            "grant_type": _GRANT,
            "assertion": _assertion(credentials, scope, token_url, int(now_s)),
        }
    form = {"client_id": credentials.client_id}
    if credentials.client_secret:
        form["client_secret"] = credentials.client_secret
    if credentials.way == "refresh_token":
        form |= {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token or credentials.refresh_token,
        }
        return form | ({"scope": scope} if scope else {})
    return form | {"grant_type": "client_credentials", "scope": scope}


def read_token(status: int, octets: bytes) -> Token:
    """Raises CredentialError: with what the endpoint says, which has no secret."""
    try:
        answer = msgspec.json.decode(octets, type=_Answer)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        answer = _Answer()
    if status != 200 or not answer.access_token:
        said = cut(f"{answer.error or ''} {answer.error_description}", 300).strip()
        raise CredentialError(f"no access token is given: HTTP {status} {said}".rstrip())
    try:
        lifetime_s = float(answer.expires_in or _LIFETIME_S)
    except ValueError:
        lifetime_s = _LIFETIME_S
    return Token(access=answer.access_token, lifetime_s=lifetime_s, refresh=answer.refresh_token)


def _assertion(credentials: Credentials, scope: str, token_url: str, now_s: int) -> str:
    """RFC 7523 section 3."""
    claims: Mapping[str, object] = {
        "iss": credentials.client_email,
        "scope": scope,
        "aud": token_url,
        "iat": now_s,
        "exp": now_s + ASSERTION_S,
    }
    head = _part({"alg": "RS256", "typ": "JWT"})
    signed = f"{head}.{_part(claims)}"
    try:
        key = serialization.load_pem_private_key(credentials.private_key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CredentialError("its private_key is no private key in PEM") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CredentialError("its private_key is no RSA key")
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_base64(signature)}"


def _part(value: Mapping[str, object]) -> str:
    return _base64(msgspec.json.encode(value))


def _base64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
