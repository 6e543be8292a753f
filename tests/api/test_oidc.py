"""Mirrors angarium/api/oidc.py: what of a provider's answers is believed."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from angarium.api.issued_tokens import KeySet
from angarium.api.oidc import (
    FLOW_MS,
    Flow,
    Metadata,
    OidcError,
    Redeemed,
    UnknownKeyError,
    authorization_url,
    begin,
    is_trusted_url,
    metadata_url,
    read_answer,
    read_id_token,
    read_metadata,
)
from angarium.config.schema import OidcProvider
from angarium.queue.model import UnixMs

NOW = UnixMs(1_800_000_000_000)
SECONDS = NOW // 1000
ISSUER = "https://login.example"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
KEYS = {"r": (RSA, "RS256"), "e": (EC, "ES256"), "d": (ED, "EdDSA")}


def member(kid: str) -> dict[str, Any]:
    key, algorithm = KEYS[kid]
    made = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key()))  # type: ignore[attr-defined]
    return {**made, "kid": kid, "alg": algorithm}


SET = KeySet.read(json.dumps({"keys": [member(kid) for kid in KEYS]}).encode())


def provider(**changed: Any) -> OidcProvider:
    settings = {
        "name": "work",
        "issuer": ISSUER,
        "client_id": "mail",
        "redirect_url": "https://mail.example/v1/login/oidc/work/callback",
        **changed,
    }
    return OidcProvider(**settings)


FLOW = Flow(provider="work", state="st", nonce="no", verifier="ve", expires=UnixMs(NOW + FLOW_MS))


def token(kid: str = "r", **claims: Any) -> str:
    said = {
        "iss": ISSUER,
        "aud": "mail",
        "sub": "u1",
        "iat": SECONDS,
        "exp": SECONDS + 300,
        "nonce": "no",
        **claims,
    }
    said = {name: value for name, value in said.items() if value is not None}
    key, algorithm = KEYS[kid]
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})


def read(text: str, *, now: int = NOW, access: str = "", **settings: Any) -> Any:
    redeemed = Redeemed(id_token=text, access_token=access)
    return read_id_token(redeemed, provider(**settings), SET, FLOW, UnixMs(now))


@pytest.mark.parametrize("kid", KEYS)
def test_a_token_that_the_provider_signed_says_who_it_is(kid: str) -> None:
    found = read(token(kid))
    assert (found.issuer, found.subject, found.address) == (ISSUER, "u1", "")


PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
HEAD = {"iss": ISSUER, "aud": "mail", "sub": "u1", "iat": SECONDS, "exp": SECONDS + 300}


def by_hand(header: dict[str, str], signature: bytes = b"") -> str:
    parts = [json.dumps(each).encode() for each in (header, {**HEAD, "nonce": "no"})]
    return ".".join(base64.urlsafe_b64encode(e).decode().rstrip("=") for e in (*parts, signature))


def confused() -> str:
    """HS256 with the public key as its secret, which the library itself refuses to write."""
    import hmac

    text = by_hand({"alg": "HS256", "kid": "r"}).rpartition(".")[0]
    signed = hmac.digest(PEM, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


FORGED: dict[str, Callable[[], str]] = {
    "unsigned": lambda: by_hand({"alg": "none", "kid": "r"}),
    "unsigned without a key": lambda: by_hand({"alg": "none"}),
    "public key as secret": confused,
    "another issuer's": lambda: token(iss="https://login.example/"),
    "for others": lambda: token(aud="other"),
    "for nobody": lambda: token(aud=None),
    "for several": lambda: token(aud=["mail", "other"]),
    "made for another": lambda: token(azp="other"),
    "made for another, with several": lambda: token(aud=["mail", "other"], azp="other"),
    "another log-in's": lambda: token(nonce="other"),
    "no log-in's": lambda: token(nonce=None),
    "no nonce but a number": lambda: token(nonce=1),
    "no end": lambda: token(exp=None),
    "no beginning": lambda: token(iat=None),
    "no time": lambda: token(exp="soon"),
    "no number": lambda: token(nbf=True),
    "nobody": lambda: token(sub=None),
    "empty": lambda: token(sub=""),
    "long": lambda: token(sub="x" * 256),
    "not yet": lambda: token(nbf=SECONDS + 120),
    "made in the future": lambda: token(iat=SECONDS + 120, exp=SECONDS + 600),
    "made long ago": lambda: token(iat=SECONDS - 700),
    "another access token's": lambda: token(at_hash="AAAA"),
    "no token": lambda: "a.b",
    "too large": lambda: token(more="x" * 9000),
    "cut": lambda: token()[:-8] + "AAAAAAAA",
    "another kind of key": lambda: jwt.encode(
        {**HEAD, "nonce": "no"}, EC, "ES256", headers={"kid": "r"}
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_what_was_forged_or_is_for_others_lets_nobody_in(how: str) -> None:
    with pytest.raises(OidcError):
        read(FORGED[how]())


def test_clocks_may_differ_by_a_minute() -> None:
    assert read(token(), now=NOW + 359_000)
    with pytest.raises(OidcError, match="expired"):
        read(token(), now=NOW + 361_000)
    assert read(token(), now=NOW - 59_000)
    with pytest.raises(OidcError, match="not come yet"):
        read(token(), now=NOW - 61_000)


def test_a_key_that_is_not_in_the_set_may_be_a_new_one() -> None:
    text = jwt.encode({**HEAD, "nonce": "no"}, RSA, "RS256", headers={"kid": "new"})
    with pytest.raises(UnknownKeyError):
        read(text)


@pytest.mark.parametrize(("kid", "hash_"), [("r", "sha256"), ("e", "sha256"), ("d", "sha512")])
def test_the_access_token_is_the_one_that_was_signed_for(kid: str, hash_: str) -> None:
    digest = hashlib.new(hash_, b"access").digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    assert read(token(kid, at_hash=half), access="access").subject == "u1"
    with pytest.raises(OidcError, match="another access token"):
        read(token(kid, at_hash=half), access="other")


def test_only_an_address_that_was_verified_counts() -> None:
    address = {"email": "Ann@Example.com"}
    assert read(token(**address, email_verified=True)).address == "ann@example.com"
    assert read(token(**address, email_verified="true")).address == "ann@example.com"
    for verified in (False, None, "false", 1, "yes"):
        assert read(token(**address, email_verified=verified)).address == ""
    for wrong in ("ann", "a b@example.com", "a@b@example.com", 7, "x" * 300 + "@example.com"):
        assert read(token(email=wrong, email_verified=True)).address == ""
    named = token(upn="ann@example.com", email="x@example.com", email_verified=True)
    assert read(named, email_claim="upn").address == "ann@example.com"


def test_domains_of_addresses_may_be_asked_for() -> None:
    good = token(email="a@example.com", email_verified=True)
    assert read(good, email_domains=("example.com",)).address == "a@example.com"
    for other in (
        token(),
        token(email="a@example.com"),
        token(email="a@sub.example.com", email_verified=True),
    ):
        with pytest.raises(OidcError, match="domain"):
            read(other, email_domains=("example.com",))


def test_roles_are_given_by_words_of_a_claim() -> None:
    assert read(token(groups=["a", 7, "b"]), role_claim="groups").groups == ("a", "b")
    assert read(token(groups="a b"), role_claim="groups").groups == ("a b",)
    assert read(token(groups=["a"])).groups == ()


def described(**changed: Any) -> bytes:
    said = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize?kind=1",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/keys",
        **changed,
    }
    return json.dumps(said).encode()


def test_a_provider_describes_itself() -> None:
    found = read_metadata(described(), ISSUER)
    assert (found.takes_basic, found.names_itself) == (True, False)
    more = described(
        token_endpoint_auth_methods_supported=["client_secret_post"],
        authorization_response_iss_parameter_supported=True,
    )
    found = read_metadata(more, ISSUER)
    assert (found.takes_basic, found.names_itself) == (False, True)
    assert metadata_url(f"{ISSUER}/a/") == f"{ISSUER}/a/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b"[]", b"{}", described(issuer=f"{ISSUER}/"), described(token_endpoint=None)),
        *(
            described(jwks_uri="http://login.example/keys"),
            described(jwks_uri="file:///etc/passwd"),
        ),
        *(described(token_endpoint="https://a@login.example/"), described(issuer=7)),
        *(described(authorization_endpoint="https://x/#y"), described(jwks_uri="https://x y/")),
    ],
)
def test_what_is_another_ones_or_goes_in_the_clear_is_no_description(octets: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever kind
        read_metadata(octets, ISSUER)


def test_only_tls_or_this_machine_is_spoken_to() -> None:
    for url in ("https://a.example", "https://a.example:8/b?c=d", "http://127.0.0.1:9/x"):
        assert is_trusted_url(url)
    for url in ("http://a.example/", "http://127.0.0.1.example/", "http://localhost@a.example/"):
        assert not is_trusted_url(url)


def test_a_browser_is_sent_with_what_binds_the_answer() -> None:
    octets = iter([b"s" * 32, b"n" * 32, b"v" * 32])
    flow = begin(provider(), lambda _: next(octets), NOW, tenant="shop")
    assert len({flow.state, flow.nonce, flow.verifier}) == 3
    assert (flow.expires, flow.tenant, flow.account) == (NOW + FLOW_MS, "shop", "")
    metadata = read_metadata(described(), ISSUER)
    url = urlsplit(authorization_url(metadata, provider(scopes=("email", "profile")), flow))
    asked = {name: value[0] for name, value in parse_qs(url.query).items()}
    digest = hashlib.sha256(flow.verifier.encode()).digest()
    assert asked == {
        "kind": "1",
        "response_type": "code",
        "client_id": "mail",
        "redirect_uri": provider().redirect_url,
        "scope": "openid email profile",
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }


URLS = {"authorization_endpoint": "", "token_endpoint": "", "jwks_uri": ""}


def answered(flow: Flow | None = FLOW, *, names_itself: bool = False, **asked: str) -> str:
    metadata = Metadata(**URLS, names_itself=names_itself)
    return read_answer({"state": "st", "code": "c1", **asked}, provider(), metadata, flow)


def test_an_answer_is_to_what_this_browser_has_begun() -> None:
    assert answered() == "c1"
    assert answered(names_itself=True, iss=ISSUER) == "c1"
    with pytest.raises(OidcError, match="begun no log-in"):
        answered(None)
    other = Flow(provider="home", state="st", nonce="", verifier="", expires=UnixMs(0))
    with pytest.raises(OidcError, match="begun no log-in"):
        answered(other)
    for state in ("", "stt", "\udce9"):
        with pytest.raises(OidcError, match="another log-in"):
            answered(state=state)
    with pytest.raises(OidcError, match="no code"):
        answered(code="")


def test_another_providers_answer_is_refused() -> None:
    with pytest.raises(OidcError, match="another provider"):
        answered(iss="https://evil.example")
    with pytest.raises(OidcError, match="does not say"):
        answered(names_itself=True)


def test_a_refusal_is_told_without_what_terminals_take_amiss() -> None:
    with pytest.raises(OidcError, match=r"nobody in: no\?\[31m"):
        answered(error="access_denied", error_description="no\x1b[31m")
