"""Short-lived tokens that stand for a key (OAuth 2.0 client credentials, RFC 6749 section 4.4).

They are JWT, signed by us alone: HS256 with a key that is derived from ``[tenancy] secret_file``, so each process of
the server, and each start, verifies what another one signed, and nobody else can. A token is worth no more than its
key is at that moment: one that is revoked, or has expired, ends its tokens.
"""

from collections.abc import Callable, Sequence
from typing import Final

import jwt
import msgspec

from angarium.queue.model import UnixMs
from angarium.tenancy.scopes import find_uncovered
from angarium.tenancy.snapshot import KeyGrant, KeyProblem, Snapshot

LIFETIME_S: Final = 3600  # ours
MAX_TOKEN_OCTETS: Final = 4096
_ALGORITHM: Final = "HS256"
_ISSUER: Final = "angarium"
_WRONG: Final = KeyProblem(problem="unknown", text="the token is not one of this server's")
_OVER: Final = KeyProblem(problem="expired", text="the token has expired: ask for another one")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says."""

    iss: str
    sub: str  # the key's id
    iat: int
    exp: int
    scopes: tuple[str, ...]


class Tokens:
    """Invariant TKN1: a token's scopes are its key's as well, and its key is valid when it is used."""

    def __init__(self, keys: Sequence[bytes], snapshot: Callable[[], Snapshot]) -> None:
        """``keys``: the newest signs, all verify."""
        self._keys = tuple(keys)
        self._snapshot = snapshot

    def issue(self, grant: KeyGrant, scopes: Sequence[str], now: UnixMs) -> str:
        """Return a token that stands for the key. ``scopes``: of the key's; empty: all of them."""
        claims = Claims(
            iss=_ISSUER,
            sub=grant.key.id,
            iat=now // 1000,
            exp=now // 1000 + LIFETIME_S,
            scopes=tuple(scopes) or grant.key.scopes,
        )
        return jwt.encode(msgspec.to_builtins(claims), self._keys[-1], algorithm=_ALGORITHM)

    def find_grant(self, presented: str, now: UnixMs, address: str) -> KeyGrant | KeyProblem | None:
        """Say whom a token stands for; None: it is no token. ``address``: from where it is used."""
        if presented.count(".") != 2:
            return None
        claims = self._verified(presented)
        if claims is None or claims.iss != _ISSUER:
            return _WRONG
        if claims.exp * 1000 <= now:
            return _OVER
        key = self._snapshot().keys.get(claims.sub)
        if key is None:
            return _WRONG
        granted = self._snapshot().grant(key, now, address)  # TKN1
        if isinstance(granted, KeyProblem):
            return granted
        held = [each for each in claims.scopes if find_uncovered(key.scopes, (each,)) is None]
        lessened = msgspec.structs.replace(key, scopes=tuple(held))  # TKN1
        return msgspec.structs.replace(granted, key=lessened)

    def _verified(self, presented: str) -> Claims | None:
        if len(presented) > MAX_TOKEN_OCTETS:
            return None
        for key in reversed(self._keys):
            try:
                # The time is ours to look at
                found = jwt.decode(
                    presented,
                    key,
                    algorithms=[_ALGORITHM],
                    options={"verify_exp": False, "verify_iat": False},
                )
                return msgspec.convert(found, Claims)
            except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
                continue
        return None
