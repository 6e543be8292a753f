"""Where a bucket is, and URLs for what is in it, signed by Signature Version 4 for a while. Pure, but that botocore's
signer asks the clock.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from angarium.config.aws import suffix_of
from angarium.config.bucket import BucketTable
from angarium.uploads.model import Upload

SERVICE: Final = "s3"
# Of our own requests: they are sent at once
OWN_S: Final = 300
_BEHIND_PREFIX: Final = re.compile(
    r"([a-z0-9-]{1,63})/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    bucket: str
    region: str
    url: str  # of the bucket, without a slash at its end
    prefix: str  # of our keys

    @classmethod
    def of(cls, named: BucketTable) -> "Place | None":
        """None: the table names no bucket."""
        if named.bucket is None or named.region is None:
            return None
        name, region = named.bucket, named.region
        if named.endpoint_url is not None:
            url = f"{named.endpoint_url.rstrip('/')}/{name}"
        elif "." in name:
            # Amazon's certificates are good for one label before s3
            url = f"https://s3.{region}.{suffix_of(region)}/{name}"
        else:
            url = f"https://{name}.s3.{region}.{suffix_of(region)}"
        return cls(bucket=name, region=region, url=url, prefix=named.prefix)

    def find_upload(self, url: str, tenant: str) -> str:
        """Return the id of the tenant's upload that a URL is of; "": it is none of ours."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return ""
        base = f"{self.url}/{self.prefix}"
        path = f"{parts.scheme}://{parts.netloc}{parts.path}"
        found = _BEHIND_PREFIX.fullmatch(path.removeprefix(base)) if path.startswith(base) else None
        return found[2] if found is not None and found[1] == tenant else ""


def signed_url(
    place: Place,
    credentials: Credentials,
    method: str,
    key: str,
    expires_s: int,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> str:
    """Return the URL of an object, or with the key "" of the bucket; good for requests with these headers only."""
    url = f"{place.url}/{key}"
    if query:
        url = f"{url}?{urlencode(query)}"
    request = AWSRequest(method=method, url=url, headers=dict(headers or {}))
    S3SigV4QueryAuth(credentials, SERVICE, place.region, expires=expires_s).add_auth(request)
    return str(request.url)


def put_url(place: Place, credentials: Credentials, upload: Upload, expires_s: int) -> str:
    """Return where the file of an upload goes. A request with a body of another size is refused by the bucket (S3)."""
    assert upload.object is not None
    length = {"Content-Length": str(upload.size)}
    return signed_url(place, credentials, "PUT", upload.object.key, expires_s, headers=length)
