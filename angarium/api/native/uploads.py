"""/v1/uploads: files are announced, looked at and removed. They come by URLs of their own (``upload_content``).

Announcing speaks the creation of tus 1.0, too: its clients send headers where ours send JSON.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.upload_bringing import UploadBringing
from angarium.api.native.upload_wire import (
    OneUploadAsked,
    PreviewAsked,
    UploadAsked,
    UploadList,
    UploadMade,
    UploadRemoved,
    UploadsAsked,
    UploadState,
    fault_of_upload,
    place_of,
    preview_of,
    upload_shown,
)
from angarium.api.native.wire import (
    cursor_of,
    in_path,
    invalid,
    read_query,
    read_text_cursor,
    time_text,
)
from angarium.api.reading import read_json
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.tables import Examined, TableError, Wish, examine
from angarium.uploads import (
    NewUpload,
    Upload,
    UploadError,
    UploadLimits,
    UploadMissingError,
    UploadStore,
)
from angarium.uploads.bucket.client import put_url_of
from angarium.uploads.signed_url import UrlSigner

PATH: Final = "/v1/uploads"
ONE: Final = f"{PATH}/{{id}}"
CONTENT: Final = f"{ONE}/content"
TUS_VERSION: Final = "1.0.0"
TUS: Final[Mapping[str, str]] = {"Tus-Resumable": TUS_VERSION}
T = TypeVar("T")


class UploadResource:
    def __init__(
        self,
        premises: Premises,
        store: UploadStore,
        signer: UrlSigner,
        bringing: UploadBringing,
    ) -> None:
        self._premises = premises
        self._store = store
        self._signer = signer
        self._bringing = bringing

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path=PATH,
                handler=self.create,
                summary="Announce a file, and get a URL to put it to; it may be continued where it broke off.",
                scope="campaigns:write",
                request=UploadAsked,
                answers={201: UploadMade},
            ),
            Route(
                method="GET",
                path=PATH,
                handler=self.page,
                summary="List the uploads.",
                scope="campaigns:read",
                query=UploadsAsked,
                answers={200: UploadList},
            ),
            Route(
                method="GET",
                path=ONE,
                handler=self.show,
                summary="Show an upload: how much of it is there, and once it is complete its first rows as a table.",
                scope="campaigns:read",
                query=PreviewAsked,
                answers={200: UploadState},
            ),
            Route(
                method="DELETE",
                path=ONE,
                handler=self.remove,
                summary="Remove an upload.",
                scope="campaigns:write",
                query=OneUploadAsked,
                answers={200: UploadRemoved},
            ),
        )

    async def create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "campaigns", "write")
        is_tus = "Tus-Resumable" in request.headers
        settings = self._premises.config().uploads
        if is_tus and settings.bucket:
            text = "Tus-Resumable: files come by a bucket here, which speaks no tus: send JSON, and PUT the file"
            raise invalid("Tus-Resumable", text, FaultKind.UNSUPPORTED)
        asked = _read_tus(request) if is_tus else await read_json(request, UploadAsked)
        new = NewUpload(
            tenant=self._premises.tenant_of(caller, asked.tenant, "write"),
            filename=asked.filename,
            size=asked.size,
            sha256=asked.sha256,
            content_type=asked.content_type,
            bucket=settings.bucket or "",
            prefix=settings.prefix,
        )
        limits = UploadLimits.of(self._premises.config())
        made = await run(lambda: self._store.create(new, limits))
        await self._premises.note(caller, "upload.announced", made.id, tenant=made.tenant)
        url, expires_s = await run(lambda: self._url(request, made))
        answer = UploadMade(
            upload_id=made.id,
            place=place_of(made),
            url=url,
            method="PUT",
            headers={"Content-Type": made.content_type or "application/octet-stream"},
            expires_at=time_text(UnixMs(expires_s * 1000)),
            offset=0,
            size=made.size,
        )
        response = json_response(answer, 201)
        response.headers["Location"] = url
        if is_tus:
            response.headers.update(TUS)
            response.headers["Upload-Expires"] = formatdate(expires_s, usegmt=True)
        return response

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "campaigns", "read")
        asked = read_query(request, UploadsAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        after = read_text_cursor(asked.cursor)
        found = await run(lambda: self._store.all_of(tenant))
        page = [each for each in found if each.id > after][: asked.limit]
        last = page[-1].id.encode() if len(page) == asked.limit else None
        shown = [upload_shown(each) for each in page]
        return json_response(UploadList(uploads=shown, cursor=cursor_of(last)))

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "campaigns", "read")
        asked = read_query(request, PreviewAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        upload_id = in_path(request, "id")
        found = await run(lambda: self._found(tenant, upload_id))
        try:
            brought = await self._bringing.bring(found)
        except UploadError as error:
            raise FaultError(fault_of_upload(error)) from error
        found = brought.upload
        shown = msgspec.structs.asdict(upload_shown(found, brought.state))
        if not found.is_complete:
            url, expires_at = None, None
            if brought.state == "uploading" and self._premises.may(caller, "campaigns", "write"):
                url, expires_s = await run(lambda: self._url(request, found))
                expires_at = time_text(UnixMs(expires_s * 1000))
            answer = UploadState(
                **shown, url=url, expires_at=expires_at, preview=None, problem=brought.problem
            )
            return json_response(answer)
        examined = await run(lambda: self._examine(found, asked))
        problem = str(examined) if isinstance(examined, TableError) else None
        preview = None if isinstance(examined, TableError) else preview_of(examined)
        return json_response(
            UploadState(**shown, url=None, expires_at=None, preview=preview, problem=problem)
        )

    async def remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "campaigns", "write")
        asked = read_query(request, OneUploadAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        upload_id = in_path(request, "id")
        if not await run(lambda: self._store.remove(tenant, upload_id)):
            raise FaultError(_missing(upload_id))
        await self._bringing.clear(tenant, upload_id)
        await self._premises.note(caller, "upload.removed", upload_id, tenant=tenant)
        return json_response(UploadRemoved(success=True, upload_id=upload_id))

    def _found(self, tenant: str, upload_id: str) -> Upload:
        found = self._store.find(tenant, upload_id)
        if found is None:
            raise FaultError(_missing(upload_id))
        return found

    def _examine(self, upload: Upload, asked: PreviewAsked) -> Examined | TableError:
        wish = Wish(
            charset=asked.charset,
            delimiter=asked.delimiter,
            quote=asked.quote,
            escape=asked.escape,
            address=asked.address,
        )
        try:
            return examine(self._store.data_path(upload), wish)
        except FileNotFoundError:
            raise FaultError(_missing(upload.id)) from None
        except TableError as error:
            if error.field and getattr(asked, error.field, ""):
                raise invalid(error.field, str(error)) from None
            return error

    def _url(self, request: web.Request, upload: Upload) -> tuple[str, int]:
        """Return where its content goes, and until when, in seconds. Blocks on a file. Raises UploadError."""
        settings = self._premises.config().uploads
        expires_s = int(self._premises.clock() / 1000 + settings.url_s)
        if upload.object is not None:
            return put_url_of(settings, upload), expires_s
        base = settings.url.rstrip("/") or f"{request.scheme}://{request.host}"
        path = CONTENT.replace("{id}", quote(upload.id, safe=""))
        query = self._signer.query(upload.tenant, upload.id, expires_s)
        return f"{base}{path}?{query}", expires_s


async def run(work: Callable[[], T]) -> T:
    """Do it in a thread: it waits for the disk. Raises FaultError."""
    try:
        return await asyncio.to_thread(work)
    except UploadError as error:
        raise FaultError(fault_of_upload(error)) from error


def check_tus(request: web.Request) -> None:
    """Raises FaultError for a version of tus that is not spoken here."""
    version = request.headers.get("Tus-Resumable", TUS_VERSION)
    if version != TUS_VERSION:
        text = f"Tus-Resumable: is {version[:20]!a}; {TUS_VERSION} is spoken here"
        raise invalid("Tus-Resumable", text, FaultKind.UNSUPPORTED)


def read_count(request: web.Request, name: str) -> int:
    """Return what a header counts. Raises FaultError."""
    text = request.headers.get(name, "")
    if not text:
        raise invalid(name, f"Missing header: {name}", FaultKind.MISSING, "required")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise invalid(name, f"{name}: must be a number of octets")
    return int(text)


def _read_tus(request: web.Request) -> UploadAsked:
    """Return what the headers of tus's creation announce. Raises FaultError."""
    check_tus(request)
    said: dict[str, str] = {}
    field = "Upload-Metadata"
    for pair in filter(None, request.headers.get(field, "").split(",")):
        name, _, value = pair.strip().partition(" ")
        try:
            said[name] = b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise invalid(field, f"{field}: {name[:40]!a} is not base64 of UTF-8") from None
    return UploadAsked(
        filename=said.get("filename") or said.get("name") or "upload.csv",
        size=read_count(request, "Upload-Length"),
        sha256=said.get("sha256", ""),
        content_type=said.get("filetype") or said.get("contentType") or "",
        tenant=said.get("tenant", ""),
    )


def _missing(upload_id: str) -> Fault:
    return fault_of_upload(UploadMissingError(f"There is no upload {upload_id[:40]!a}"))
