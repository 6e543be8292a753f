"""Mirrors angarium/api/native/uploads.py, upload_content.py and upload_wire.py, by HTTP."""

import asyncio
import hashlib
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from angarium.config.schema import Config, Uploads
from tests.api.native.upload_house import KEY, House
from tests.api.serving import Answer, Client

CSV = b"email;name\na@b.example;Ann\nwrong;Bob\n"
OF_CSV = hashlib.sha256(CSV).hexdigest()
TUS = {"Tus-Resumable": "1.0.0"}
OFFSET_TYPE = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def announce(client: Client, size: int = len(CSV), **more: str) -> tuple[str, str]:
    """Return the id, and the path of its content."""
    asked = {"filename": "list.csv", "size": size, **more}
    made = await client.ask("POST", "/v1/uploads", json=asked, headers=KEY)
    assert made.status == 201, made.body
    return made.json["uploadId"], made.json["url"].removeprefix(client.base)


async def shown(client: Client, upload_id: str, query: str = "", **headers: str) -> Answer:
    return await client.ask("GET", f"/v1/uploads/{upload_id}{query}", headers={**KEY, **headers})


def field_of(answer: Answer) -> str:
    return str(answer.json.get("details", {}).get("field", ""))


async def test_a_file_is_announced_put_shown_listed_and_removed(house: House) -> None:
    async with house.client() as client:
        asked = {"filename": "list.csv", "size": len(CSV), "sha256": OF_CSV}
        made = await client.ask("POST", "/v1/uploads", json=asked, headers=KEY)
        answer = made.json
        assert (answer["method"], answer["offset"]) == ("PUT", 0)
        assert answer["expiresAt"] == "2027-01-16T08:00:00.000Z"
        assert answer["url"].startswith(f"{client.base}/v1/uploads/{answer['uploadId']}/content?")
        assert made.headers["Location"] == answer["url"]
        put = await client.ask("PUT", answer["url"].removeprefix(client.base), data=CSV)
        assert (put.status, put.json["state"], put.json["offset"]) == (200, "complete", len(CSV))
        found = (await shown(client, answer["uploadId"])).json
        assert (found["url"], found["problem"]) == (None, None)
        preview = found["preview"]
        assert (preview["delimiter"], preview["columns"]) == (";", ["email", "name"])
        assert (preview["charset"], preview["addressColumn"]) == ("utf-8", "email")
        assert [(each["line"], each["address"], each["problem"]) for each in preview["rows"]] == [
            (2, "a@b.example", None),
            (3, "", "address"),
        ]
        listed = (await client.ask("GET", "/v1/uploads", headers=KEY)).json
        assert [each["uploadId"] for each in listed["uploads"]] == [answer["uploadId"]]
        gone = await client.ask("DELETE", f"/v1/uploads/{answer['uploadId']}", headers=KEY)
        assert gone.json == {"success": True, "uploadId": answer["uploadId"]}
        assert (await shown(client, answer["uploadId"])).status == 404
        assert house.notes == [("upload.announced", "shop"), ("upload.removed", "shop")]


async def test_the_url_is_as_the_operator_says_clients_reach_the_api(house: House) -> None:
    house.config = Config(
        server=house.config.server, uploads=Uploads(url="https://api.example.com/")
    )
    async with house.client() as client:
        asked = {"filename": "list.csv", "size": 1}
        made = await client.ask("POST", "/v1/uploads", json=asked, headers=KEY)
        assert made.json["url"].startswith("https://api.example.com/v1/uploads/")


async def test_the_url_opens_its_upload_alone_and_until_it_expires(house: House) -> None:
    async with house.client() as client:
        upload_id, url = await announce(client)
        other_id, _ = await announce(client)
        assert (await client.ask("PUT", url.replace(upload_id, other_id), data=CSV)).status == 403
        assert (await client.ask("PUT", url.partition("?")[0], data=CSV)).status == 403
        assert (await client.ask("PUT", url.replace("tenant=shop", "tenant=x"))).status == 403
        house.clock.now += 86_400_001
        late = await client.ask("PUT", url, data=CSV)
        assert (late.status, "expired" in late.json["message"]) == (403, True)
        again = (await shown(client, upload_id)).json["url"].removeprefix(client.base)
        assert (await client.ask("PUT", again, data=CSV)).status == 200


async def test_others_uploads_are_not_seen_and_reading_alone_gives_no_url(house: House) -> None:
    async with house.client() as client:
        upload_id, _ = await announce(client)
        assert (await shown(client, upload_id, **{"X-API-Key": "other"})).status == 404
        foreign = await shown(client, upload_id, "?tenant=shop", **{"X-API-Key": "other"})
        assert (foreign.status, field_of(foreign)) == (403, "tenant")
        reader = {"X-API-Key": "shop-read"}
        assert (await shown(client, upload_id, **reader)).json["url"] is None
        asked = {"filename": "a", "size": 1}
        assert (await client.ask("POST", "/v1/uploads", json=asked, headers=reader)).status == 403
        removal = await client.ask("DELETE", f"/v1/uploads/{upload_id}", headers=reader)
        assert removal.status == 403
        for path in ("/v1/uploads/..%2Fx", "/v1/uploads/%00", f"/v1/uploads/{upload_id}x"):
            assert (await client.ask("GET", path, headers=KEY)).status == 404


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ({"size": 1}, 400, "filename"),
        ({"filename": "a"}, 400, "size"),
        ({"filename": "a", "size": 0}, 400, "size"),
        ({"filename": "a", "size": "1"}, 400, "size"),
        ({"filename": "a", "size": (1 << 20) + 1}, 400, "size"),
        ({"filename": "a\n", "size": 1}, 400, "filename"),
        ({"filename": "a", "size": 1, "sha256": "x"}, 400, "sha256"),
        ({"filename": "a", "size": 1, "more": 1}, 400, "more"),
        ({"filename": "a", "size": 1, "tenant": "other"}, 403, "tenant"),
    ],
)
async def test_what_cannot_be_announced_names_its_field(
    house: House, asked: dict[str, Any], status: int, field: str
) -> None:
    async with house.client() as client:
        answer = await client.ask("POST", "/v1/uploads", json=asked, headers=KEY)
        assert (answer.status, field_of(answer)) == (status, field)


async def test_of_too_many_or_too_large_files_the_next_is_refused(house: House) -> None:
    async with house.client() as client:
        asked = {"filename": "a", "size": 1 << 20}
        for _ in range(2):
            await client.ask("POST", "/v1/uploads", json=asked, headers=KEY)
        full = await client.ask("POST", "/v1/uploads", json=asked, headers=KEY)
        assert (full.status, full.json["error"], field_of(full)) == (429, "QUOTA_EXCEEDED", "size")


async def test_one_goes_on_by_content_range(house: House) -> None:
    async with house.client() as client:
        upload_id, url = await announce(client)
        first = {"Content-Range": f"bytes 0-9/{len(CSV)}"}
        part = await client.ask("PUT", url, data=CSV[:10], headers=first)
        assert (part.status, part.headers["Upload-Offset"], part.json["state"]) == (
            202,
            "10",
            "uploading",
        )
        assert (await shown(client, upload_id)).json["offset"] == 10
        wrong = {"Content-Range": f"bytes 12-{len(CSV) - 1}/{len(CSV)}"}
        answer = await client.ask("PUT", url, data=CSV[12:], headers=wrong)
        assert (answer.status, answer.headers["Upload-Offset"]) == (409, "10")
        rest = {"Content-Range": f"bytes 10-{len(CSV) - 1}/*"}
        assert (await client.ask("PUT", url, data=CSV[10:], headers=rest)).status == 200
        assert (await client.ask("PUT", url, data=CSV)).status == 409


@pytest.mark.parametrize(
    ("headers", "octets", "status", "field"),
    [
        ({}, CSV[1:], 400, "size"),
        ({}, CSV + b"x", 400, "size"),
        ({"Content-Range": "bytes 0-9/10"}, CSV[:10], 400, "Content-Range"),
        ({"Content-Range": "bytes 0-9/*"}, CSV[:9], 400, "Content-Range"),
        ({"Content-Range": "bytes 9-0/*"}, CSV[:10], 400, "Content-Range"),
        ({"Content-Range": "lines 0-9/*"}, CSV[:10], 400, "Content-Range"),
        ({"Content-Range": "bytes 0-99/*"}, CSV + b"x" * (100 - len(CSV)), 413, "size"),
        ({"Upload-Offset": "-1"}, CSV, 400, "Upload-Offset"),
        ({"Upload-Offset": "1"}, CSV, 413, "size"),
        ({"Upload-Offset": "1"}, CSV[1:], 409, "Upload-Offset"),
        ({"Content-Encoding": "gzip"}, CSV, 415, "Content-Encoding"),
        ({"Tus-Resumable": "0.2"}, CSV, 400, "Tus-Resumable"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_and_nothing_is_written(
    house: House, headers: dict[str, str], octets: bytes, status: int, field: str
) -> None:
    async with house.client() as client:
        upload_id, url = await announce(client)
        answer = await client.ask("PUT", url, data=octets, headers=headers)
        assert (answer.status, field_of(answer)) == (status, field)
        assert (await shown(client, upload_id)).json["offset"] == 0


async def test_a_chunked_body_is_taken_and_one_that_is_too_long_or_short_is_not(
    house: House,
) -> None:
    async def pieces(*octets: bytes) -> AsyncIterator[bytes]:
        for each in octets:
            yield each

    async with house.client() as client:
        upload_id, url = await announce(client, sha256=OF_CSV)
        long = await client.ask("PUT", url, data=pieces(CSV, b"x"))
        assert (long.status, field_of(long)) == (400, "size")
        short = await client.ask("PUT", url, data=pieces(CSV[:7]))
        assert (short.status, short.headers["Upload-Offset"]) == (400, "7")
        assert (await client.ask("PUT", url, data=pieces(CSV[:9], CSV[9:]))).status == 200
        assert (await shown(client, upload_id)).json["state"] == "complete"


async def test_content_of_another_hash_is_refused(house: House) -> None:
    async with house.client() as client:
        upload_id, url = await announce(client, sha256=OF_CSV)
        answer = await client.ask("PUT", url, data=CSV.upper())
        assert (answer.status, field_of(answer)) == (400, "sha256")
        assert (await shown(client, upload_id)).json["offset"] == 0
        assert (await client.ask("PUT", url, data=CSV)).status == 200


async def test_a_client_of_tus_creates_asks_and_continues(house: House) -> None:
    async with house.client() as client:
        metadata = f"filename {b64encode(b'list.csv').decode()},empty,sha256 {b64encode(OF_CSV.encode()).decode()}"
        headers = {**KEY, **TUS, "Upload-Length": str(len(CSV)), "Upload-Metadata": metadata}
        made = await client.ask("POST", "/v1/uploads", headers=headers)
        assert (made.status, made.headers["Tus-Resumable"]) == (201, "1.0.0")
        assert made.headers["Upload-Expires"] == "Sat, 16 Jan 2027 08:00:00 GMT"
        url = made.headers["Location"].removeprefix(client.base)
        head = await client.ask("HEAD", url, headers=TUS)
        assert (head.status, head.headers["Upload-Offset"], head.headers["Cache-Control"]) == (
            200,
            "0",
            "no-store",
        )
        assert head.headers["Upload-Length"] == str(len(CSV))
        first = {**TUS, **OFFSET_TYPE, "Upload-Offset": "0"}
        part = await client.ask("PATCH", url, data=CSV[:5], headers=first)
        assert (part.status, part.headers["Upload-Offset"], part.body) == (204, "5", b"")
        again = await client.ask("PATCH", url, data=CSV[:5], headers=first)
        assert (again.status, again.headers["Upload-Offset"]) == (409, "5")
        rest = {**TUS, **OFFSET_TYPE, "Upload-Offset": "5"}
        done = await client.ask("PATCH", url, data=CSV[5:], headers=rest)
        assert (done.status, done.headers["Upload-Offset"]) == (204, str(len(CSV)))
        found = (await shown(client, made.json["uploadId"])).json
        assert (found["state"], found["filename"], found["sha256"]) == (
            "complete",
            "list.csv",
            OF_CSV,
        )
        assert (await client.ask("HEAD", url, headers=TUS)).headers["Upload-Offset"] == str(
            len(CSV)
        )


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({}, "Upload-Length"),
        ({"Upload-Length": "1e3"}, "Upload-Length"),
        ({"Upload-Length": "0"}, "size"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename ???"}, "Upload-Metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename gA=="}, "Upload-Metadata"),
        ({"Upload-Length": "5", "Tus-Resumable": "2.0.0"}, "Tus-Resumable"),
        ({"Upload-Defer-Length": "1"}, "Upload-Length"),
    ],
)
async def test_a_creation_of_tus_that_cannot_be_names_the_header(
    house: House, headers: dict[str, str], field: str
) -> None:
    async with house.client() as client:
        answer = await client.ask("POST", "/v1/uploads", headers={**KEY, **TUS, **headers})
        assert (answer.status, field_of(answer)) == (400, field)


async def test_a_patch_needs_its_type_and_offset(house: House) -> None:
    async with house.client() as client:
        _, url = await announce(client)
        answer = await client.ask("PATCH", url, data=CSV, headers={"Upload-Offset": "0"})
        assert (answer.status, field_of(answer)) == (415, "Content-Type")
        answer = await client.ask("PATCH", url, data=CSV, headers=OFFSET_TYPE)
        assert (answer.status, field_of(answer)) == (400, "Upload-Offset")


async def broken_off(client: Client, url: str, octets: bytes, size: int) -> asyncio.StreamWriter:
    host, port = client.base.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"PUT {url} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n\r\n"
    writer.write(head.encode() + octets)
    await writer.drain()
    return writer


async def until_locked(house: House, upload_id: str) -> None:
    for _ in range(3000):
        found = house.store.find("shop", upload_id)
        assert found is not None
        if not house.store._is_idle(found):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody writes")


async def test_what_came_before_a_connection_broke_stays_and_others_wait_up2(
    house: House,
) -> None:
    size = 300_000
    content = bytes(range(250)) * (size // 250)
    async with house.client() as client:
        upload_id, url = await announce(client, size)
        writer = await broken_off(client, url, content[:100_000], size)
        await until_locked(house, upload_id)
        busy = await client.ask("PUT", url, data=content)
        assert (busy.status, "another request" in busy.json["message"]) == (409, True)
        writer.close()
        for _ in range(3000):
            if (found := (await shown(client, upload_id)).json)["offset"] == 100_000:
                break
            await asyncio.sleep(0.01)
        assert found["offset"] == 100_000
        rest = {"Upload-Offset": "100000"}
        for _ in range(3000):
            answer = await client.ask("PUT", url, data=content[100_000:], headers=rest)
            if answer.status != 409:
                break
            await asyncio.sleep(0.01)
        assert answer.status == 200
        found_upload = house.store.find("shop", upload_id)
        assert found_upload is not None
        assert house.store.data_path(found_upload).read_bytes() == content


async def test_who_sends_nothing_for_long_is_told_and_what_came_stays(house: House) -> None:
    async with house.client(body_s=0.3) as client:
        upload_id, url = await announce(client, 1000)
        writer = await broken_off(client, url, b"x" * 400, 1000)
        for _ in range(3000):
            if (found := (await shown(client, upload_id)).json)["offset"] == 400:
                break
            await asyncio.sleep(0.01)
        assert found["offset"] == 400
        writer.close()


async def test_one_that_was_killed_before_it_was_completed_is_completed_when_it_is_asked_for(
    house: House,
) -> None:
    async with house.client() as client:
        upload_id, url = await announce(client, sha256=OF_CSV)
        with house.store.open("shop", upload_id) as writing:
            writing.write(CSV)
        head = await client.ask("HEAD", url, headers=TUS)
        assert head.headers["Upload-Offset"] == str(len(CSV))
        assert (await shown(client, upload_id)).json["state"] == "complete"


async def test_what_is_no_table_says_why_and_may_be_read_otherwise(house: House) -> None:
    async with house.client() as client:
        octets = b"who|name\na@b.example|Ann\n"
        upload_id, url = await announce(client, len(octets))
        await client.ask("PUT", url, data=octets)
        found = (await shown(client, upload_id)).json
        assert found["preview"] is None
        assert found["problem"].startswith("line 1: no column is called email")
        found = (await shown(client, upload_id, "?address=who")).json
        assert found["preview"]["rows"][0]["variables"] == {"name": "Ann"}
        wrong = await shown(client, upload_id, "?charset=klingon")
        assert (wrong.status, field_of(wrong)) == (400, "charset")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl_puts_a_file(house: House, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    content = b"email\n" + b"a@b.example\n" * 50_000
    path.write_bytes(content)
    async with house.client() as client:
        upload_id, url = await announce(client, len(content))
        command = ("curl", "-sS", "--fail", "-T", str(path), client.base + url)
        curl = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await curl.communicate()
        assert (curl.returncode, b'"complete"' in out) == (0, True)
        assert (await shown(client, upload_id)).json["size"] == len(content)


async def test_a_connection_on_which_a_file_comes_slowly_is_not_taken_for_a_silent_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("angarium.api.native.upload_content.PIECE_OCTETS", 1 << 16)
    monkeypatch.setattr(
        "angarium.api.server.HttpServer._note", lambda _, request: told.append(request.method)
    )
    async with house.client() as client:
        _, url = await announce(client, 1 << 20)
        assert (await client.ask("PUT", url, data=b"x" * (1 << 20))).status == 200
    # When it begins, with each of some pieces, and when it ends
    assert told.count("PUT") >= 2 + 3
