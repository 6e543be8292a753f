"""The shell of a bucket: requests to it, each by a URL that is signed for it. It is the operator's, so nothing guards
where it is.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

import aiohttp
from botocore.credentials import Credentials
from yarl import URL

from angarium.config.bucket import BucketTable
from angarium.config.schema import Uploads
from angarium.host.aws_credentials import CredentialsError, read_credentials
from angarium.uploads.bucket.answers import (
    LISTED_AT_ONCE,
    MAX_ANSWER_OCTETS,
    MAX_LIST_OCTETS,
    Listed,
    Refused,
    Stored,
    read_list,
    read_refused,
    read_stored,
)
from angarium.uploads.bucket.place import OWN_S, Place, put_url, signed_url
from angarium.uploads.model import (
    BucketError,
    BucketObject,
    NotArrivedError,
    Upload,
    UploadBusyError,
)

CONNECT_S: Final = 5.0
# Between two pieces of an answer
PIECE_S: Final = 30.0
# Of a request that brings no object
ASK_S: Final = 15.0
_PIECE_OCTETS: Final = 1 << 20
_PROBE: Final = "angarium-probe"
_NONE: Final = "it comes by a bucket, and [uploads] names none any more: announce it again"
_NO_BUCKET: Final = "[{}] names no bucket"


class BucketAwayError(BucketError):
    """It is not reached, does not answer, or ends amid an object: in a moment it may be otherwise."""


class Bucket:
    """For one piece of work, in one event loop. All methods raise BucketError."""

    def __init__(self, place: Place, credentials: Credentials, piece_s: float = PIECE_S) -> None:
        self.place = place
        self.credentials: Final = credentials
        self._piece_s = piece_s
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            # A proxy of the environment is for the web
            trust_env=False,
            headers={"Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        await self._session.close()

    async def look(self, what: BucketObject) -> Stored:
        """Return what is there. Raises NotArrivedError, BucketError.

        By a GET, whose answer says why not: a HEAD has no body.
        """
        self._check(what)
        async with self._ask("GET", what.key, {"Range": "bytes=0-0"}) as response:
            stored = read_stored(response.status, response.headers)
            if stored is not None:
                return stored
            refused = await _refused(response)
        if refused.is_missing:
            raise NotArrivedError(f"nothing is in the bucket {what.bucket} at {what.key}")
        raise _error_of(refused, f"GET of {what.key}")

    async def read(
        self,
        what: BucketObject,
        etag: str,
        offset: int,
        take: Callable[[bytes], Awaitable[None]],
    ) -> None:
        """Have what is behind ``offset`` taken, piece by piece. Raises BucketAwayError: go on where it ended;
        UploadBusyError: there is another one meanwhile; and what ``take`` raises.
        """
        headers = {"Range": f"bytes={offset}-"} | ({"If-Match": etag} if etag else {})
        async with self._ask("GET", what.key, headers, limits=self._patient()) as response:
            if response.status == 412 or (response.status == 404 and offset):
                text = f"{what.key} was put again while it was fetched: ask again"
                raise UploadBusyError(text, offset)
            if response.status != 206 and not (response.status == 200 and offset == 0):
                raise _error_of(await _refused(response), f"GET of {what.key}")
            async for piece in response.content.iter_chunked(_PIECE_OCTETS):
                await take(piece)

    async def piece(self, what: BucketObject, offset: int, size: int) -> bytes:
        """Return so many octets (at least one) from an offset on. BucketAwayError, too, where there are fewer."""
        self._check(what)
        span = {"Range": f"bytes={offset}-{offset + size - 1}"}
        async with self._ask("GET", what.key, span, limits=self._patient()) as response:
            if response.status != 206 and not (response.status == 200 and offset == 0):
                raise _error_of(await _refused(response), f"GET of {what.key}")
            found = bytearray()
            async for each in response.content.iter_chunked(_PIECE_OCTETS):
                found += each
                if len(found) >= size:
                    return bytes(found[:size])
        raise BucketAwayError(f"GET of {what.key} ended after {len(found)} of {size} octets")

    async def objects(self) -> AsyncIterator[Listed]:
        """Yield all that is there behind our prefix, in the order of keys."""
        query = {
            "list-type": "2",
            "max-keys": str(LISTED_AT_ONCE),
            "encoding-type": "url",
            "prefix": self.place.prefix,
        }
        while True:
            async with self._ask("GET", "", {}, query=query) as response:
                if response.status != 200:
                    raise _error_of(await _refused(response), "GET of the list of keys")
                body = bytearray()
                async for each in response.content.iter_chunked(_PIECE_OCTETS):
                    body += each
                    if len(body) > MAX_LIST_OCTETS:
                        raise BucketError(f"{self.place.url} sends a list that has no end")
            part = read_list(bytes(body))
            if part is None:
                raise BucketError(f"what {self.place.url} sends for a list of keys is none")
            for listed in part[0]:
                yield listed
            if not part[1]:
                return
            query["continuation-token"] = part[1]

    async def remove(self, what: BucketObject) -> None:
        """It is not there when this returns."""
        self._check(what)
        await self._do("DELETE", what.key, b"", (200, 204, 404))

    async def put(self, key: str, path: Path) -> None:
        """Put a file of ours there, whatever was there before. It is there when this returns. Raises OSError, too."""
        with await asyncio.to_thread(path.open, "rb") as file:
            async with self._ask("PUT", key, {}, body=file, limits=self._patient()) as response:
                if response.status in (200, 201, 204):
                    return
                refused = await _refused(response)
        raise _error_of(refused, f"PUT of {key}")

    async def probe(self) -> None:
        """See whether all can be done that is needed: an object of ours is put, read and removed."""
        probe = BucketObject(bucket=self.place.bucket, key=f"{self.place.prefix}{_PROBE}")
        query = {"list-type": "2", "max-keys": "1", "prefix": self.place.prefix}
        await self._do("GET", "", b"", (200,), query)
        await self._do("PUT", probe.key, b"probe", (200,))
        try:
            found = await self.look(probe)
        except NotArrivedError as error:
            raise BucketError(f"{error.reason}, right after it was put there") from None
        finally:
            await self.remove(probe)
        if found.size != len(b"probe"):
            raise BucketError(f"GET of {probe.key} shows {found.size} octets, and 5 were put")

    async def _do(
        self,
        method: str,
        key: str,
        body: bytes,
        wanted: tuple[int, ...],
        query: Mapping[str, str] | None = None,
    ) -> None:
        async with self._ask(method, key, {}, body=body, query=query) as response:
            if response.status in wanted:
                return
            refused = await _refused(response)
        raise _error_of(refused, f"{method} of {key or 'the list of keys'}")

    @asynccontextmanager
    async def _ask(
        self,
        method: str,
        key: str,
        headers: Mapping[str, str],
        *,
        body: bytes | BinaryIO = b"",
        query: Mapping[str, str] | None = None,
        limits: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = signed_url(self.place, self.credentials, method, key, OWN_S, query=query)
        within = limits or aiohttp.ClientTimeout(total=ASK_S, sock_connect=CONNECT_S)
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                data=body or None,
                headers=headers,
                allow_redirects=False,
                timeout=within,
            ) as response:
                yield response
        except TimeoutError:
            text = f"{self.place.url} does not answer in time ({method})"
            raise BucketAwayError(text) from None
        except (aiohttp.ClientError, ssl.SSLError, ConnectionError) as error:
            text = f"{self.place.url} cannot be reached: {_reason(error)}"
            raise BucketAwayError(text) from error

    def _check(self, what: BucketObject) -> None:
        _check_bucket(self.place, what)

    def _patient(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=self._piece_s)


@asynccontextmanager
async def open_bucket(uploads: Uploads) -> AsyncIterator[Bucket]:
    """Raises BucketError: none is configured (any more), or its keys cannot be read."""
    if Place.of(uploads) is None:
        raise BucketError(_NONE)
    async with open_bucket_of("uploads", uploads) as bucket:
        yield bucket


@asynccontextmanager
async def open_bucket_of(table: str, named: BucketTable) -> AsyncIterator[Bucket]:
    """Open the bucket that a table of the configuration names. Raises as ``open_bucket``."""
    place = Place.of(named)
    if place is None:
        raise BucketError(_NO_BUCKET.format(table))
    bucket = Bucket(place, await asyncio.to_thread(keys_of, table, named))
    try:
        yield bucket
    finally:
        await bucket.close()


def put_url_of(uploads: Uploads, upload: Upload) -> str:
    """Return where the file of an upload goes. Blocks on a file. Raises BucketError."""
    assert upload.object is not None
    place = _place_of(uploads, upload.object)
    return put_url(place, keys_of("uploads", uploads), upload, int(uploads.url_s))


def keys_of(table: str, named: BucketTable) -> Credentials:
    """Blocks on a file. Raises BucketError."""
    try:
        return read_credentials(table, named.access_key_id, named.secret_key_file)
    except CredentialsError as error:
        raise BucketError(str(error)) from error


def _place_of(uploads: Uploads, what: BucketObject) -> Place:
    place = Place.of(uploads)
    if place is None:
        raise BucketError(_NONE)
    _check_bucket(place, what)
    return place


def _check_bucket(place: Place, what: BucketObject) -> None:
    if what.bucket != place.bucket:
        raise BucketError(f"it comes by the bucket {what.bucket}, and {place.bucket} is used now")


def _error_of(refused: Refused, act: str) -> BucketError:
    kind = BucketAwayError if refused.is_passing else BucketError
    return kind(refused.text(act))


async def _refused(response: aiohttp.ClientResponse) -> Refused:
    return read_refused(response.status, await response.content.read(MAX_ANSWER_OCTETS))


def _reason(error: BaseException) -> str:
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
