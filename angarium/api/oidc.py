"""OpenID Connect Core 1.0, its flow by an authorization code, with PKCE (RFC 7636): what a provider is asked, and what
of its answers is believed.

Pure: the provider's documents are fetched by somebody else. A token counts by a signature of a public key of the
provider's set, as with ``issued_tokens``; whose it is is said by issuer and subject, and by no address.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jwt
import msgspec

from angarium.api.issued_tokens import LEEWAY_S, MAX_TOKEN_OCTETS, KeySet
from angarium.config.schema import OidcProvider
from angarium.queue.model import UnixMs

FLOW_MS: Final = 600_000  # ours: how long a person may take at the provider
_HTTPS: Final = re.compile(r"https://[^\s/?#@]+(/[^\s#]*)?")
# For tests, and a provider on this machine
_LOCAL: Final = re.compile(r"http://(127\.\d+\.\d+\.\d+|\[::1\]|localhost)(:\d+)?(/[^\s#]*)?")
_MAX_SUBJECT: Final = 255  # OpenID Connect Core 1.0 section 2
_MAX_ADDRESS: Final = 254
_ADDRESS: Final = re.compile(r"[!-?A-~]+@[a-z0-9.-]+")
_SHOWN: Final = 200


class OidcError(Exception):
    """Nobody is let in; the text says why, for who logs in and for the log."""


class UnknownKeyError(OidcError):
    """The key that signed a token is not in the set: it may be a new one."""


class AwayError(OidcError):
    """The provider cannot be used now; the log says more."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0 section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    takes_basic: bool = True  # False: the secret goes into the form
    names_itself: bool = False  # its answers have iss (RFC 9207)


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One log-in under way. It is with the browser, sealed, and in no table."""

    provider: str  # its name
    state: str
    nonce: str
    verifier: str
    expires: UnixMs
    account: str = ""  # that is to be linked; "": somebody logs in
    tenant: str = ""  # for which; "": the first of the account's


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a provider vouches for."""

    issuer: str
    subject: str
    address: str = ""  # lower case; only one that the provider has verified
    groups: tuple[str, ...] = ()  # of the claim that roles are given by


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """A token endpoint's answer (OpenID Connect Core 1.0 section 3.1.3.3), as far as it is looked at."""

    id_token: str
    access_token: str = ""


def is_trusted_url(url: str) -> bool:
    """Whether a provider may have it: TLS, or this machine."""
    return bool(_HTTPS.fullmatch(url) or _LOCAL.fullmatch(url))


def metadata_url(issuer: str) -> str:
    return f"{issuer.removesuffix('/')}/.well-known/openid-configuration"


def read_metadata(octets: bytes, issuer: str) -> Metadata:
    """Raises ValueError: it is none, or another issuer's (section 4.3)."""
    found = msgspec.json.decode(octets)
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        raise ValueError("it is not the issuer's: its issuer is another one")
    urls = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        url = found.get(name)
        if not isinstance(url, str) or not is_trusted_url(url):
            raise ValueError(f"its {name} is no https:// URL")
        urls[name] = url
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Metadata(
        **urls,
        takes_basic="client_secret_basic" in methods,
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
    )


def begin(
    provider: OidcProvider,
    random_octets: Callable[[int], bytes],
    now: UnixMs,
    *,
    account: str = "",
    tenant: str = "",
) -> Flow:
    state, nonce, verifier = (_base64(random_octets(32)) for _ in range(3))
    return Flow(
        provider=provider.name,
        state=state,
        nonce=nonce,
        verifier=verifier,
        expires=UnixMs(now + FLOW_MS),
        account=account,
        tenant=tenant,
    )


def authorization_url(metadata: Metadata, provider: OidcProvider, flow: Flow) -> str:
    """Return where the person is sent."""
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_url,
        "scope": " ".join(dict.fromkeys(("openid", *provider.scopes))),
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": _base64(hashlib.sha256(flow.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    endpoint = metadata.authorization_endpoint
    return (
        f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked, quote_via=quote)}"
    )


def read_answer(
    asked: Mapping[str, str], provider: OidcProvider, metadata: Metadata, flow: Flow | None
) -> str:
    """Return the code that the browser has brought. ``flow``: that its cookie tells of; None: it has none.

    Raises OidcError.
    """
    state = asked.get("state", "")
    if flow is None or flow.provider != provider.name:
        raise OidcError(
            "this browser has begun no log-in of this kind, or too long ago: begin again"
        )
    if not hmac.compare_digest(state.encode("utf-8", "replace"), flow.state.encode()):
        raise OidcError("the answer is to another log-in than this browser has begun: begin again")
    # RFC 9207 section 2.4: another provider's code is not for this one's token endpoint
    named = asked.get("iss")
    if named is None and metadata.names_itself:
        raise OidcError("the answer does not say of which provider it is")
    if named is not None and named != provider.issuer:
        raise OidcError("the answer is another provider's")
    if error := asked.get("error"):
        said = asked.get("error_description") or error
        raise OidcError(f"the provider lets nobody in: {_printable(said)}")
    if not (code := asked.get("code", "")):
        raise OidcError("the answer has no code")
    return code


def read_id_token(
    redeemed: Redeemed, provider: OidcProvider, keys: KeySet, flow: Flow, now: UnixMs
) -> Identity:
    """Return whom a token vouches for (section 3.1.3.7). Raises OidcError; UnknownKeyError: the set may be old."""
    token = redeemed.id_token
    if len(token) > MAX_TOKEN_OCTETS:
        raise OidcError(f"the ID token has more than {MAX_TOKEN_OCTETS} octets")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise OidcError("the ID token is none") from None
    key = keys.find(str(header.get("kid", "")))
    if key is None:
        raise UnknownKeyError("the key that signed the ID token is not in the provider's set")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[
                key.algorithm_name
            ],  # a public key's: nothing unsigned, nor by a shared secret
            audience=provider.client_id,
            issuer=provider.issuer,
            options={
                "require": ["exp", "iat", "aud", "iss", "sub"],
                # The time is ours to look at
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise OidcError("the ID token's signature, issuer or audience is not right") from None
    _check_party(claims, provider)
    _check_times(claims, now)
    if not _same(claims.get("nonce"), flow.nonce):
        raise OidcError("the ID token is of another log-in: begin again")
    if "at_hash" in claims and not _same(claims["at_hash"], _at_hash(redeemed, str(header["alg"]))):
        raise OidcError("the ID token is of another access token")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= _MAX_SUBJECT:
        raise OidcError(f"the ID token's subject has not 1 to {_MAX_SUBJECT} characters")
    address = _verified_address(claims, provider)
    if provider.email_domains and address.rpartition("@")[2] not in provider.email_domains:
        raise OidcError("the provider vouches for no address of a domain that may log in here")
    return Identity(
        issuer=provider.issuer,
        subject=subject,
        address=address,
        groups=_words(claims.get(provider.role_claim or "")),
    )


def _check_party(claims: Mapping[str, Any], provider: OidcProvider) -> None:
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise OidcError("the ID token is for several, and does not say for whom it was made")
    if party is not None and party != provider.client_id:
        raise OidcError("the ID token was made for another client")


def _check_times(claims: Mapping[str, Any], now: UnixMs) -> None:
    ends, made, begins = claims["exp"], claims["iat"], claims.get("nbf", 0)
    for each in (ends, made, begins):
        if isinstance(each, bool) or not isinstance(each, int | float):
            raise OidcError("the ID token's times are no numbers")
    if (ends + LEEWAY_S) * 1000 <= now:
        raise OidcError("the ID token has expired: are the clocks right?")
    if (max(made, begins) - LEEWAY_S) * 1000 > now:
        raise OidcError("the ID token's time has not come yet: are the clocks right?")
    if (made + LEEWAY_S) * 1000 + FLOW_MS <= now:
        raise OidcError("the ID token is older than the log-in")


def _at_hash(redeemed: Redeemed, algorithm: str) -> str:
    """Section 3.1.3.6: the left half of the hash that the signature is of; of EdDSA (Ed25519) that is SHA-512."""
    name = {"256": "sha256", "384": "sha384"}.get(algorithm[-3:], "sha512")
    digest = hashlib.new(name, redeemed.access_token.encode()).digest()
    return _base64(digest[: len(digest) // 2])


def _verified_address(claims: Mapping[str, Any], provider: OidcProvider) -> str:
    """Some providers write the truth as text."""
    address, verified = claims.get(provider.email_claim), claims.get("email_verified")
    if not (verified is True or verified == "true") or not isinstance(address, str):
        return ""
    lower = address.lower()
    return lower if len(lower) <= _MAX_ADDRESS and _ADDRESS.fullmatch(lower) else ""


def _same(claim: object, expected: str) -> bool:
    return isinstance(claim, str) and hmac.compare_digest(
        claim.encode("utf-8", "replace"), expected.encode()
    )


def _words(claim: object) -> tuple[str, ...]:
    words = claim if isinstance(claim, list) else [claim]
    return tuple(each for each in words if isinstance(each, str))


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_SHOWN])


def _base64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")
