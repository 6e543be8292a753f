"""Mirrors angarium/insight/checks/bucket.py."""

from angarium.config.schema import Config, Server, Uploads
from angarium.insight.checks.bucket import check_bucket
from angarium.simulator.s3 import S3Stub
from tests.uploads.bucket.stubs import settings_of


def config_of(uploads: Uploads) -> Config:
    return Config(server=Server(hostname="mx.example.com"), uploads=uploads)


async def test_a_bucket_is_tried_and_what_it_refuses_is_said(s3_stub: S3Stub) -> None:
    assert await check_bucket(config_of(Uploads())) == ()
    config = config_of(settings_of(s3_stub))
    (found,) = await check_bucket(config)
    assert (found.name, found.verdict) == ("bucket", "ok")
    s3_stub.faults.extend(["", "AccessDenied"])
    (found,) = await check_bucket(config)
    assert found.verdict == "fail"
    assert found.text.startswith(
        "uploads.bucket: PUT of angarium/angarium-probe is answered with 403"
    )
    await s3_stub.close()
    (found,) = await check_bucket(config)
    assert (found.verdict, "cannot be reached" in found.text) == ("fail", True)
