"""The file of the platform's secret (``[tenancy] secret_file``), and what is derived from it.

It seals private keys in the database and yields the secrets of ses keys, and is not in the database itself: who has a
copy of that alone has neither. One key per line, ``<number> <64 hexadecimal digits>``, the newest last: it seals, all
open. Lines that begin with # are remarks. Blocks on disk.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from angarium.config.schema import Config
from angarium.host.directory import Directory
from angarium.host.identity import Identity
from angarium.tenancy.key_text import ses_secret
from angarium.tenancy.model import TenancySetupError

FILE_NAME: Final = "tenancy.key"  # in data_dir, unless the configuration names another one
SECRET_OCTETS: Final = 32
LAST_NUMBER: Final = 127
MAX_FILE_OCTETS: Final = 65_536  # ours: all keys that there can be, with remarks
_LINE: Final = re.compile(r"([0-9]{1,3})[ \t]+([0-9a-fA-F]{64})")
_HEAD: Final = (
    "# The secret of Angarium's platform: it opens the private DKIM keys in the database, and secrets of\n"
    "# ses keys are derived from it. Without it those are lost: keep a copy, apart from the database's.\n"
)


class Secrets:
    """What the file's keys are good for. Sealing hides and protects against exchange: each has a place it is for."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """``keys`` by number, the newest last; at least one."""
        self._ciphers = {number: AESSIV(_derived(key, b"seal")) for number, key in keys.items()}
        self._newest = next(reversed(self._ciphers))
        # The oldest: a rotation of the file must not change the secrets that people have
        self._ses_master = _derived(next(iter(keys.values())), b"ses")

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


def secret_path(config: Config) -> Path:
    """Return where the file is, or is to be."""
    return Path(config.tenancy.secret_file or f"{config.server.data_dir}/{FILE_NAME}")


def make_secret_file(
    path: Path, identity: Identity | None, random_octets: Callable[[int], bytes] = os.urandom
) -> bool:
    """Make the file with one key where there is none, mode 0600, and hand it to the identity; whether it was made.

    On disk when it returns. Follows no link in its place (L1). Raises TenancySetupError.
    """
    owners = {os.geteuid()} if identity is None else {os.geteuid(), identity.uid}
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with Directory(path.parent) as directory:
            fd = directory.open(path.name, os.O_RDWR | os.O_CREAT, owners)
            try:
                if os.fstat(fd).st_size:
                    return False
                if identity is not None:
                    os.fchown(fd, identity.uid, identity.gid)
                os.fchmod(fd, 0o600)
                os.pwrite(fd, f"{_HEAD}1 {random_octets(SECRET_OCTETS).hex()}\n".encode(), 0)
                os.fsync(fd)
                os.fsync(directory.fd)
            finally:
                os.close(fd)
    except OSError as error:
        text = f"tenancy.secret_file: {path} cannot be made: {error.strerror}"
        raise TenancySetupError(text) from None
    return True


def read_secrets(path: Path) -> Secrets:
    """Raises TenancySetupError that names the file, and the line at fault."""
    name = f"tenancy.secret_file: {path}"
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(MAX_FILE_OCTETS + 1)
    except FileNotFoundError:
        raise TenancySetupError(
            f"{name} is not there: put it back; where there never was one, a restart makes it"
        ) from None
    except OSError as error:
        text = f"{name} cannot be read: {error.strerror}; it must belong to the server's user"
        raise TenancySetupError(text) from None
    if mode & 0o077:  # P8
        raise TenancySetupError(f"{name} is open to others: chmod 0600 {path}")
    if len(octets) > MAX_FILE_OCTETS:
        raise TenancySetupError(f"{name} has more than {MAX_FILE_OCTETS} octets")
    return Secrets(_parsed(octets.decode("utf-8", "replace"), name))


def _parsed(text: str, name: str) -> dict[int, bytes]:
    keys: dict[int, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None or not 0 < int(found[1]) <= LAST_NUMBER:
            raise TenancySetupError(
                f"{name}:{number}: no key; write a number from 1 to {LAST_NUMBER} and 64 hexadecimal digits"
            )
        if int(found[1]) in keys:
            raise TenancySetupError(f"{name}:{number}: key {found[1]} is there twice")
        keys[int(found[1])] = bytes.fromhex(found[2])
    if not keys:
        raise TenancySetupError(f"{name} has no key; put back the file as it was")
    return keys


def _derived(key: bytes, purpose: bytes) -> bytes:
    """Return 64 octets that tell nothing of the key, nor of those of another purpose."""
    return HKDFExpand(SHA512(), 64, b"angarium tenancy " + purpose).derive(key)
