"""The keys of an account of Amazon, or of what speaks as it does: from a file that the operator names, or the
environment.
"""

import os
from pathlib import Path
from typing import Final

from botocore.credentials import Credentials

MAX_SECRET_OCTETS: Final = 1024  # ours; longer is not a key but the wrong file


class CredentialsError(Exception):
    """The account's keys cannot be read. Its text names no paths and quotes nothing: senders are told of it."""


def read_credentials(
    table: str, access_key_id: str | None, secret_key_file: str | None
) -> Credentials:
    """Blocks on the file. Read whenever they are needed: keys may be renewed under us. Raises CredentialsError.

    ``table``: of the configuration, that gives them.
    """
    if access_key_id is not None and secret_key_file is not None:
        return Credentials(access_key_id, _read_secret(table, Path(secret_key_file)))
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        raise CredentialsError(
            f"[{table}] gives no access_key_id and secret_key_file, and the server's environment has no"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return Credentials(key, secret, os.environ.get("AWS_SESSION_TOKEN") or None)


def _read_secret(table: str, path: Path) -> str:
    name = f"{table}.secret_key_file"
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_SECRET_OCTETS + 1)
        secret = octets.decode("ascii").strip()
    except OSError as error:
        raise CredentialsError(f"{name}: {error.strerror or type(error).__name__}") from error
    except UnicodeDecodeError as error:
        raise CredentialsError(f"{name}: not ASCII") from error
    if not secret or not secret.isprintable() or len(octets) > MAX_SECRET_OCTETS:
        raise CredentialsError(f"{name} is empty, too long, or has control characters")
    return secret
