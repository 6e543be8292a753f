"""Files of secret keys: one per line, ``<number> <64 hexadecimal digits>``, the newest last; # begins a remark.

Made by a server's start, mode 0600, and rotated by appending a line. Blocks on disk.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from angarium.host.directory import Directory
from angarium.host.identity import Identity

KEY_OCTETS: Final = 32
LAST_NUMBER: Final = 127
# Ours: all keys that there can be, with remarks
_MAX_FILE_OCTETS: Final = 65_536
_LINE: Final = re.compile(r"([0-9]{1,3})[ \t]+([0-9a-fA-F]{64})")


class NumberedKeyFile(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of such files. What is wrong is raised as its ``error``, which names the file and says what to do."""

    setting: str  # of the configuration: where the file is
    head: str  # remarks that a new file begins with
    when_missing: str  # what to do
    when_empty: str  # likewise
    error: type[Exception]

    def make(
        self,
        path: Path,
        identity: Identity | None,
        random_octets: Callable[[int], bytes] = os.urandom,
    ) -> bool:
        """Make the file with one key where there is none, and hand it to the identity; whether it was made.

        On disk when it returns. Follows no link in its place (L1).
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
                    os.pwrite(fd, f"{self.head}1 {random_octets(KEY_OCTETS).hex()}\n".encode(), 0)
                    os.fsync(fd)
                    os.fsync(directory.fd)
                finally:
                    os.close(fd)
        except OSError as error:
            raise self.error(f"{self.setting}: {path} cannot be made: {error.strerror}") from None
        return True

    def read(self, path: Path) -> dict[int, bytes]:
        """Return the keys by their numbers, the newest last; at least one. Refuses what others may read (P8)."""
        name = f"{self.setting}: {path}"
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                octets = file.read(_MAX_FILE_OCTETS + 1)
        except FileNotFoundError:
            raise self.error(f"{name} is not there: {self.when_missing}") from None
        except OSError as error:
            text = f"{name} cannot be read: {error.strerror}; it must belong to the server's user"
            raise self.error(text) from None
        if mode & 0o077:
            raise self.error(f"{name} is open to others: chmod 0600 {path}")
        if len(octets) > _MAX_FILE_OCTETS:
            raise self.error(f"{name} has more than {_MAX_FILE_OCTETS} octets")
        return self._parsed(octets.decode("utf-8", "replace"), name)

    def _parsed(self, text: str, name: str) -> dict[int, bytes]:
        keys: dict[int, bytes] = {}
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            found = _LINE.fullmatch(line)
            if found is None or not 0 < int(found[1]) <= LAST_NUMBER:
                raise self.error(
                    f"{name}:{number}: no key; write a number from 1 to {LAST_NUMBER} and"
                    " 64 hexadecimal digits"
                )
            if int(found[1]) in keys:
                raise self.error(f"{name}:{number}: key {found[1]} is there twice")
            keys[int(found[1])] = bytes.fromhex(found[2])
        if not keys:
            raise self.error(f"{name} has no key; {self.when_empty}")
        return keys
