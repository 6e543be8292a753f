"""The file of the keys that references to sent mail are signed by (``[feedback] key_file``).

One key per line, ``<number> <64 hexadecimal digits>``, the newest last: it mints, all verify. Lines that begin with #
are remarks. Blocks on disk.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from angarium.host.directory import Directory
from angarium.host.identity import Identity

KEY_OCTETS: Final = 32
LAST_NUMBER: Final = 127
# Ours: all keys that there can be, with remarks
_MAX_FILE_OCTETS: Final = 65_536
_LINE: Final = re.compile(r"([0-9]{1,3})[ \t]+([0-9a-fA-F]{64})")
_HEAD: Final = (
    "# Keys of Angarium's references to sent mail: who has one can have addresses suppressed.\n"
    "# To rotate: append a line with the next number and `openssl rand -hex 32`, reload, and\n"
    "# delete the old line when feedback.token_days are over.\n"
)


class ReferenceKeyError(Exception):
    """The file cannot be used; the text names it and says what to do."""


def make_key_file(
    path: Path, identity: Identity | None, random_octets: Callable[[int], bytes] = os.urandom
) -> bool:
    """Make the file with one key where there is none, and hand it to the identity; whether it was made.

    On disk when it returns. Follows no link in its place (L1). Raises ReferenceKeyError.
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
                os.pwrite(fd, f"{_HEAD}1 {random_octets(KEY_OCTETS).hex()}\n".encode(), 0)
                os.fsync(fd)
                os.fsync(directory.fd)
            finally:
                os.close(fd)
    except OSError as error:
        text = f"feedback.key_file: {path} cannot be made: {error.strerror}"
        raise ReferenceKeyError(text) from None
    return True


def read_keys(path: Path) -> dict[int, bytes]:
    """Return the keys by their numbers, the newest last. Raises ReferenceKeyError."""
    name = f"feedback.key_file: {path}"
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(_MAX_FILE_OCTETS + 1)
    except FileNotFoundError:
        raise ReferenceKeyError(
            f"{name} is not there: the server makes it when it starts; restart it, or put it back"
        ) from None
    except OSError as error:
        text = f"{name} cannot be read: {error.strerror}; it must belong to the server's user"
        raise ReferenceKeyError(text) from None
    if mode & 0o077:
        raise ReferenceKeyError(f"{name} is open to others: chmod 0600 {path}")
    if len(octets) > _MAX_FILE_OCTETS:
        raise ReferenceKeyError(f"{name} has more than {_MAX_FILE_OCTETS} octets")
    return _parsed(octets.decode("utf-8", "replace"), name)


def _parsed(text: str, name: str) -> dict[int, bytes]:
    keys: dict[int, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None or not 0 < int(found[1]) <= LAST_NUMBER:
            raise ReferenceKeyError(
                f"{name}:{number}: no key; write a number from 1 to {LAST_NUMBER} and"
                " 64 hexadecimal digits"
            )
        if int(found[1]) in keys:
            raise ReferenceKeyError(f"{name}:{number}: key {found[1]} is there twice")
        keys[int(found[1])] = bytes.fromhex(found[2])
    if not keys:
        raise ReferenceKeyError(f"{name} has no key; delete it, and restart the server")
    return keys
