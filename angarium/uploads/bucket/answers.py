"""What a bucket answers, as values: how large an object is, and what it says when it refuses. Pure."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Final
from urllib.parse import unquote_plus

import msgspec

# Of an answer that is no object: they have a few hundred octets
MAX_ANSWER_OCTETS: Final = 65_536
_SHOWN: Final = 200
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9]{1,100})</Code>")
_MESSAGE: Final = re.compile(r"<Message>([^<]{1,1000})</Message>")
_RANGE: Final = re.compile(r"bytes (?:[0-9]{1,15}-[0-9]{1,15}|\*)/([0-9]{1,15})")
_DENIED: Final = frozenset({401, 403})
# Of a list: a key has 1,024 octets at most, in a URL's writing three times as many
LISTED_AT_ONCE: Final = 500
MAX_LIST_OCTETS: Final = LISTED_AT_ONCE * 4096
_OBJECT: Final = re.compile(r"<Contents>(.*?)</Contents>", re.DOTALL)
_KEY: Final = re.compile(r"<Key>([^<]{1,4000})</Key>")
_SIZE: Final = re.compile(r"<Size>([0-9]{1,15})</Size>")
_MORE: Final = re.compile(r"<NextContinuationToken>([^<]{1,4000})</NextContinuationToken>")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An object that is there."""

    size: int
    etag: str  # another one whenever it is put again


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An object in a list."""

    key: str
    size: int


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    code: str  # of S3, as NoSuchKey; ""
    message: str

    @property
    def is_missing(self) -> bool:
        """The object, not the bucket."""
        return self.status == 404 and self.code in ("", "NoSuchKey")

    @property
    def is_passing(self) -> bool:
        """It may be otherwise in a moment."""
        return self.status >= 500 or self.status == 429 or self.code == "SlowDown"

    def text(self, act: str) -> str:
        """Say it to people: ``act`` is what was tried, as ``GET of KEY``."""
        said = ": ".join(each for each in (self.code, self.message) if each)
        told = f"{act} is answered with {self.status}{' ' if said else ''}{said}"
        if self.code in (
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId",
            "AuthorizationHeaderMalformed",
        ):
            return f"{told}: look at access_key_id, secret_key_file and region"
        if self.status in _DENIED:
            return (
                f"{told}: the key needs s3:ListBucket, and of objects s3:PutObject, s3:GetObject"
                " and s3:DeleteObject"
            )
        if self.code == "NoSuchBucket":
            return f"{told}: make it, or name another one"
        if self.code in ("PermanentRedirect", "TemporaryRedirect") or 300 <= self.status < 400:
            return f"{told}: look at region and endpoint_url"
        return told


def read_refused(status: int, body: bytes) -> Refused:
    text = body.decode("utf-8", "replace")
    code, message = _CODE.search(text), _MESSAGE.search(text)
    said = "" if message is None else message[1]
    shown = "".join(each if each.isprintable() else " " for each in said[:_SHOWN])
    return Refused(status=status, code="" if code is None else code[1], message=shown)


def read_stored(status: int, headers: Mapping[str, str]) -> Stored | None:
    """Read an answer to a GET of the first octet: 206, 416 of an empty one, or 200 of who knows no ranges."""
    etag = headers.get("ETag", "")
    if status == 200:
        length = headers.get("Content-Length", "")
        return (
            Stored(size=int(length), etag=etag) if length.isascii() and length.isdigit() else None
        )
    found = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if status == 416:
        return Stored(size=0 if found is None else int(found[1]), etag=etag)
    return None if status != 206 or found is None else Stored(size=int(found[1]), etag=etag)


def read_list(body: bytes) -> tuple[list[Listed], str] | None:
    """Read a part of a list whose keys are written as in URLs (encoding-type=url), and the token of the next part, ""
    where there is none. None: it is no list.
    """
    text = body.decode("utf-8", "replace")
    if "<ListBucketResult" not in text:
        return None
    found: list[Listed] = []
    for each in _OBJECT.findall(text):
        key, size = _KEY.search(each), _SIZE.search(each)
        if key is None or size is None:
            return None
        found.append(Listed(key=unquote_plus(unescape(key[1])), size=int(size[1])))
    more = _MORE.search(text)
    return found, "" if more is None else unescape(more[1])
