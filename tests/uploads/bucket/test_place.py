"""Mirrors angarium/uploads/bucket/place.py: URLs are held to what botocore's own client makes, and to the stub, which
reckons signatures by the specification; botocore's HTTP client is who uploads.
"""

import asyncio
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config as BotoConfig
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from angarium.config.schema import Uploads
from angarium.queue.model import UnixMs
from angarium.simulator.s3 import S3Stub
from angarium.uploads.bucket.client import put_url_of
from angarium.uploads.bucket.place import Place, put_url, signed_url
from angarium.uploads.model import BucketError, BucketObject, Upload
from tests.uploads.bucket.stubs import settings_of

ID = "01900000-0000-7000-8000-000000000000"
KEYS = Credentials("AKIASTUB", "secret")
AMAZONS = Uploads(bucket="files", region="eu-central-1", prefix="a/")


def upload_of(size: int, bucket: str = "files") -> Upload:
    return Upload(
        id=ID,
        tenant="shop",
        filename="a.csv",
        size=size,
        sha256="",
        content_type="",
        created_at=UnixMs(0),
        offset=0,
        is_complete=False,
        changed_at=UnixMs(0),
        object=BucketObject(bucket=bucket, key=f"angarium/shop/{ID}"),
        etag="",
        refused="",
    )


def place_of(uploads: Uploads) -> Place:
    found = Place.of(uploads)
    assert found is not None
    return found


async def put(url: str, octets: bytes) -> tuple[int, bytes]:
    request = AWSRequest(method="PUT", url=url, data=octets).prepare()
    answer = await asyncio.to_thread(URLLib3Session().send, request)
    return answer.status_code, answer.content


@pytest.mark.parametrize(
    ("bucket", "region", "endpoint", "url"),
    [
        ("files", "eu-central-1", None, "https://files.s3.eu-central-1.amazonaws.com"),
        ("my.files", "eu-central-1", None, "https://s3.eu-central-1.amazonaws.com/my.files"),
        ("files", "cn-north-1", None, "https://files.s3.cn-north-1.amazonaws.com.cn"),
        ("files", "auto", "https://s3.example:9000/", "https://s3.example:9000/files"),
    ],
)
def test_a_bucket_is_where_its_maker_has_it(
    bucket: str, region: str, endpoint: str | None, url: str
) -> None:
    uploads = Uploads(bucket=bucket, region=region, endpoint_url=endpoint)
    assert place_of(uploads).url == url


def test_without_a_bucket_files_come_to_us() -> None:
    assert Place.of(Uploads()) is None
    with pytest.raises(BucketError, match="names none any more"):
        put_url_of(Uploads(), upload_of(3))


def test_a_url_is_as_botocores_own_client_signs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="AKIASTUB",
        aws_secret_access_key="secret",
        aws_session_token="token",
        config=BotoConfig(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    key, keys = f"a/shop/{ID}", Credentials("AKIASTUB", "secret", "token")
    for _ in range(5):  # both within a second
        theirs = client.generate_presigned_url(
            "put_object",
            {"Bucket": "files", "Key": key, "ContentLength": 3},
            ExpiresIn=60,
        )
        headers = {"Content-Length": "3"}
        ours = signed_url(place_of(AMAZONS), keys, "PUT", key, 60, headers=headers)
        if (
            parse_qs(urlsplit(ours).query)["X-Amz-Date"]
            == parse_qs(urlsplit(theirs).query)["X-Amz-Date"]
        ):
            break
    mine, other = urlsplit(ours), urlsplit(theirs)
    assert mine.path == other.path
    assert mine.hostname == other.hostname
    assert parse_qs(mine.query) == parse_qs(other.query)


async def test_the_stub_takes_what_botocore_signs_and_nothing_that_was_changed(
    s3_stub: S3Stub,
) -> None:
    client = boto3.client(
        "s3",
        region_name=s3_stub.region,
        endpoint_url=s3_stub.url,
        aws_access_key_id="AKIASTUB",
        aws_secret_access_key="secret",
        config=BotoConfig(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    asked = {"Bucket": s3_stub.bucket, "Key": "a b/ü.csv"}
    url = client.generate_presigned_url("put_object", asked, ExpiresIn=60)
    assert (await put(url, b"abc"))[0] == 200
    assert s3_stub.objects == {"a b/ü.csv": b"abc"}
    for wrong in (
        url.replace("Expires=60", "Expires=61"),
        url.replace("/files/", "/files/x"),
        url[:-1],
    ):
        status, said = await put(wrong, b"abc")
        assert (status, b"SignatureDoesNotMatch" in said) == (403, True)


async def test_a_file_of_the_size_that_was_announced_is_taken_and_no_other(s3_stub: S3Stub) -> None:
    url = put_url_of(settings_of(s3_stub), upload_of(3))
    status, said = await put(url, b"four")
    assert (status, b"SignatureDoesNotMatch" in said) == (403, True)
    assert (await put(url, b"abc"))[0] == 200
    assert s3_stub.objects == {f"angarium/shop/{ID}": b"abc"}


async def test_a_url_is_for_its_secret_its_region_and_its_time(s3_stub: S3Stub) -> None:
    place, upload = place_of(settings_of(s3_stub)), upload_of(3)
    wrong = (
        put_url(place, Credentials("AKIASTUB", "other"), upload, 60),
        put_url(place, Credentials("AKIAOTHER", "secret"), upload, 60),
        put_url(place_of(settings_of(s3_stub, region="eu-west-1")), KEYS, upload, 60),
        put_url(place, KEYS, upload, 700_000),
    )
    for url in wrong:
        assert (await put(url, b"abc"))[0] in (400, 403)
    assert s3_stub.objects == {}


def test_an_upload_of_another_bucket_gets_no_url() -> None:
    with pytest.raises(BucketError, match="it comes by the bucket old, and files is used now"):
        put_url_of(AMAZONS, upload_of(3, "old"))


@pytest.mark.parametrize(
    ("url", "tenant", "found"),
    [
        (f"https://files.s3.eu-central-1.amazonaws.com/a/shop/{ID}?X-Amz-Date=1", "shop", ID),
        (f"https://files.s3.eu-central-1.amazonaws.com/a/shop/{ID}", "other", ""),
        (f"https://files.s3.eu-central-1.amazonaws.com/shop/{ID}", "shop", ""),
        (f"https://files.s3.eu-central-1.amazonaws.com.evil.example/a/shop/{ID}", "shop", ""),
        (f"http://files.s3.eu-central-1.amazonaws.com/a/shop/{ID}", "shop", ""),
        (f"https://files.s3.eu-central-1.amazonaws.com/a/shop/{ID}/x", "shop", ""),
        ("https://[::1", "shop", ""),
    ],
)
def test_a_url_of_the_bucket_is_known_as_the_tenants_upload(
    url: str, tenant: str, found: str
) -> None:
    assert place_of(AMAZONS).find_upload(url, tenant) == found
