"""Whose calls they are: the keys of the account, from a file or the environment, and the signature made with them.

Of botocore only this signer is used (Signature Version 4); it does no I/O.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from angarium.config.schema import Ses
from angarium.mta.transport.peer import os_reason

SERVICE: Final = "ses"  # the signing name of API v2, too
MAX_SECRET_OCTETS: Final = 1024  # ours; longer is not a key but the wrong file


class CredentialsError(Exception):
    """The account's keys cannot be read. Its text names no paths and quotes nothing: senders are told of it."""


def read_credentials(ses: Ses) -> Credentials:
    """Blocks on the file. Read at each connection: keys may be renewed under us. Raises CredentialsError."""
    if ses.access_key_id is not None and ses.secret_key_file is not None:
        return Credentials(ses.access_key_id, _read_secret(Path(ses.secret_key_file)))
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        raise CredentialsError(
            "[ses] gives no access_key_id and secret_key_file, and the server's environment has no"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return Credentials(key, secret, os.environ.get("AWS_SESSION_TOKEN") or None)


def _read_secret(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_SECRET_OCTETS + 1)
        secret = octets.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "not ASCII"
        raise CredentialsError(f"ses.secret_key_file: {reason}") from error
    if not secret or not secret.isprintable() or len(octets) > MAX_SECRET_OCTETS:
        raise CredentialsError("ses.secret_key_file is empty, too long, or has control characters")
    return secret


def signed_headers(
    credentials: Credentials, region: str, method: str, url: str, body: bytes
) -> Mapping[str, str]:
    """Return the headers of a signed call. The signature has the time of now: Amazon takes it for some minutes."""
    request = AWSRequest(
        method=method, url=url, data=body, headers={"Content-Type": "application/json"}
    )
    SigV4Auth(credentials, SERVICE, region).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}
