"""/v1/uploads/{id}/content: where a file is put, by its signed URL: at once, or piece by piece.

PUT takes all of it, or with Content-Range or Upload-Offset what is missing; HEAD and GET tell how much is there, and
PATCH continues, as in tus 1.0. What came before a connection broke stays.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from angarium.api.dialect import Body, Route
from angarium.api.load import LOAD
from angarium.api.native.answers import fault_response, json_response
from angarium.api.native.premises import Premises
from angarium.api.native.upload_wire import (
    SignedAsked,
    UploadShown,
    fault_of_upload,
    upload_shown,
)
from angarium.api.native.uploads import CONTENT, TUS, check_tus, read_count, run
from angarium.api.native.wire import in_path, invalid
from angarium.api.reading import LIMITS, PROGRESS, ReadingLimits
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.uploads import (
    Upload,
    UploadBusyError,
    UploadError,
    UploadMissingError,
    UploadStore,
    Writing,
)
from angarium.uploads.signed_url import UrlSigner

# In memory of each request, and written at once
PIECE_OCTETS: Final = 1 << 20
_TUS_TYPE: Final = "application/offset+octet-stream"
_RANGE: Final = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15}|\*)")
_USUAL: Final = ReadingLimits()


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which octets of the file a body has."""

    start: int
    length: int | None  # None: the request does not say it


class UploadContent:
    def __init__(self, premises: Premises, store: UploadStore, signer: UrlSigner) -> None:
        self._premises = premises
        self._store = store
        self._signer = signer

    def routes(self) -> Sequence[Route]:
        octets = Body(media_type="application/octet-stream", words="The file, or the rest of it.")
        return (
            Route(
                method="PUT",
                path=CONTENT,
                handler=self.put,
                summary="Put a file that was announced; with Content-Range or Upload-Offset, what is missing of it.",
                is_open=True,
                query=SignedAsked,
                request=octets,
                answers={200: UploadShown, 202: UploadShown},
            ),
            Route(
                method="PATCH",
                path=CONTENT,
                handler=self.patch,
                summary="Continue a file at Upload-Offset (tus 1.0).",
                is_open=True,
                query=SignedAsked,
                request=Body(media_type=_TUS_TYPE, words="What follows at Upload-Offset."),
                answers={204: None},
            ),
            Route(
                method="GET",
                path=CONTENT,
                handler=self.show,
                summary="Say how much of a file is there; HEAD says it in Upload-Offset (tus 1.0).",
                is_open=True,
                query=SignedAsked,
                answers={200: UploadShown},
            ),
        )

    async def show(self, request: web.Request) -> web.Response:
        upload = await self._opened(request)
        if upload.offset == upload.size and not upload.is_complete:
            upload = await run(lambda: self._complete(upload))
        return _answer(upload, json_response(upload_shown(upload)))

    async def put(self, request: web.Request) -> web.Response:
        upload = await self._opened(request)
        span = _read_span(request, upload)
        return await self._take(request, upload, span, is_whole=_is_whole(request))

    async def patch(self, request: web.Request) -> web.Response:
        upload = await self._opened(request)
        if request.content_type != _TUS_TYPE:
            text = f"Content-Type is {request.content_type[:80]}: send {_TUS_TYPE}"
            raise invalid("Content-Type", text, FaultKind.MEDIA_TYPE)
        read_count(request, "Upload-Offset")
        response = await self._take(request, upload, _read_span(request, upload), is_whole=False)
        if response.status >= 300:
            return response
        told = {name: response.headers[name] for name in ("Upload-Length", "Upload-Offset")}
        return web.Response(status=204, headers={**TUS, **told})

    async def _opened(self, request: web.Request) -> Upload:
        """Return what the URL is of. Raises FaultError."""
        check_tus(request)
        upload_id = in_path(request, "id")
        problem = self._signer.find_problem(upload_id, request.query, self._premises.clock())
        if problem is not None:
            raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=problem))
        tenant = request.query["tenant"]
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding != "identity":
            text = f"Content-Encoding is {encoding[:40]!a}: send the file as it is"
            raise invalid("Content-Encoding", text, FaultKind.MEDIA_TYPE)
        found = await run(lambda: self._store.find(tenant, upload_id))
        if found is None:
            text = f"There is no upload {upload_id[:40]!a}"
            raise FaultError(fault_of_upload(UploadMissingError(text)))
        return found

    async def _take(
        self, request: web.Request, upload: Upload, span: Span, *, is_whole: bool
    ) -> web.Response:
        """``is_whole``: the body is the file, and takes the place of what is there of it."""
        try:
            writing = await run(lambda: self._store.open(upload.tenant, upload.id))
        except FaultError as error:
            if isinstance(error.__cause__, UploadBusyError):
                return _conflict(error.fault, error.__cause__.offset)
            raise
        try:
            if is_whole:
                await run(writing.restart)
            elif span.start != writing.offset:
                text = f"{writing.offset} octets are there: continue at that, not at {span.start}"
                fault = Fault(kind=FaultKind.CONFLICT, message=text, field="Upload-Offset")
                return _conflict(fault, writing.offset)
            await self._receive(request, writing)
            if writing.offset == writing.size:
                await run(writing.finish)
            elif is_whole:
                text = f"size: there came {writing.offset} of {writing.size} octets: continue there"
                fault = Fault(kind=FaultKind.INVALID, message=text, field="size")
                return _with_offset(fault_response(fault), writing.offset)
        finally:
            # Also when the request was broken off: what came is to stay, and the lock to go
            await asyncio.shield(asyncio.to_thread(writing.close))
        found = await run(lambda: self._store.find(upload.tenant, upload.id))
        shown = upload if found is None else found
        status = 200 if shown.is_complete else 202
        return _answer(shown, json_response(upload_shown(shown), status))

    async def _receive(self, request: web.Request, writing: Writing) -> None:
        """Write the body as it comes. Raises FaultError; what came before it is written."""
        pause_s = request.app.get(LIMITS, _USUAL).body_s
        load = request.app.get(LOAD)
        if load is not None:
            load.read(request, PIECE_OCTETS)
        progress = request.app.get(PROGRESS)
        ended = False
        while not ended:
            pieces: list[bytes] = []
            room = PIECE_OCTETS
            try:
                async with asyncio.timeout(pause_s):
                    while room > 0:
                        piece = await request.content.readany()
                        if not piece:
                            ended = True
                            break
                        pieces.append(piece)
                        room -= len(piece)
            except TimeoutError:
                text = f"Too little came within {pause_s:g} s; what came stays: continue there"
                raise invalid("body", text, FaultKind.MALFORMED) from None
            finally:
                if pieces:
                    octets = b"".join(pieces)
                    await asyncio.shield(run(lambda octets=octets: writing.write(octets)))  # type: ignore[misc]
            if progress is not None:
                progress(request)

    def _complete(self, upload: Upload) -> Upload:
        """Finish what was killed before it was: all of it is there. As it is, if somebody does so already."""
        try:
            with self._store.open(upload.tenant, upload.id) as writing:
                if writing.offset == writing.size:
                    writing.finish()
        except UploadBusyError:
            pass
        except UploadError as error:
            if error.field:
                raise
        return self._store.find(upload.tenant, upload.id) or upload


def _read_span(request: web.Request, upload: Upload) -> Span:
    """Return which octets the request says that it has. Raises FaultError: they do not fit the file."""
    length = request.content_length
    start = 0
    if "Upload-Offset" in request.headers:
        start = read_count(request, "Upload-Offset")
    elif "Content-Range" in request.headers:
        start, length = _read_range(request, upload)
    if _is_whole(request) and length is not None and length != upload.size:
        text = f"size: {upload.size} octets were announced, and the body has {length}"
        raise invalid("size", text)
    if length is not None and start + length > upload.size:
        text = (
            f"size: {upload.size} octets were announced, and with this there are {start + length}"
        )
        raise invalid("size", text, FaultKind.TOO_LARGE)
    return Span(start=start, length=length)


def _is_whole(request: web.Request) -> bool:
    return "Upload-Offset" not in request.headers and "Content-Range" not in request.headers


def _read_range(request: web.Request, upload: Upload) -> tuple[int, int]:
    field = "Content-Range"
    found = _RANGE.fullmatch(request.headers[field].strip())
    if found is None or int(found[2]) < int(found[1]):
        raise invalid(field, f"{field}: write it like bytes 1000-1999/{upload.size}")
    start, length = int(found[1]), int(found[2]) - int(found[1]) + 1
    if found[3] not in ("*", str(upload.size)):
        raise invalid(field, f"{field}: the file has {upload.size} octets, not {found[3]}")
    if request.content_length not in (None, length):
        raise invalid(field, f"{field}: has {length} octets, and the body {request.content_length}")
    return start, length


def _conflict(fault: Fault, offset: int) -> web.Response:
    return _with_offset(fault_response(fault), offset)


def _with_offset(response: web.Response, offset: int) -> web.Response:
    response.headers.update(TUS)
    response.headers["Upload-Offset"] = str(offset)
    return response


def _answer(upload: Upload, response: web.Response) -> web.Response:
    response.headers["Upload-Length"] = str(upload.size)
    return _with_offset(response, upload.offset)
