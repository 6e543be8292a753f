"""Mirrors angarium/api/native/upload_bringing.py, and uploads.py where files come by a bucket; by HTTP."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from angarium.api.native import upload_bringing
from angarium.simulator.s3 import S3Stub
from tests.api.native.upload_house import KEY, House
from tests.api.serving import Answer, Client

CSV = b"email;name\na@b.example;Ann\nwrong;Bob\n"
OF_CSV = hashlib.sha256(CSV).hexdigest()


@pytest.fixture
def house(tmp_path: Path, s3_stub: S3Stub) -> House:
    return House(tmp_path, bucket=s3_stub.bucket, region=s3_stub.region, endpoint_url=s3_stub.url)


async def announce(client: Client, **more: Any) -> dict[str, Any]:
    asked = {"filename": "list.csv", "size": len(CSV), **more}
    made = await client.ask("POST", "/v1/uploads", json=asked, headers=KEY)
    assert made.status == 201, made.body
    found: dict[str, Any] = made.json
    return found


async def put(url: str, octets: bytes) -> int:
    async with aiohttp.ClientSession() as session, session.put(url, data=octets) as answer:
        return answer.status


async def shown(client: Client, upload_id: str) -> Answer:
    return await client.ask("GET", f"/v1/uploads/{upload_id}", headers=KEY)


async def test_a_file_goes_to_the_bucket_and_is_shown_as_a_table_when_it_is_asked_for(
    house: House, s3_stub: S3Stub
) -> None:
    async with house.client() as client:
        made = await announce(client, sha256=OF_CSV)
        assert made["url"].startswith(f"{s3_stub.url}/files/shop/{made['uploadId']}?X-Amz-")
        assert (made["place"], made["method"]) == ("bucket", "PUT")
        before = (await shown(client, made["uploadId"])).json
        assert (before["state"], before["place"], before["problem"]) == (
            "uploading",
            "bucket",
            None,
        )
        assert await put(before["url"], CSV) == 200
        found = (await shown(client, made["uploadId"])).json
        assert (found["state"], found["url"], found["offset"]) == ("complete", None, len(CSV))
        assert found["preview"]["columns"] == ["email", "name"]
        assert [each["address"] for each in found["preview"]["rows"]] == ["a@b.example", ""]
        removed = await client.ask("DELETE", f"/v1/uploads/{made['uploadId']}", headers=KEY)
        assert removed.status == 200
        assert (s3_stub.objects, house.store.gone()) == ({}, [])


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (CSV + b"x", f"size: {len(CSV) + 1} octets are in the bucket at shop/"),
        (CSV[:-1] + b"x", "sha256: the content has the SHA-256 "),
    ],
)
async def test_what_is_not_what_was_announced_says_so_and_may_be_put_again(
    house: House, s3_stub: S3Stub, octets: bytes, problem: str
) -> None:
    async with house.client() as client:
        made = await announce(client, sha256=OF_CSV)
        s3_stub.objects[f"shop/{made['uploadId']}"] = octets
        found = (await shown(client, made["uploadId"])).json
        assert found["state"] == "uploading"
        assert found["problem"].startswith(problem)
        assert await put(found["url"], CSV) == 200
        assert (await shown(client, made["uploadId"])).json["state"] == "complete"


async def test_a_bucket_that_refuses_or_is_away_is_a_fault_of_the_server(
    house: House, s3_stub: S3Stub
) -> None:
    async with house.client() as client:
        made = await announce(client)
        s3_stub.faults.append("AccessDenied")
        found = await shown(client, made["uploadId"])
        assert (found.status, found.json["details"]["field"]) == (503, "uploads.bucket")
        assert "403 AccessDenied" in found.json["message"]
        await s3_stub.close()
        found = await shown(client, made["uploadId"])
        assert (found.status, found.json["details"]["field"]) == (503, "uploads.bucket")
        assert "cannot be reached" in found.json["message"]
        # It is remembered, and goes out of the bucket later
        removed = await client.ask("DELETE", f"/v1/uploads/{made['uploadId']}", headers=KEY)
        assert removed.status == 200
        assert [each.id for each in house.store.gone()] == [made["uploadId"]]


async def test_a_large_file_is_fetched_on_after_the_answer_and_by_one_request_alone(
    house: House, s3_stub: S3Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_bringing, "ANSWER_S", 0.0)
    async with house.client() as client:
        made = await announce(client)
        s3_stub.objects[f"shop/{made['uploadId']}"] = CSV
        first = (await shown(client, made["uploadId"])).json
        assert (first["state"], first["url"], first["preview"]) == ("fetching", None, None)
        async with asyncio.timeout(10):
            while (await shown(client, made["uploadId"])).json["state"] != "complete":
                pass
        assert len([each for each in s3_stub.requests if each[2] == "bytes=0-"]) == 1


async def test_who_writes_it_already_is_waited_for(house: House, s3_stub: S3Stub) -> None:
    async with house.client() as client:
        made = await announce(client)
        s3_stub.objects[f"shop/{made['uploadId']}"] = CSV
        with house.store.open("shop", made["uploadId"]):
            assert (await shown(client, made["uploadId"])).json["state"] == "fetching"


async def test_a_client_of_tus_is_told_that_a_bucket_speaks_none(house: House) -> None:
    async with house.client() as client:
        headers = {**KEY, "Tus-Resumable": "1.0.0", "Upload-Length": "10"}
        found = await client.ask("POST", "/v1/uploads", headers=headers)
        assert found.json["details"]["field"] == "Tus-Resumable"
        assert "which speaks no tus" in found.json["message"]
        assert house.store.all_of("shop") == []


async def test_the_content_of_one_is_not_taken_by_us(house: House) -> None:
    async with house.client() as client:
        made = await announce(client)
        answer = await client.ask("PUT", f"/v1/uploads/{made['uploadId']}/content", data=CSV)
        assert answer.status in (400, 403)
