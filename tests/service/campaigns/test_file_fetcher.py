"""Mirrors angarium/service/campaigns/file_fetcher.py: a file is had from elsewhere, or it says why not."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from angarium.campaigns.asked import Asked
from angarium.campaigns.fetching import FetchedFile
from angarium.campaigns.source import SourceError, campaign_file, campaigns_directory
from angarium.config.schema import Config, Queue, Server, Uploads, Webhook
from angarium.queue.ledger.values import LedgerCampaign
from angarium.queue.message_id import message_id_text
from angarium.queue.model import UnixMs
from angarium.service.campaigns.file_fetcher import FileFetcher
from angarium.simulator.s3 import S3Stub
from angarium.tables.model import Wish
from angarium.uploads import NewUpload, UploadStore
from tests.uploads.bucket.stubs import settings_of
from tests.uploads.stores import LIMITS, Clock
from tests.webhooks.receiver import Receiver

CSV = b"name;email\nAnn;a@b.example\n"
CAMPAIGN = LedgerCampaign(
    number=1,
    id=bytes.fromhex("0190000000007000800000000000000a"),
    tenant="shop",
    created=UnixMs(1),
    asked=b"",
    secret=b"",
)


class House:
    """A data directory, and a server that has the file."""

    def __init__(self, path: Path, origin: Receiver) -> None:
        self.path = path
        self.origin = origin
        self.config = self.with_uploads()
        self.store = UploadStore(path / "uploads", Clock())
        self.body = CSV
        origin.answer = self._answer

    def with_uploads(self, *networks: str, **uploads: Any) -> Config:
        return Config(
            server=Server(hostname="mx.example.com", data_dir=str(self.path)),
            queue=Queue(min_free_octets=0),
            uploads=Uploads(**uploads),
            webhook=Webhook(allow_networks=networks or ("127.0.0.0/8",)),
        )

    async def _answer(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=self.body)

    async def fetch(self, wish: Wish | None = None) -> FetchedFile:
        url = self.origin.url("/list.csv?X-Amz-Signature=1")
        asked = Asked(author="a@shop.example", csv_url=url, wish=wish or Wish())
        fetcher = FileFetcher(self.path, lambda: self.config, Clock())
        return await fetcher.fetch(CAMPAIGN, asked)

    async def refusal(self, wish: Wish | None = None) -> str:
        with pytest.raises(SourceError) as refused:
            await self.fetch(wish)
        assert not self.file.exists()
        return str(refused.value)

    @property
    def file(self) -> Path:
        return campaign_file(campaigns_directory(self.path), CAMPAIGN.id)

    def leave(self, octets: bytes) -> None:
        """As a process that was killed."""
        new = NewUpload(
            tenant="shop", filename="x.csv", size=len(CSV), id=message_id_text(CAMPAIGN.id)
        )
        upload = self.store.create(new, LIMITS)
        writing = self.store.open("shop", upload.id)
        writing.write(octets)
        if octets == CSV:
            writing.finish()
        writing.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Receiver() as origin:
        yield House(tmp_path, origin)


async def test_the_file_is_the_campaigns_and_known_by_its_columns(house: House) -> None:
    found = await house.fetch()
    assert (found.layout.columns, found.layout.address) == (("name", "email"), 1)
    assert found.filename == "list.csv"
    assert house.file.read_bytes() == CSV
    await FileFetcher(house.path, lambda: house.config, Clock()).clean(CAMPAIGN)
    assert house.store.all_of("shop") == []
    assert house.file.read_bytes() == CSV


async def test_what_a_crash_left_of_it_is_fetched_anew(house: House) -> None:
    house.leave(CSV[:5])
    await house.fetch()
    assert house.file.read_bytes() == CSV
    assert len(house.store.all_of("shop")) == 1


async def test_what_was_fetched_before_a_crash_is_not_asked_for_again(house: House) -> None:
    house.leave(CSV)
    await house.fetch()
    assert house.file.read_bytes() == CSV
    assert house.origin.taken == []


async def test_why_there_is_none_is_said(house: House) -> None:
    house.config = house.with_uploads("192.0.2.0/24")
    assert "which is not public" in await house.refusal()  # P1, P4
    house.config = house.with_uploads(allow_fetch=False)
    assert "lets no file be fetched" in await house.refusal()
    house.config = house.with_uploads(file_octets=len(CSV) - 1)
    assert f"may have {len(CSV) - 1} octets" in await house.refusal()
    house.config = house.with_uploads()
    assert "csvFileUrl: the file: " in await house.refusal(Wish(address="nobody"))


async def test_an_upload_of_a_bucket_is_fetched_from_there_and_linked(
    house: House, s3_stub: S3Stub
) -> None:
    uploads = settings_of(s3_stub)
    new = NewUpload(tenant="shop", filename="n.csv", size=len(CSV), bucket="files")
    upload = house.store.create(new, LIMITS)
    assert upload.object is not None
    s3_stub.objects[upload.object.key] = CSV
    house.config = msgspec.structs.replace(house.config, uploads=uploads)
    asked = Asked(author="a@shop.example", csv_url=upload.object.url, upload_id=upload.id)
    fetcher = FileFetcher(house.path, lambda: house.config, Clock(), again_s=0.0)
    # Away for a moment: it is waited for
    s3_stub.faults.append("SlowDown")
    found = await fetcher.fetch(CAMPAIGN, asked)
    assert (found.filename, found.layout.columns) == ("n.csv", ("name", "email"))
    assert house.file.read_bytes() == CSV
    again = house.store.find("shop", upload.id)
    assert again is not None
    assert again.is_complete


@pytest.mark.parametrize(
    ("octets", "sha256", "said"),
    [
        (None, "", "uploadId: nothing is in the bucket files at shop/"),
        (CSV + b"x", "", "uploadId: size: 28 octets are in the bucket"),
        (CSV, "0" * 64, "uploadId: sha256: the content has the SHA-256"),
        (b"a" * len(CSV), "", "uploadId: the file: "),
    ],
)
async def test_what_is_not_in_the_bucket_or_not_right_says_why(
    house: House, s3_stub: S3Stub, octets: bytes | None, sha256: str, said: str
) -> None:
    house.config = msgspec.structs.replace(house.config, uploads=settings_of(s3_stub))
    new = NewUpload(tenant="shop", filename="n.csv", size=len(CSV), sha256=sha256, bucket="files")
    upload = house.store.create(new, LIMITS)
    assert upload.object is not None
    if octets is not None:
        s3_stub.objects[upload.object.key] = octets
    asked = Asked(author="a@shop.example", csv_url=upload.object.url, upload_id=upload.id)
    with pytest.raises(SourceError) as refused:
        await FileFetcher(house.path, lambda: house.config, Clock()).fetch(CAMPAIGN, asked)
    assert str(refused.value).startswith(said)
    assert not house.file.exists()


async def test_an_upload_that_was_removed_meanwhile_is_said(house: House, s3_stub: S3Stub) -> None:
    asked = Asked(author="a@shop.example", csv_url="s3://files/x", upload_id=str(uuid.UUID(int=1)))
    with pytest.raises(SourceError, match="uploadId: the upload was removed before its file"):
        await FileFetcher(house.path, lambda: house.config, Clock()).fetch(CAMPAIGN, asked)
