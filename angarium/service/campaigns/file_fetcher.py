"""Gets a campaign's file from where its tenant says that it is: bounded by ``[uploads]``, guarded as webhooks are; or
from the operator's bucket, where its upload is.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from angarium.campaigns.asked import Asked
from angarium.campaigns.fetching import FetchedFile
from angarium.campaigns.source import SourceError, campaign_file, campaigns_directory
from angarium.config.schema import Config
from angarium.queue.ledger.values import LedgerCampaign
from angarium.queue.message_id import message_id_text
from angarium.queue.model import MessageId, UnixMs
from angarium.routing.dns import DnsResolver, DnsSetupError
from angarium.tables import Layout, TableError, Wish, examine
from angarium.telemetry.log import log, log_exception
from angarium.uploads import (
    Upload,
    UploadBusyError,
    UploadError,
    UploadLimits,
    UploadStore,
    uploads_directory,
)
from angarium.uploads.bucket.bringing import bring
from angarium.uploads.bucket.client import BucketAwayError, open_bucket
from angarium.uploads.fetching import fetch_upload
from angarium.uploads.model import BUCKET_SCHEME
from angarium.webhooks.caller import Caller
from angarium.webhooks.guard import Guard

# Between two looks at a bucket that is away, or at a file that another process fetches
AGAIN_S: Final = 2.0


class FileFetcher:
    """Satisfies ``FetchesFiles``. Until the ledger knows of the file it is an upload whose id is the campaign's."""

    def __init__(
        self,
        data_dir: Path,
        config: Callable[[], Config],
        clock: Callable[[], UnixMs],
        again_s: float = AGAIN_S,
    ) -> None:
        """``config``: as it is now."""
        self._again_s = again_s
        self._config = config
        self._store = UploadStore(uploads_directory(data_dir), clock)
        self._directory = campaigns_directory(data_dir)

    async def fetch(self, campaign: LedgerCampaign, asked: Asked) -> FetchedFile:
        field = "uploadId" if asked.csv_url.startswith(BUCKET_SCHEME) else "csvFileUrl"
        try:
            if asked.csv_url.startswith(BUCKET_SCHEME):
                upload = await self._bring(campaign.tenant, asked.upload_id)
            else:
                found = await asyncio.to_thread(self._find, campaign)
                upload = await self._get(campaign, asked.csv_url) if found is None else found
            layout = await asyncio.to_thread(self._take, campaign, upload, asked.wish)
        except UploadError as error:
            raise SourceError(error.reason) from error
        except TableError as error:
            raise SourceError(f"{field}: the file: {error}") from error
        except DnsSetupError as error:
            raise SourceError(f"{field}: no name is resolved: {error}") from error
        except OSError as error:
            raise SourceError(f"{field}: the file cannot be kept: {error.strerror}") from error
        except Exception as error:
            log_exception("campaigns_failed", error)
            raise SourceError(f"{field}: an error of the server; its log has more") from error
        return FetchedFile(layout=layout, filename=upload.filename)

    async def clean(self, campaign: LedgerCampaign) -> None:
        with contextlib.suppress(OSError):  # then it goes as other uploads do
            await asyncio.to_thread(self._store.remove, campaign.tenant, _upload_id(campaign))

    def _find(self, campaign: LedgerCampaign) -> Upload | None:
        """Return what was fetched before a crash; a part of it is removed: a server may not have the rest any more."""
        found = self._store.find(campaign.tenant, _upload_id(campaign))
        if found is not None and not found.is_complete:
            self._store.remove(campaign.tenant, found.id)
            return None
        return found

    async def _get(self, campaign: LedgerCampaign, url: str) -> Upload:
        config = self._config()
        if not config.uploads.allow_fetch:
            raise UploadError("csvFileUrl: the operator lets no file be fetched any more")
        async with _caller(config) as caller:
            return await fetch_upload(
                caller,
                self._store,
                url,
                campaign.tenant,
                UploadLimits.of(config),
                within_s=config.uploads.fetch_s,
                upload_id=_upload_id(campaign),
            )

    async def _bring(self, tenant: str, upload_id: str) -> Upload:
        """Return the upload once it is complete. Raises UploadError. A bucket that is away is waited for."""
        within_s = self._config().uploads.fetch_s
        told = "another process fetches it"
        try:
            async with asyncio.timeout(within_s):
                while True:
                    found = await asyncio.to_thread(self._store.find, tenant, upload_id)
                    if found is None:
                        raise UploadError("the upload was removed before its file was fetched")
                    if found.is_complete:
                        return found
                    try:
                        async with open_bucket(self._config().uploads) as bucket:
                            return await bring(bucket, self._store, found)
                    except UploadBusyError as error:
                        told = error.reason
                    except BucketAwayError as error:
                        log("bucket_failed", "warning", problem=error.reason)
                        told = error.reason
                    await asyncio.sleep(self._again_s)
        except TimeoutError:
            raise UploadError(
                f"uploadId: the file was not fetched within {within_s:g} s: {told}"
            ) from None
        except UploadError as error:
            raise UploadError(f"uploadId: {error.reason}") from error

    def _take(self, campaign: LedgerCampaign, upload: Upload, wish: Wish) -> Layout:
        layout = examine(self._store.data_path(upload), wish, rows=1).layout
        self._directory.mkdir(mode=0o700, exist_ok=True)
        path = campaign_file(self._directory, campaign.id)
        self._store.link(campaign.tenant, upload.id, path)
        return layout


@contextlib.asynccontextmanager
async def _caller(config: Config) -> AsyncIterator[Caller]:
    """Of one file: what is asked seldom keeps no answers, and goes by what the configuration says now."""
    settings = config.webhook
    guard = Guard(settings.allow_networks, allow_http=settings.allow_http)
    dns = DnsResolver(config.dns, time.monotonic)
    caller = Caller(guard, dns, timeout_s=settings.timeout_s)
    try:
        yield caller
    finally:
        await caller.close()
        await dns.close()


def _upload_id(campaign: LedgerCampaign) -> str:
    return message_id_text(MessageId(campaign.id))
