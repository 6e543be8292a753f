"""What ``[uploads]`` says of a bucket that files come to. Pure."""

import re
from collections.abc import Iterator
from typing import Final

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


def bucket_problems(uploads: Uploads) -> Iterator[Problem]:
    at: KeyPath = ("uploads",)
    if uploads.bucket is None:
        yield from _without_bucket(at, uploads)
        return
    if not _BUCKET.fullmatch(uploads.bucket) or ".." in uploads.bucket:
        text = f"{uploads.bucket!r} names no bucket; write 3 to 63 of a-z, 0-9, - and ."
        yield Problem((*at, "bucket"), text)
    if uploads.region is None:
        yield Problem((*at, "region"), "is needed with uploads.bucket; write one like eu-central-1")
    elif uploads.endpoint_url is None:
        yield from region_problems(at, uploads.region)
    elif not _ANY_REGION.fullmatch(uploads.region):
        text = f"{uploads.region!r} is no region; write what the endpoint calls its own"
        yield Problem((*at, "region"), text)
    if not _PREFIX.fullmatch(uploads.prefix):
        text = f"{uploads.prefix!r} must end in a slash, and have no other than A-Z a-z 0-9 . _ - /"
        yield Problem((*at, "prefix"), text)
    yield from endpoint_problems(at, uploads.endpoint_url, "files")
    yield from key_problems(at, uploads.access_key_id, uploads.secret_key_file)
    if uploads.url_s > MAX_URL_S:
        text = f"a URL of a bucket is good for {MAX_URL_S} s at most; lower it"
        yield Problem((*at, "url_s"), text)
    if uploads.file_octets > MAX_FILE_OCTETS:
        text = f"a bucket takes {MAX_FILE_OCTETS} octets in one request; lower it"
        yield Problem((*at, "file_octets"), text)


def _without_bucket(at: KeyPath, uploads: Uploads) -> Iterator[Problem]:
    for name in ("region", "endpoint_url", "prefix", "access_key_id", "secret_key_file"):
        if getattr(uploads, name):
            yield Problem((*at, name), "belongs to a bucket; name it in uploads.bucket")
