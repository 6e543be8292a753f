"""Reads a provider's key file: only its owner may read it (P8), and it is read anew each time."""

import os
import stat
from pathlib import Path
from typing import Final

from angarium.receiver_reports.oauth import CredentialError, Credentials, read_credentials

_MAX_OCTETS: Final = 65_536


def read_key_file(path: Path) -> Credentials:
    """Raises CredentialError that names the file."""
    try:
        with open(path, "rb", opener=_opener) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise CredentialError(f"{path}: it is no file")
            if status.st_mode & 0o077:
                mode = stat.filemode(status.st_mode)
                raise CredentialError(f"{path}: others may read it (mode {mode}): chmod 0600")
            octets = file.read(_MAX_OCTETS)
    except OSError as error:
        raise CredentialError(f"{path}: {error.strerror or error}") from None
    try:
        return read_credentials(octets)
    except CredentialError as error:
        raise CredentialError(f"{path}: {error}") from None


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
