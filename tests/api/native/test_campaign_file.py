"""Mirrors angarium/api/native/campaign_file.py: where the file of a campaign may be."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from angarium.api.native.campaign_file import FileChoice, FileChoosing
from angarium.api.native.campaign_wire import CampaignAsked, CsvAsked
from angarium.config.schema import Config, Server, Uploads
from angarium.intake.order import Caller, FaultError
from angarium.simulator.s3 import S3Stub
from angarium.tables.model import Wish
from angarium.uploads import NewUpload
from angarium.uploads.bucket.client import put_url_of
from tests.uploads.bucket.stubs import settings_of
from tests.uploads.stores import LIMITS, store_in

CALLER = Caller(tenant="shop", key_id="k", domains=(), address="", listener="")
URL = "https://bucket.s3.eu-central-1.amazonaws.com/list.csv?X-Amz-Signature=ab%2Fc"


async def choose(path: Path, url: str, **uploads: Any) -> FileChoice:
    config = Config(server=Server(hostname="mx.example.com"), uploads=Uploads(**uploads))
    premises: Any = SimpleNamespace(config=lambda: config)
    asked = CampaignAsked(csv_file_url=url, file=CsvAsked(delimiter=";", address_column="To"))
    return await FileChoosing(premises, store_in(path)).choose(CALLER, asked)


async def refusal(path: Path, url: str, **uploads: Any) -> str:
    with pytest.raises(FaultError) as refused:
        await choose(path, url, **uploads)
    assert refused.value.fault.field == "csvFileUrl"
    return refused.value.fault.message


async def test_any_url_of_https_is_fetched_later(tmp_path: Path) -> None:
    found = await choose(tmp_path, URL)
    assert found == FileChoice(url=URL, wish=Wish(delimiter=";", address="To"))


async def test_where_nothing_may_be_fetched_it_says_so(tmp_path: Path) -> None:
    said = await refusal(tmp_path, URL, allow_fetch=False)
    assert "others are not fetched here ([uploads] allow_fetch)" in said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://files.example/list.csv", "must begin with https://"),
        ("https://169.254.169.254/latest", "which is not public"),
        ("https://localhost/list.csv", "which is not public"),
        ("kafka://files.example/list", "must begin with https://"),
        ("https://[::1", "is no URL"),
    ],
)
async def test_a_url_that_nothing_may_be_had_from_is_refused_at_once_p1_p4(
    tmp_path: Path, url: str, said: str
) -> None:
    assert said in await refusal(tmp_path, url)


async def test_our_own_url_is_the_upload(tmp_path: Path) -> None:
    url = "https://mx.example.com/v1/uploads/01900000-0000-7000-8000-000000000000/content?x=1"
    assert "there is no upload '01900000" in await refusal(tmp_path, url, allow_fetch=False)


class InBucket:
    """An upload that comes by a bucket."""

    def __init__(self, path: Path, stub: S3Stub) -> None:
        self.stub = stub
        self.uploads = settings_of(stub)
        self.store = store_in(path)
        new = NewUpload(tenant="shop", filename="a.csv", size=3, bucket="files", prefix="angarium/")
        self.upload = self.store.create(new, LIMITS)

    @property
    def key(self) -> str:
        return f"angarium/shop/{self.upload.id}"

    async def choose(self, **asked: Any) -> FileChoice:
        config = Config(server=Server(hostname="mx.example.com"), uploads=self.uploads)
        premises: Any = SimpleNamespace(config=lambda: config)
        return await FileChoosing(premises, self.store).choose(CALLER, CampaignAsked(**asked))

    async def refusal(self, **asked: Any) -> tuple[str, str]:
        with pytest.raises(FaultError) as refused:
            await self.choose(**asked)
        return refused.value.fault.field, refused.value.fault.message


async def test_an_upload_of_a_bucket_is_looked_for_there_and_fetched_later(
    tmp_path: Path, s3_stub: S3Stub
) -> None:
    house = InBucket(tmp_path, s3_stub)
    field, said = await house.refusal(upload_id=house.upload.id)
    assert field == "uploadId"
    assert said.startswith(f"uploadId: nothing is in the bucket files at {house.key}: PUT the file")
    s3_stub.objects[house.key] = b"four"
    field, said = await house.refusal(upload_id=house.upload.id)
    assert (field, "size: 4 octets are in the bucket" in said) == ("uploadId", True)
    s3_stub.faults.append("AccessDenied")
    field, said = await house.refusal(upload_id=house.upload.id)
    assert (field, "403 AccessDenied" in said) == ("uploads.bucket", True)
    s3_stub.objects[house.key] = b"a,b"
    found = await house.choose(upload_id=house.upload.id)
    assert (found.upload_id, found.layout) == (house.upload.id, None)
    assert found.url == f"s3://files/{house.key}"


async def test_the_url_that_it_was_put_to_is_the_upload(tmp_path: Path, s3_stub: S3Stub) -> None:
    house = InBucket(tmp_path, s3_stub)
    s3_stub.objects[house.key] = b"a,b"
    url = put_url_of(house.uploads, house.upload)
    assert (await house.choose(csv_file_url=url)).upload_id == house.upload.id
