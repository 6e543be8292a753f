"""The file of the platform's secret (``[tenancy] secret_file``), and what is derived from it.

It seals private keys in the database and yields the secrets of ses keys, and is not in the database itself: who has a
copy of that alone has neither. The newest key seals, all open. Blocks on disk.
"""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from angarium.access.numbered_keys import NumberedKeyFile
from angarium.config.schema import Config
from angarium.tenancy.key_text import ses_secret
from angarium.tenancy.model import TenancySetupError

FILE_NAME: Final = "tenancy.key"  # in data_dir, unless the configuration names another one
_FILE: Final = NumberedKeyFile(
    setting="tenancy.secret_file",
    head=(
        "# The secret of Angarium's platform: it opens the private DKIM keys in the database, and secrets of\n"
        "# ses keys are derived from it. Without it those are lost: keep a copy, apart from the database's.\n"
    ),
    when_missing="put it back; where there never was one, a restart makes it",
    when_empty="put back the file as it was",
    error=TenancySetupError,
)
make_secret_file: Final = _FILE.make


class Secrets:
    """What the file's keys are good for. Sealing hides and protects against exchange: each has a place it is for."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """``keys`` by number, the newest last; at least one."""
        self._ciphers = {number: AESSIV(_derived(key, b"seal")) for number, key in keys.items()}
        self._newest = next(reversed(self._ciphers))
        # Of short-lived tokens of the API: the newest last
        self.token_keys: Final = tuple([_derived(key, b"token") for key in keys.values()])
        # Of URLs by which files are uploaded, likewise
        self.upload_keys: Final = tuple([_derived(key, b"upload") for key in keys.values()])
        # The oldest: a rotation of the file must not change the secrets that people have
        self._ses_master = _derived(next(iter(keys.values())), b"ses")
        self._callback_master = _derived(next(iter(keys.values())), b"callback")  # likewise

    def seal(self, octets: bytes, *place: str) -> bytes:
        """Return them encrypted for a place, as ("dkim", "example.com", "s1"): elsewhere they do not open."""
        data = [each.encode() for each in place]
        return bytes((self._newest,)) + self._ciphers[self._newest].encrypt(octets, data)

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Raises TenancySetupError: it was sealed with another file, or for another place."""
        cipher = self._ciphers.get(sealed[0]) if sealed else None
        try:
            if cipher is not None:
                return cipher.decrypt(sealed[1:], [each.encode() for each in place])
        except InvalidTag:
            pass
        raise TenancySetupError(
            f"tenancy.secret_file: it does not open {' '.join(place)}: put the file back that it was sealed with"
        )

    def ses_secret(self, key_id: str, version: int) -> str:
        return ses_secret(self._ses_master, key_id, version)

    def callback_secret(self, tenant_id: str) -> bytes:
        """Return the 24 octets that callbacks of single messages of a tenant are signed with."""
        return hmac.digest(self._callback_master, tenant_id.encode(), "sha256")[:24]


def secret_path(config: Config) -> Path:
    """Return where the file is, or is to be."""
    return Path(config.tenancy.secret_file or f"{config.server.data_dir}/{FILE_NAME}")


def read_secrets(path: Path) -> Secrets:
    """Raises TenancySetupError that names the file, and the line at fault."""
    return Secrets(_FILE.read(path))


def _derived(key: bytes, purpose: bytes) -> bytes:
    """Return 64 octets that tell nothing of the key, nor of those of another purpose."""
    return HKDFExpand(SHA512(), 64, b"angarium tenancy " + purpose).derive(key)
