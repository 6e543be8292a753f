"""What a table says of a bucket of S3, or of what speaks as it does. Pure."""

import re
from collections.abc import Iterator
from typing import Final, Protocol

from angarium.config.aws import endpoint_problems, key_problems, region_problems
from angarium.config.error import KeyPath, Problem
from angarium.config.schema import Uploads

# Of S3: of a signed URL, and of one PUT
MAX_URL_S: Final = 604_800
MAX_FILE_OCTETS: Final = 5 * 1024**3
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# What needs no encoding anywhere
_PREFIX: Final = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/){0,8}")
# Others than Amazon name theirs as they like: "auto", "garage"
_ANY_REGION: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")


class BucketTable(Protocol):
    """What a table has that names a bucket."""

    @property
    def bucket(self) -> str | None: ...

    @property
    def region(self) -> str | None: ...

    @property
    def endpoint_url(self) -> str | None: ...

    @property
    def prefix(self) -> str: ...

    @property
    def access_key_id(self) -> str | None: ...

    @property
    def secret_key_file(self) -> str | None: ...


def upload_bucket_problems(uploads: Uploads) -> Iterator[Problem]:
    at: KeyPath = ("uploads",)
    yield from bucket_problems("uploads", uploads)
    if uploads.bucket is None:
        return
    if uploads.url_s > MAX_URL_S:
        text = f"a URL of a bucket is good for {MAX_URL_S} s at most; lower it"
        yield Problem((*at, "url_s"), text)
    if uploads.file_octets > MAX_FILE_OCTETS:
        text = f"a bucket takes {MAX_FILE_OCTETS} octets in one request; lower it"
        yield Problem((*at, "file_octets"), text)


def bucket_problems(table: str, named: BucketTable) -> Iterator[Problem]:
    at: KeyPath = (table,)
    if named.bucket is None:
        yield from _without_bucket(table, named)
        return
    if not _BUCKET.fullmatch(named.bucket) or ".." in named.bucket:
        text = f"{named.bucket!r} names no bucket; write 3 to 63 of a-z, 0-9, - and ."
        yield Problem((*at, "bucket"), text)
    if named.region is None:
        text = f"is needed with {table}.bucket; write one like eu-central-1"
        yield Problem((*at, "region"), text)
    elif named.endpoint_url is None:
        yield from region_problems(at, named.region)
    elif not _ANY_REGION.fullmatch(named.region):
        text = f"{named.region!r} is no region; write what the endpoint calls its own"
        yield Problem((*at, "region"), text)
    if not _PREFIX.fullmatch(named.prefix):
        text = f"{named.prefix!r} must end in a slash, and have no other than A-Z a-z 0-9 . _ - /"
        yield Problem((*at, "prefix"), text)
    yield from endpoint_problems(at, named.endpoint_url, "files")
    yield from key_problems(at, named.access_key_id, named.secret_key_file)


def _without_bucket(table: str, named: BucketTable) -> Iterator[Problem]:
    for name in ("region", "endpoint_url", "prefix", "access_key_id", "secret_key_file"):
        if getattr(named, name):
            yield Problem((table, name), f"belongs to a bucket; name it in {table}.bucket")
