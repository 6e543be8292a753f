"""Bearer tokens of others (JWT, RFC 7519): signed with a key of the issuer's set, believed as the configuration says.

Pure: the key sets (RFC 7517) are fetched by somebody else, and are as they were last. A signature that is not a public
key's is never believed, whatever the token says of its algorithm.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import jwt
import msgspec

from angarium.config.schema import TokenIssuer
from angarium.queue.model import UnixMs
from angarium.tenancy.model import Key, TenancyError
from angarium.tenancy.scopes import read_scopes
from angarium.tenancy.snapshot import KeyGrant, KeyProblem, Snapshot

MAX_TOKEN_OCTETS: Final = 8192
MAX_KEYS: Final = 100  # of a set
LEEWAY_S: Final = 60  # clocks differ
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_SUBJECT_CHARACTERS: Final = 100


class KeySet:
    """The public keys of an issuer, by their ids; a set with one key may leave its id out."""

    def __init__(self, keys: Mapping[str, jwt.PyJWK]) -> None:
        self._keys = dict(keys)

    @classmethod
    def read(cls, octets: bytes) -> "KeySet":
        """Raises ValueError: it is no key set. Keys that are not for signatures of ours are passed over."""
        found = msgspec.json.decode(octets)
        members = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(members, list):
            raise ValueError("it has no list called keys")
        keys: dict[str, jwt.PyJWK] = {}
        for each in members[:MAX_KEYS]:
            key = _key(each)
            if key is not None:
                keys[key.key_id or ""] = key
        if not keys:
            raise ValueError("it has no public key that is for signatures")
        return cls(keys)

    def find(self, key_id: str) -> jwt.PyJWK | None:
        if not key_id and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)


class IssuedTokens:
    """Invariant ITK1: who has a token may do no more than the configuration gives its issuer."""

    def __init__(
        self,
        issuers: Sequence[TokenIssuer],
        snapshot: Callable[[], Snapshot],
        ask_anew: Callable[[str], None],
    ) -> None:
        """``ask_anew``: have an issuer's set fetched again, soon: a token names a key that is not in it."""
        self._issuers = {each.issuer: each for each in issuers}
        self._snapshot = snapshot
        self._ask_anew = ask_anew
        self.sets: dict[str, KeySet] = {}  # by issuer; may change at any time

    def find_grant(self, presented: str, now: UnixMs, address: str) -> KeyGrant | KeyProblem | None:
        """Say whom a token stands for; None: it is none of these issuers'."""
        if not self._issuers or presented.count(".") != 2 or len(presented) > MAX_TOKEN_OCTETS:
            return None
        try:
            header = jwt.get_unverified_header(presented)
            unverified = jwt.decode(presented, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return None
        issuer = self._issuers.get(str(unverified.get("iss")))
        if issuer is None:
            return None
        claims = self._verified(issuer, header, presented, now)
        return (
            claims if isinstance(claims, KeyProblem) else self._grant(issuer, claims, now, address)
        )

    def _verified(
        self, issuer: TokenIssuer, header: Mapping[str, Any], presented: str, now: UnixMs
    ) -> Mapping[str, Any] | KeyProblem:
        keys = self.sets.get(issuer.issuer)
        key = None if keys is None else keys.find(str(header.get("kid", "")))
        if key is None:
            self._ask_anew(issuer.issuer)
            return _problem(f"the key that signed it is not in the set of {issuer.issuer}")
        try:
            claims: Mapping[str, Any] = jwt.decode(
                presented,
                key,
                algorithms=[key.algorithm_name],
                audience=issuer.audience,
                issuer=issuer.issuer,
                options={
                    "require": ["exp", "aud", "iss"],
                    # The time is ours to look at
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidAudienceError:
            return _problem(f"it is not for {issuer.audience}")
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return _problem("its signature or its claims are not right")
        ends, begins = claims["exp"], claims.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            return _problem("its times are no numbers")
        if (ends + LEEWAY_S) * 1000 <= now:
            return KeyProblem(problem="expired", text="the token has expired: get another one")
        if (begins - LEEWAY_S) * 1000 > now:
            return _problem("its time has not come yet")
        return claims

    def _grant(
        self, issuer: TokenIssuer, claims: Mapping[str, Any], now: UnixMs, address: str
    ) -> KeyGrant | KeyProblem:
        tenant = issuer.tenant
        if issuer.tenant_claim is not None:
            tenant = str(claims.get(issuer.tenant_claim, ""))
        if tenant not in self._snapshot().tenants:
            return _problem("it names no tenant of ours")
        scopes = issuer.scopes or _scopes(claims.get(issuer.scope_claim))  # ITK1
        subject = str(claims.get("sub", ""))[:_SUBJECT_CHARACTERS]
        key = Key(
            id=f"token:{subject if subject.isprintable() else ''}",
            tenant=tenant,
            kind="api",
            scopes=scopes,
            rate=issuer.rate,
            created=now,
            secrets=(),
        )
        return self._snapshot().grant(key, now, address)


def _key(member: object) -> jwt.PyJWK | None:
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(member)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    # A shared secret in a public place would be anybody's
    return key if key.algorithm_name in ALGORITHMS and member.get("kty") != "oct" else None


def _scopes(claim: object) -> tuple[str, ...]:
    """Of what it says, what is a scope of ours: words in a text (RFC 8693 section 4.2), or a list."""
    words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    found: list[str] = []
    for word in words[:MAX_KEYS]:
        try:
            found += read_scopes([word]) if isinstance(word, str) else ()
        except TenancyError:
            continue
    return tuple(dict.fromkeys(found))


def _problem(text: str) -> KeyProblem:
    return KeyProblem(problem="unknown", text=f"the token is not accepted: {text}")
