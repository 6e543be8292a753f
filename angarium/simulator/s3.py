"""A stand-in for Amazon S3: one bucket that takes requests by signed URLs, as far as uploads need it, with faults.

Start with ``S3Stub.start``. It reckons signatures by the specification of Signature Version 4, with nothing of ours and
of botocore's. Bound to loopback; for tests and for trying things out.
"""

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from aiohttp import web

MAX_OCTETS: Final = 64 * 1024 * 1024
_RANGE: Final = re.compile(r"bytes=([0-9]+)-([0-9]*)")
_STATUS: Final = {
    "AccessDenied": 403,
    "SignatureDoesNotMatch": 403,
    "InvalidAccessKeyId": 403,
    "AuthorizationQueryParametersError": 400,
    "NoSuchKey": 404,
    "NoSuchBucket": 404,
    "PreconditionFailed": 412,
    "SlowDown": 503,
    "InternalError": 500,
}


class _RefusedError(Exception):
    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or code


class S3Stub:
    def __init__(
        self,
        bucket: str = "files",
        *,
        region: str = "eu-central-1",
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """``keys``: secrets by access key."""
        self.bucket = bucket
        self.region = region
        self.keys = dict(keys or {"AKIASTUB": "secret"})
        self.objects: dict[str, bytes] = {}
        self.listed_at_once = 1000
        self.may_list = True  # else what is not there is AccessDenied, as with Amazon
        # What the next requests meet: a code of S3; "cut N": the answer ends after so many octets
        self.faults: deque[str] = deque()
        self.requests: list[tuple[str, str, str]] = []  # method, key, Range
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        application = web.Application(client_max_size=MAX_OCTETS)
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except _RefusedError as refused:
            text = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f"<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
            )
            status = _STATUS.get(refused.code, 400)
            return web.Response(status=status, text=text, content_type="application/xml")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        bucket, _, key = unquote(request.rel_url.raw_path)[1:].partition("/")
        self.requests.append((request.method, key, request.headers.get("Range", "")))
        fault = self.faults.popleft() if self.faults else ""
        if fault and not fault.startswith("cut "):
            raise _RefusedError(fault, f"as the stub was told: {fault}")
        self._check_signature(request)
        if bucket != self.bucket:
            raise _RefusedError("NoSuchBucket", "The specified bucket does not exist")
        if request.method == "GET" and not key:
            return self._list(request.query)
        if request.method == "GET":
            return await self._get(request, key, int(fault[4:]) if fault else None)
        if request.method == "PUT" and key:
            self.objects[key] = await request.read()
            return web.Response(headers={"ETag": _etag(self.objects[key])})
        if request.method == "DELETE" and key:
            self.objects.pop(key, None)
            return web.Response(status=204)
        raise _RefusedError("MethodNotAllowed")

    def _list(self, query: Mapping[str, str]) -> web.Response:
        """ListObjectsV2, with keys as in URLs."""
        if not self.may_list:
            raise _RefusedError("AccessDenied", "Access Denied")
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        keys = sorted(each for each in self.objects if each.startswith(prefix) and each > after)
        shown = keys[: min(int(query.get("max-keys", "1000")), self.listed_at_once)]
        found = "".join(
            f"<Contents><Key>{escape(quote(each))}</Key><Size>{len(self.objects[each])}</Size></Contents>"
            for each in shown
        )
        more = len(shown) < len(keys)
        token = (
            f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        )
        text = (
            f"<ListBucketResult><Name>{self.bucket}</Name><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{found}{token}</ListBucketResult>"
        )
        return web.Response(text=text, content_type="application/xml")

    async def _get(self, request: web.Request, key: str, cut: int | None) -> web.StreamResponse:
        octets = self.objects.get(key)
        if octets is None:
            if not self.may_list:
                raise _RefusedError("AccessDenied", "Access Denied")
            raise _RefusedError("NoSuchKey", "The specified key does not exist.")
        headers = {"ETag": _etag(octets), "Content-Type": "binary/octet-stream"}
        if request.headers.get("If-Match", headers["ETag"]) != headers["ETag"]:
            raise _RefusedError("PreconditionFailed", "At least one of the pre-conditions failed")
        status, size = 200, len(octets)
        if (span := _RANGE.fullmatch(request.headers.get("Range", ""))) is not None:
            first, last = int(span[1]), int(span[2] or size - 1)
            if first >= size:
                return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
            status, octets = 206, octets[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{first + len(octets) - 1}/{size}"
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(octets)
        await response.prepare(request)
        await response.write(octets[:cut])
        if cut is not None and cut < len(octets):
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write_eof()
        return response

    def _check_signature(self, request: web.Request) -> None:
        """Section "Authenticating Requests: Using Query Parameters" of S3's reference. Raises _RefusedError."""
        _, _, query = request.raw_path.partition("?")
        said = dict(_pair(each) for each in query.split("&") if each)
        credential = said.get("X-Amz-Credential", "").split("/")
        if said.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" or len(credential) != 5:
            raise _RefusedError("AccessDenied", "Access Denied")
        access_key, day, region, service, end = credential
        secret = self.keys.get(access_key)
        if secret is None:
            raise _RefusedError("InvalidAccessKeyId", "The AWS Access Key Id does not exist")
        date, expires = said.get("X-Amz-Date", ""), int(said.get("X-Amz-Expires", "0"))
        scope = f"{date[:8]}/{self.region}/s3/aws4_request"
        if (day, region, service, end) != tuple(scope.split("/")) or not 1 <= expires <= 604_800:
            raise _RefusedError("AuthorizationQueryParametersError", f"expecting {scope}")
        begun = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if not -900 <= (datetime.now(UTC) - begun).total_seconds() < expires:
            raise _RefusedError("AccessDenied", "Request has expired")
        canonical = _canonical(request, query, said.get("X-Amz-SignedHeaders", ""))
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}"
        key = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        wanted = hmac.digest(key, to_sign.encode(), "sha256").hex()
        if not hmac.compare_digest(wanted, said.get("X-Amz-Signature", "")):
            text = "The request signature we calculated does not match the signature you provided."
            raise _RefusedError("SignatureDoesNotMatch", text)


def _canonical(request: web.Request, query: str, signed: str) -> str:
    pairs = [_pair(each) for each in query.split("&") if each]
    kept = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in pairs
        if name != "X-Amz-Signature"
    )
    names = signed.split(";")
    if "host" not in names:
        raise _RefusedError("AuthorizationQueryParametersError", "host must be signed")
    fields = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names
    )
    path = quote(unquote(request.raw_path.partition("?")[0]), safe="/-_.~")
    parameters = "&".join(f"{name}={value}" for name, value in kept)
    return f"{request.method}\n{path}\n{parameters}\n{fields}\n{signed}\nUNSIGNED-PAYLOAD"


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return unquote(name), unquote(value)


def _etag(octets: bytes) -> str:
    return f'"{hashlib.md5(octets, usedforsecurity=False).hexdigest()}"'
