"""Which file a campaign is to have: an upload that is there, or one that is yet to be fetched."""

import asyncio
import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from angarium.api.native.campaign_wire import CampaignAsked
from angarium.api.native.premises import Premises
from angarium.api.native.upload_wire import fault_of_upload
from angarium.api.native.wire import invalid
from angarium.intake.order import Caller, FaultError, FaultKind
from angarium.tables import Layout, TableError, Wish, examine
from angarium.uploads import Upload, UploadError, UploadStore, WrongContentError
from angarium.uploads.bucket.bringing import look
from angarium.uploads.bucket.client import open_bucket
from angarium.uploads.bucket.place import Place
from angarium.uploads.model import NotArrivedError
from angarium.webhooks.guard import Guard, UrlError

_OWN_URL: Final = re.compile(r"/v1/uploads/([0-9a-f-]{36})/content")


class FileChoice(msgspec.Struct, frozen=True, kw_only=True):
    upload_id: str = ""
    filename: str = ""
    layout: Layout | None = None  # of the upload, if it is on our disk
    url: str = ""  # else: where to fetch it
    wish: Wish = Wish()  # how to read that


class FileChoosing:
    def __init__(self, premises: Premises, uploads: UploadStore) -> None:
        self._premises = premises
        self._uploads = uploads

    async def choose(self, caller: Caller, asked: CampaignAsked) -> FileChoice:
        """Raises FaultError."""
        upload_id, field, url = asked.upload_id, "uploadId", asked.csv_file_url
        if url:
            field = "csvFileUrl"
            if upload_id:
                raise invalid(field, "csvFileUrl: there is an uploadId: give one of them")
            upload_id = self._own_upload(url, caller.tenant)
            if not upload_id:
                self._check_fetch(url)
                return FileChoice(url=url, wish=_wish(asked))
        if not upload_id:
            text = "Missing required field: uploadId, or csvFileUrl"
            raise invalid("uploadId", text, FaultKind.MISSING, "required")
        upload = await asyncio.to_thread(self._uploads.find, caller.tenant, upload_id)
        if upload is None:
            raise invalid(field, f"{field}: there is no upload {upload_id[:40]!a}")
        if not upload.is_complete and upload.object is not None:
            await self._look(upload, field)
            return FileChoice(
                upload_id=upload.id,
                filename=upload.filename,
                url=upload.object.url,
                wish=_wish(asked),
            )
        if not upload.is_complete:
            text = f"{field}: of the upload {upload.offset} of {upload.size} octets are there"
            raise invalid(field, text, FaultKind.CONFLICT)
        layout = await asyncio.to_thread(self._layout, upload, asked)
        return FileChoice(upload_id=upload.id, filename=upload.filename, layout=layout)

    async def _look(self, upload: Upload, field: str) -> None:
        """See that it is in its bucket, as it was announced. Raises FaultError."""
        try:
            async with open_bucket(self._premises.config().uploads) as bucket:
                await look(bucket, upload)
        except NotArrivedError as error:
            text = (
                f"{field}: {error.reason}: PUT the file to the URL of GET /v1/uploads/{upload.id}"
            )
            raise invalid(field, text, FaultKind.CONFLICT) from None
        except WrongContentError as error:
            raise invalid(field, f"{field}: {error.reason}", FaultKind.CONFLICT) from None
        except UploadError as error:
            raise FaultError(fault_of_upload(error)) from None

    def _own_upload(self, url: str, tenant: str) -> str:
        """Return whose URL it is; "": not one of ours."""
        try:
            found = _OWN_URL.fullmatch(urlsplit(url).path)
        except ValueError:
            return ""
        if found is not None:
            return found[1]
        place = Place.of(self._premises.config().uploads)
        return "" if place is None else place.find_upload(url, tenant)

    def _check_fetch(self, url: str) -> None:
        """Raises FaultError. The addresses of a name are judged when it is fetched (P1, P4)."""
        config = self._premises.config()
        if not config.uploads.allow_fetch:
            text = (
                "csvFileUrl: is none that an upload was put to, and others are not fetched here"
                " ([uploads] allow_fetch): POST /v1/uploads gives one"
            )
            raise invalid("csvFileUrl", text, constraint="allowed")
        settings = config.webhook
        try:
            Guard(settings.allow_networks, allow_http=settings.allow_http).read_url(url)
        except UrlError as error:
            raise invalid("csvFileUrl", f"csvFileUrl: {error}", constraint="allowed") from None

    def _layout(self, upload: Upload, asked: CampaignAsked) -> Layout:
        try:
            return examine(self._uploads.data_path(upload), _wish(asked), rows=1).layout
        except TableError as error:
            name = "addressColumn" if error.field == "address" else error.field
            field = f"file.{name}" if name else "file"
            raise invalid(field, f"{field}: {error}", constraint="format") from None
        except OSError:
            raise invalid("uploadId", "uploadId: the upload is there no more") from None


def _wish(asked: CampaignAsked) -> Wish:
    given = asked.file
    return Wish(
        charset=given.charset,
        delimiter=given.delimiter,
        quote=given.quote,
        escape=given.escape,
        columns=given.columns,
        address=given.address_column,
    )
