"""The DKIM keys of tenants' domains, opened when they are first needed; else those of the configuration."""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from angarium.dkim.keyring import FindsKeys
from angarium.dkim.keys import PrivateKey, SigningKey
from angarium.tenancy.model import Domain, DomainKey, TenancySetupError
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.snapshot_file import SnapshotFile

OPENED: Final = 10_000  # keys in memory; ours: some 50 MB


def seal_place(domain: str, selector: str) -> tuple[str, ...]:
    """Return for what place a private key is sealed."""
    return ("dkim", domain, selector)


def open_domain_key(secrets: Secrets, domain: str, key: DomainKey) -> SigningKey:
    """Raises TenancySetupError."""
    pem = secrets.open(key.sealed, *seal_place(domain, key.selector))
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, UnsupportedAlgorithm):
        raise TenancySetupError(f"the key {key.selector} of {domain} is not in PEM form") from None
    if not isinstance(private, (RSAPrivateKey, Ed25519PrivateKey)):
        raise TenancySetupError(f"the key {key.selector} of {domain} is neither RSA nor Ed25519")
    return SigningKey(domain=domain, selector=key.selector, private=private)


class TenantKeyRing:
    """Satisfies ``dkim.keyring.FindsKeys``. Asked by the loop and by signing threads."""

    def __init__(self, snapshots: SnapshotFile, secrets: Secrets, others: FindsKeys) -> None:
        """``others``: the configuration's, for what no tenant has verified."""
        self._snapshots = snapshots
        self._secrets = secrets
        self._others = others
        self._opened: dict[bytes, PrivateKey] = {}  # cache: sealed -> private

    def find(self, domain: str, tenant: str = "") -> tuple[SigningKey, ...]:
        """Return the keys of the tenant's own domain, else what the configuration has for it.

        Where its alignment is not strict, that of the domain above signs, too.

        Raises TenancySetupError: the file of the secret is not the one that they were sealed with.
        """
        snapshot = self._snapshots.current
        while True:
            owned = snapshot.find_sending_domain(tenant, domain.lower())
            if owned is not None and (keys := owned.signing_keys):
                return tuple([self._key(owned, key) for key in keys])
            # Whoever accepted it may have seen a change that has not come here
            if (newest := self._snapshots.newest()) is snapshot:
                return self._others.find(domain, tenant)
            snapshot = newest

    def _key(self, domain: Domain, key: DomainKey) -> SigningKey:
        private = self._opened.get(key.sealed)
        if private is not None:
            return SigningKey(domain=domain.name, selector=key.selector, private=private)
        opened = open_domain_key(self._secrets, domain.name, key)
        if len(self._opened) >= OPENED:
            self._opened.clear()
        self._opened[key.sealed] = opened.private
        return opened
