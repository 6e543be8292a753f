"""Mirrors angarium/api/tokens.py."""

import jwt
import msgspec
import pytest

from angarium.api.tokens import LIFETIME_S, Tokens
from angarium.queue.model import UnixMs
from angarium.tenancy.model import Key, Tenant
from angarium.tenancy.snapshot import KeyGrant, KeyProblem, Snapshot, SnapshotData

NOW = UnixMs(1_800_000_000_000)
OURS = bytes(range(64))
OTHER = bytes(64)
KEY = Key(id="abc", tenant="shop", kind="api", scopes=("emails",), created=NOW, secrets=())


class Platform:
    """What is published; a test changes it."""

    def __init__(self) -> None:
        self.key: Key = KEY

    def __call__(self) -> Snapshot:
        tenant = Tenant(id="1", name="shop", created=NOW)
        return Snapshot(SnapshotData(tenants=(tenant,), keys=(self.key,)))


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def tokens(platform: Platform) -> Tokens:
    return Tokens((OURS,), platform)


def issued(tokens: Tokens, *scopes: str) -> str:
    return tokens.issue(KeyGrant(key=KEY, domains=()), scopes, NOW)


def scopes_of(tokens: Tokens, token: str, now: int = NOW) -> tuple[str, ...] | str:
    found = tokens.find_grant(token, UnixMs(now), "192.0.2.1")
    assert found is not None
    return found.problem if isinstance(found, KeyProblem) else found.key.scopes


def test_a_token_stands_for_its_key_for_an_hour(tokens: Tokens) -> None:
    token = issued(tokens)
    assert scopes_of(tokens, token) == ("emails",)
    assert scopes_of(tokens, token, NOW + LIFETIME_S * 1000 - 1) == ("emails",)
    assert scopes_of(tokens, token, NOW + LIFETIME_S * 1000) == "expired"


def test_it_may_be_for_less(tokens: Tokens) -> None:
    assert scopes_of(tokens, issued(tokens, "emails:send")) == ("emails:send",)


def test_a_token_is_worth_no_more_than_its_key_tkn1(tokens: Tokens, platform: Platform) -> None:
    token = issued(tokens)
    platform.key = msgspec.structs.replace(KEY, scopes=("emails:send",))
    assert scopes_of(tokens, token) == ()
    platform.key = msgspec.structs.replace(KEY, revoked=NOW)
    assert scopes_of(tokens, token) == "revoked"
    platform.key = msgspec.structs.replace(KEY, networks=("198.51.100.0/24",))
    assert scopes_of(tokens, token) == "network"
    platform.key = msgspec.structs.replace(KEY, id="other")
    assert scopes_of(tokens, token) == "unknown"


def test_a_key_of_the_file_that_is_older_still_verifies(platform: Platform) -> None:
    token = issued(Tokens((OTHER,), platform))
    assert scopes_of(Tokens((OTHER, OURS), platform), token) == ("emails",)
    assert scopes_of(Tokens((OURS,), platform), token) == "unknown"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"},
        {"sub": 5},
        {"exp": None},
        {"scopes": "emails"},
    ],
)
def test_what_we_did_not_say_is_no_token(tokens: Tokens, change: dict[str, object]) -> None:
    told = jwt.decode(issued(tokens), OURS, ["HS256"], {"verify_exp": False, "verify_iat": False})
    forged = jwt.encode({**told, **change} if change != {"sub": 5} else {**told, "sub": "5"}, OURS)
    assert scopes_of(tokens, forged) == "unknown"


def test_unsigned_and_foreign_tokens_are_refused(tokens: Tokens) -> None:
    told = jwt.decode(issued(tokens), OURS, ["HS256"], {"verify_exp": False, "verify_iat": False})
    for token in (
        jwt.encode(told, None, algorithm="none"),
        jwt.encode(told, OTHER),
        jwt.encode(told, OURS, algorithm="HS512"),
        issued(tokens)[:-2] + "xx",
        "a.b.c",
        "é.é.é",
        "." * 2,
        "x" * 5000 + "..",
    ):
        assert scopes_of(tokens, token) == "unknown"


def test_a_key_is_no_token(tokens: Tokens) -> None:
    assert tokens.find_grant("ang_api_abc_secret", NOW, "192.0.2.1") is None
    assert tokens.find_grant("", NOW, "192.0.2.1") is None
