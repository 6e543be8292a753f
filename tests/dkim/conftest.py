import pytest

from angarium.dkim.keygen import generate
from angarium.dkim.keys import SigningKey


@pytest.fixture(scope="session")
def rsa_key() -> SigningKey:
    return SigningKey(domain="example.com", selector="r1", private=generate("rsa"))


@pytest.fixture(scope="session")
def ed25519_key() -> SigningKey:
    return SigningKey(domain="example.com", selector="e1", private=generate("ed25519"))
