"""Mirrors angarium/api/issued_tokens.py: whose tokens are believed, and how far."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from angarium.api.issued_tokens import IssuedTokens, KeySet
from angarium.config.schema import TokenIssuer
from angarium.queue.model import UnixMs
from angarium.tenancy.model import Tenant
from angarium.tenancy.snapshot import KeyGrant, KeyProblem, Snapshot, SnapshotData

NOW = UnixMs(1_800_000_000_000)
RSA = rsa.generate_private_key(65537, 2048)
STRANGER = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
ISSUER = "https://login.example"


def member(key: Any, algorithm: str, kid: str) -> dict[str, Any]:
    kind = jwt.get_algorithm_by_name(algorithm)
    made: dict[str, Any] = json.loads(kind.to_jwk(key.public_key()))
    return {**made, "kid": kid, "alg": algorithm, "use": "sig"}


SET = {
    "keys": [
        member(RSA, "RS256", "r1"),
        member(EC, "ES256", "e1"),
        member(ED, "EdDSA", "d1"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "o1", "alg": "HS256"},
        {"kty": "new"},
    ]
}


class World:
    def __init__(self, **changed: Any) -> None:
        settings = {
            "issuer": ISSUER,
            "jwks_url": "https://login.example/keys",
            "audience": "mail",
            "tenant": "shop",
            "scopes": ("emails",),
            **changed,
        }
        self.asked: list[str] = []
        tenants = tuple(Tenant(id=name, name=name, created=NOW) for name in ("shop", "mill"))
        snapshot = Snapshot(SnapshotData(tenants=tenants))
        self.tokens = IssuedTokens([TokenIssuer(**settings)], lambda: snapshot, self.asked.append)
        self.tokens.sets[ISSUER] = KeySet.read(json.dumps(SET).encode())

    def find(self, token: str, now: int = NOW) -> KeyGrant | KeyProblem | None:
        return self.tokens.find_grant(token, UnixMs(now), "192.0.2.1")


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "r1", **claims: Any) -> str:
    seconds = NOW // 1000
    said = {"iss": ISSUER, "aud": "mail", "sub": "u1", "exp": seconds + 600, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


KEYS = {"RS256": (RSA, "r1"), "ES256": (EC, "e1"), "EdDSA": (ED, "d1")}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_that_the_issuer_signed_is_believed(algorithm: str) -> None:
    key, kid = KEYS[algorithm]
    found = World().find(token(key, algorithm, kid))
    assert isinstance(found, KeyGrant)
    assert (found.key.tenant, found.key.scopes, found.key.id) == ("shop", ("emails",), "token:u1")


FORGED = {
    "stranger": lambda: token(STRANGER),
    "another kind of key": lambda: token(EC, "ES256", "r1"),
    "for others": lambda: token(aud="other"),
    "for nobody": lambda: token(aud=None),
    "without end": lambda: token(exp=None),
    "no time": lambda: token(exp="soon"),
    "not yet": lambda: token(nbf=NOW // 1000 + 3600),
    "shared secret": lambda: token("s" * 32, "HS256", "o1"),
    "public key as secret": lambda: token("s" * 32, "HS256", "r1"),
    "unsigned": lambda: token(None, "none", "r1"),
    "another algorithm": lambda: token(RSA, "RS512", "r1"),
    "cut": lambda: token()[:-4] + "AAAA",
}


@pytest.mark.parametrize("how", FORGED)
def test_what_was_forged_or_is_for_others_is_not(how: str) -> None:
    assert isinstance(World().find(FORGED[how]()), KeyProblem)


def test_a_token_ends() -> None:
    world = World()
    assert isinstance(world.find(token(), NOW + 600_000), KeyGrant)  # clocks differ
    found = world.find(token(), NOW + 661_000)
    assert isinstance(found, KeyProblem)
    assert found.problem == "expired"


def test_a_key_that_is_not_in_the_set_has_it_fetched_anew() -> None:
    world = World()
    assert isinstance(world.find(token(kid="r2")), KeyProblem)
    assert isinstance(world.find(token(kid=None)), KeyProblem)
    assert world.asked == [ISSUER, ISSUER]
    world.tokens.sets.clear()
    assert isinstance(world.find(token()), KeyProblem)


def test_what_is_no_token_of_an_issuer_is_left_to_others() -> None:
    for other in ("ang_api_x_y", "a.b.c", "", token(iss="https://x.example"), token() * 10):
        assert World().find(other) is None


def test_the_claims_may_name_tenant_and_scopes_but_none_that_are_not_ours() -> None:
    """ITK1."""
    world = World(tenant_claim="org", scopes=())
    found = world.find(token(org="mill", scope="emails:send openid webhooks queue:act"))
    assert isinstance(found, KeyGrant)
    assert (found.key.tenant, found.key.scopes) == (
        "mill",
        ("emails:send", "webhooks", "queue:act"),
    )
    assert isinstance(world.find(token(org="nobody", scope="emails")), KeyProblem)
    assert isinstance(world.find(token(scope="emails")), KeyProblem)
    nothing = world.find(token(org="mill"))
    assert isinstance(nothing, KeyGrant)
    assert not nothing.allows("emails", "send")


@pytest.mark.parametrize(
    "octets",
    [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [{"kty": "oct"}]}', b"\xff"],
)
def test_what_is_no_key_set_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever kind
        KeySet.read(octets)
