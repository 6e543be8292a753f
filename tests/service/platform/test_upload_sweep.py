"""Mirrors angarium/service/platform/upload_sweep.py."""

from pathlib import Path

import pytest

from angarium.config.schema import Config, Server, Uploads
from angarium.service.platform.upload_sweep import UploadSweep
from angarium.simulator.s3 import S3Stub
from angarium.uploads import NewUpload
from angarium.uploads.model import BucketError
from tests.uploads.bucket.stubs import settings_of
from tests.uploads.stores import LIMITS, Clock, announce, set_changed, store_in


def test_uploads_go_when_their_time_is_over_by_the_newest_configuration(tmp_path: Path) -> None:
    clock = Clock()
    store = store_in(tmp_path, clock)
    upload = announce(store)
    store.open("shop", upload.id).close()
    set_changed(store, upload, clock.now)
    server = Server(hostname="mx.example.com", data_dir=str(tmp_path))
    sweep = UploadSweep(Config(server=server, uploads=Uploads(incomplete_s=60.0)), clock)
    clock.now += 59_999
    assert sweep.sweep() == 0
    sweep.exchange(Config(server=server, uploads=Uploads(incomplete_s=30.0)))
    assert sweep.sweep() == 1
    assert store.all_of("shop") == []


async def test_what_goes_by_its_time_goes_out_of_the_bucket_too(
    tmp_path: Path, s3_stub: S3Stub
) -> None:
    clock = Clock()
    store = store_in(tmp_path, clock)
    new = NewUpload(tenant="shop", filename="a.csv", size=3, bucket="files")
    upload = store.create(new, LIMITS)
    s3_stub.objects[f"shop/{upload.id}"] = b"a,b"
    server = Server(hostname="mx.example.com", data_dir=str(tmp_path))
    config = Config(server=server, uploads=settings_of(s3_stub, incomplete_s=30.0))
    sweep = UploadSweep(config, clock)
    clock.now += 30_000
    assert sweep.sweep() == 1
    s3_stub.faults.append("SlowDown")
    with pytest.raises(BucketError):
        await sweep.clear()
    await sweep.clear()
    assert (s3_stub.objects, store.gone()) == ({}, [])
