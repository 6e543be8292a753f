"""Mirrors angarium/uploads/bucket: bringing, client, answers and clearing, against the simulator's bucket."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from angarium.config.schema import Uploads
from angarium.simulator.s3 import S3Stub
from angarium.uploads import NewUpload, Upload, UploadBusyError, UploadStore, WrongContentError
from angarium.uploads.bucket.answers import read_list
from angarium.uploads.bucket.bringing import TRIES, bring
from angarium.uploads.bucket.clearing import clear
from angarium.uploads.bucket.client import open_bucket
from angarium.uploads.model import BucketError, BucketObject, NotArrivedError, UploadError
from tests.uploads.bucket.stubs import settings_of
from tests.uploads.stores import LIMITS, Clock, announce

CSV = b"email;name\n" + b"a@b.example;Ann\n" * 40


class House:
    def __init__(self, path: Path, stub: S3Stub) -> None:
        self.stub = stub
        self.settings = settings_of(stub)
        self.store = UploadStore(path / "uploads", Clock())
        self.slept: list[float] = []

    def announce(self, size: int = len(CSV), sha256: str = "") -> Upload:
        new = NewUpload(
            tenant="shop",
            filename="a.csv",
            size=size,
            sha256=sha256,
            bucket=self.stub.bucket,
            prefix="angarium/",
        )
        return self.store.create(new, LIMITS)

    def put(self, upload: Upload, octets: bytes = CSV) -> None:
        assert upload.object is not None
        self.stub.objects[upload.object.key] = octets

    async def bring(self, upload: Upload, settings: Uploads | None = None) -> Upload:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        now = self.store.find("shop", upload.id)
        assert now is not None
        async with open_bucket(settings or self.settings) as bucket:
            return await bring(bucket, self.store, now, sleep)

    async def refusal(
        self, upload: Upload, kind: type[UploadError], settings: Uploads | None = None
    ) -> str:
        with pytest.raises(kind) as refused:
            await self.bring(upload, settings)
        return refused.value.reason

    def content(self, upload: Upload) -> bytes:
        return self.store.data_path(upload).read_bytes()


@pytest.fixture
def house(tmp_path: Path, s3_stub: S3Stub) -> House:
    return House(tmp_path, s3_stub)


async def test_a_file_of_the_bucket_is_verified_and_complete_on_disk(house: House) -> None:
    upload = house.announce(sha256=hashlib.sha256(CSV).hexdigest())
    assert upload.object is not None
    assert upload.object.key == f"angarium/shop/{upload.id}"
    house.put(upload)
    found = await house.bring(upload)
    assert found.is_complete
    assert house.content(found) == CSV


async def test_what_never_arrived_says_where_it_is_missed(house: House) -> None:
    upload = house.announce()
    said = await house.refusal(upload, NotArrivedError)
    assert said == f"nothing is in the bucket files at angarium/shop/{upload.id}"


@pytest.mark.parametrize("octets", [b"", b"x", CSV + b"x"])
async def test_another_size_is_refused_and_nothing_is_fetched(house: House, octets: bytes) -> None:
    upload = house.announce()
    house.put(upload, octets)
    said = await house.refusal(upload, WrongContentError)
    assert said.startswith(f"size: {len(octets)} octets are in the bucket at angarium/shop/")
    assert len(house.stub.requests) == 1


async def test_another_hash_is_refused_once_fetched_and_not_fetched_again_until_it_is_put_again(
    house: House,
) -> None:
    upload = house.announce(sha256=hashlib.sha256(CSV).hexdigest())
    house.put(upload, CSV[:-2] + b"x\n")
    first = await house.refusal(upload, WrongContentError)
    assert first.startswith("sha256: the content has the SHA-256 ")
    house.stub.requests.clear()
    assert await house.refusal(upload, WrongContentError) == first
    assert len(house.stub.requests) == 1
    house.put(upload)
    assert (await house.bring(upload)).is_complete


async def test_it_goes_on_where_an_answer_broke_off(house: House) -> None:
    upload = house.announce(sha256=hashlib.sha256(CSV).hexdigest())
    house.put(upload)
    house.stub.faults.extend(["", "cut 100", "cut 50", "SlowDown"])
    found = await house.bring(upload)
    assert house.content(found) == CSV
    ranges = [each[2] for each in house.stub.requests]
    assert ranges == ["bytes=0-0", "bytes=0-", "bytes=100-", "bytes=150-", "bytes=150-"]


async def test_a_bucket_that_gives_nothing_is_given_up_and_what_came_stays(house: House) -> None:
    upload = house.announce()
    house.put(upload)
    house.stub.faults.extend(["", "cut 100", *["InternalError"] * TRIES])
    said = await house.refusal(upload, BucketError)
    assert "uploads.bucket: GET of angarium/shop/" in said
    assert "is answered with 500 InternalError" in said
    assert len(house.slept) == TRIES
    house.stub.requests.clear()
    assert house.content(await house.bring(upload)) == CSV
    assert [each[2] for each in house.stub.requests] == ["bytes=0-0", "bytes=100-"]


async def test_of_an_object_that_was_put_again_nothing_of_the_first_is_kept(house: House) -> None:
    upload = house.announce()
    house.put(upload, b"x" * len(CSV))
    house.stub.faults.extend(["", "cut 100", *["InternalError"] * TRIES])
    await house.refusal(upload, BucketError)
    house.put(upload)
    assert house.content(await house.bring(upload)) == CSV


async def test_one_that_is_put_again_meanwhile_is_not_mixed_with_the_first(house: House) -> None:
    upload = house.announce()
    house.put(upload, b"x" * len(CSV))
    house.stub.faults.extend(["", "cut 100"])

    async def sleep(_: float) -> None:
        house.put(upload)

    async with open_bucket(house.settings) as bucket:
        with pytest.raises(UploadBusyError, match="was put again while it was fetched"):
            await bring(bucket, house.store, upload, sleep)
    assert house.content(await house.bring(upload)) == CSV


async def test_two_do_not_write_one_file(house: House) -> None:
    upload = house.announce()
    house.put(upload)
    with house.store.open("shop", upload.id):
        assert "is being written" in await house.refusal(upload, UploadBusyError)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("AccessDenied", "403 AccessDenied: as the stub was told: AccessDenied: the key needs s3"),
        ("SignatureDoesNotMatch", "look at access_key_id, secret_key_file and region"),
        ("InvalidAccessKeyId", "look at access_key_id"),
        ("NoSuchBucket", "make it, or name another one"),
        ("PermanentRedirect", "look at region and endpoint_url"),
    ],
)
async def test_what_the_bucket_refuses_says_what_to_look_at(
    house: House, fault: str, said: str
) -> None:
    upload = house.announce()
    house.stub.faults.append(fault)
    refused = await house.refusal(upload, BucketError)
    assert refused.startswith("uploads.bucket: GET of angarium/shop/")
    assert said in refused


async def test_a_bucket_that_is_not_reached_is_named(house: House) -> None:
    upload = house.announce()
    await house.stub.close()
    said = await house.refusal(upload, BucketError)
    assert f"uploads.bucket: {house.stub.url}/files cannot be reached: " in said


async def test_keys_that_cannot_be_read_are_named(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = house.announce()
    missing = settings_of(
        house.stub, access_key_id="AKIASTUB", secret_key_file=str(tmp_path / "none")
    )
    said = await house.refusal(upload, BucketError, missing)
    assert said == "uploads.bucket: uploads.secret_key_file: No such file or directory"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    said = await house.refusal(upload, BucketError)
    assert said.startswith("uploads.bucket: [uploads] gives no access_key_id")


async def test_a_temporary_key_signs_with_its_token(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a/token+")
    upload = house.announce()
    house.put(upload)
    assert (await house.bring(upload)).is_complete


async def test_what_is_removed_goes_out_of_the_bucket_and_is_remembered_until_then_up4(
    house: House,
) -> None:
    upload = house.announce()
    house.put(upload)
    await house.bring(upload)
    assert house.store.remove("shop", upload.id)
    assert house.store.find("shop", upload.id) is None
    gone = house.store.gone()
    assert [(each.tenant, each.id, each.object) for each in gone] == [
        ("shop", upload.id, upload.object)
    ]
    house.stub.faults.append("AccessDenied")
    with pytest.raises(BucketError):
        await clear(house.store, house.settings, gone)
    assert house.store.gone("shop") == gone
    assert await clear(house.store, house.settings, gone) == []
    assert (house.stub.objects, house.store.gone()) == ({}, [])


async def test_what_is_in_a_bucket_that_is_not_ours_any_more_is_left_there_and_told(
    house: House,
) -> None:
    upload = house.announce()
    house.put(upload)
    house.store.remove("shop", upload.id)
    gone = house.store.gone()
    assert await clear(house.store, settings_of(house.stub, bucket="other"), gone) == gone
    assert len(house.stub.objects) == 1
    assert house.store.gone() == []


async def test_what_came_to_us_leaves_nothing_to_clear(house: House) -> None:
    upload = announce(house.store)
    house.store.remove("shop", upload.id)
    assert house.store.gone() == []


async def test_who_is_cancelled_leaves_what_came_and_the_lock_is_free(house: House) -> None:
    upload = house.announce()
    house.put(upload)
    house.stub.faults.extend(["", "cut 100"])
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    async with open_bucket(house.settings) as bucket:
        task: asyncio.Task[Any] = asyncio.create_task(bring(bucket, house.store, upload, sleep))
        await asyncio.wait_for(asleep.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    found = house.store.find("shop", upload.id)
    assert found is not None
    assert found.offset == 100
    assert (await house.bring(upload)).is_complete


async def test_a_probe_tries_all_that_is_needed_and_leaves_nothing(house: House) -> None:
    async with open_bucket(house.settings) as bucket:
        await bucket.probe()
        assert [each[0] for each in house.stub.requests] == ["GET", "PUT", "GET", "DELETE"]
        assert house.stub.objects == {}
        house.stub.may_list = False
        with pytest.raises(BucketError, match=r"GET of the list of keys .* s3:ListBucket"):
            await bucket.probe()


async def test_all_that_is_behind_our_prefix_is_listed_page_by_page(s3_stub: S3Stub) -> None:
    keys = [f"angarium/{number:03} & <ü>+" for number in range(7)]
    s3_stub.objects.update({key: b"x" * number for number, key in enumerate(keys)})
    s3_stub.objects["another's"] = b""
    s3_stub.listed_at_once = 3
    async with open_bucket(settings_of(s3_stub)) as bucket:
        found = [(each.key, each.size) async for each in bucket.objects()]
    assert found == [(key, number) for number, key in enumerate(keys)]
    assert len(s3_stub.requests) == 3


async def test_a_list_that_is_refused_or_is_none_is_said(s3_stub: S3Stub) -> None:
    s3_stub.may_list = False
    async with open_bucket(settings_of(s3_stub)) as bucket:
        with pytest.raises(BucketError, match=r"GET of the list of keys .* s3:ListBucket"):
            [each async for each in bucket.objects()]
    assert read_list(b"<html>a proxy's page</html>") is None
    assert (
        read_list(b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>") is None
    )


async def test_a_piece_of_an_object_is_fetched_whole_or_not_at_all(s3_stub: S3Stub) -> None:
    s3_stub.objects["angarium/a"] = bytes(range(100))
    what = BucketObject(bucket=s3_stub.bucket, key="angarium/a")
    async with open_bucket(settings_of(s3_stub)) as bucket:
        assert await bucket.piece(what, 10, 5) == bytes(range(10, 15))
        assert await bucket.piece(what, 0, 100) == bytes(range(100))
        with pytest.raises(BucketError, match="ended after 5 of 10 octets"):
            await bucket.piece(what, 95, 10)
        s3_stub.faults.append("cut 3")
        with pytest.raises(BucketError):
            await bucket.piece(what, 10, 5)
