"""The signature of a call to SES. Of botocore only this signer is used (Signature Version 4); it does no I/O."""

from collections.abc import Mapping
from typing import Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SERVICE: Final = "ses"  # the signing name of API v2, too


def signed_headers(
    credentials: Credentials, region: str, method: str, url: str, body: bytes
) -> Mapping[str, str]:
    """Return the headers of a signed call. The signature has the time of now: Amazon takes it for some minutes."""
    request = AWSRequest(
        method=method, url=url, data=body, headers={"Content-Type": "application/json"}
    )
    SigV4Auth(credentials, SERVICE, region).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}
