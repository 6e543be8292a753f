"""Uploads that come by a bucket, of a running server: put, shown, sent, removed; by the API and by commands."""

import hashlib
import json
from collections.abc import Iterator

import pytest
import urllib3

from angarium.simulator.s3 import S3Stub
from tests.e2e.campaign_server import PATH, CampaignServer, list_of
from tests.e2e.recording_sink import RecordingSink
from tests.e2e.stub_thread import RunningStub, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
TABLE = """
[uploads]
bucket = "files"
region = "eu-central-1"
endpoint_url = "{url}"
prefix = "angarium/"
access_key_id = "AKIASTUB"
secret_key_file = "s3.key"
"""
CSV = list_of(3).encode()


@pytest.fixture(scope="module")
def bucket() -> Iterator[RunningStub[S3Stub]]:
    with running(S3Stub()) as found:
        yield found


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, bucket: RunningStub[S3Stub]
) -> Iterator[CampaignServer]:
    folder = tmp_path_factory.mktemp("bucket")
    (folder / "s3.key").write_text("secret\n")
    (folder / "s3.key").chmod(0o600)
    with RecordingSink() as sink:
        started = CampaignServer(folder, sink, more=TABLE.format(url=bucket.stub.url))
        try:
            yield started
            started.product.assert_clean()
        finally:
            started.kill()


def announce(server: CampaignServer, octets: bytes, sha256: str = "") -> tuple[str, str]:
    asked = {"filename": "list.csv", "size": len(octets), "sha256": sha256}
    made = server.api.right("POST", "/v1/uploads", asked)
    return made["uploadId"], made["url"]


def put(url: str, octets: bytes) -> int:
    return urllib3.PoolManager().request("PUT", url, body=octets).status


def test_a_file_of_the_bucket_is_sent_to_without_anybody_looking_at_it_first(
    server: CampaignServer, bucket: RunningStub[S3Stub]
) -> None:
    upload_id, url = announce(server, CSV, hashlib.sha256(CSV).hexdigest())
    refused = server.api.ask("POST", PATH, {"uploadId": upload_id, "subject": "a", "bodyText": "b"})
    assert refused.status == 409
    assert "nothing is in the bucket files at angarium/default/" in refused.json["message"]
    assert put(url, CSV) == 200
    made = server.create(uploadId=upload_id)
    assert made["columns"] == []
    found = server.completed(made["transactionId"])
    assert found["summary"]["sent"] == 3
    assert server.api.right("GET", f"/v1/uploads/{upload_id}")["state"] == "complete"
    assert f"angarium/default/{upload_id}" in bucket.stub.objects
    server.api.right("DELETE", f"/v1/uploads/{upload_id}")
    assert f"angarium/default/{upload_id}" not in bucket.stub.objects


def test_a_file_with_another_hash_makes_the_campaign_fail_with_the_reason(
    server: CampaignServer,
) -> None:
    upload_id, url = announce(server, CSV, hashlib.sha256(b"other").hexdigest())
    assert put(url, CSV) == 200
    made = server.create(uploadId=upload_id)
    failed = server.wait(made["transactionId"], lambda each: each["status"] == "failed")
    assert failed["reason"].startswith("uploadId: sha256: the content has the SHA-256 ")


def test_one_command_uploads_a_file_to_the_bucket_and_starts_it(
    server: CampaignServer, bucket: RunningStub[S3Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANGARIUM_API", f"http://127.0.0.1:{server.product.http}")
    monkeypatch.setenv("ANGARIUM_API_KEY", server.api.key)
    path = server.product.folder / "more.csv"
    path.write_text(list_of(2, "more"))
    words = ("campaign", "start", str(path), "--subject", "News", "--text-file", str(path))
    made = json.loads(server.product.postmaster(*words, "--json"))
    found = server.completed(made["transactionId"])
    assert found["summary"]["sent"] == 2
    assert [each for each in bucket.stub.objects.values() if each == path.read_bytes()]


def test_the_doctor_tries_the_bucket(server: CampaignServer) -> None:
    said = server.product.postmaster("doctor", code=None)
    assert "files can be put into http://127.0.0.1:" in said
