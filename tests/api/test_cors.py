"""Mirrors angarium/api/cors.py."""

from collections.abc import Sequence

import pytest
from aiohttp import web

from angarium.api import Served
from angarium.api.cors import Cors
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.dialect import NativeDialect
from tests.api.serving import Answer, Client, serving

PAGE = "https://app.example.com"
ASKS = {"Access-Control-Request-Method": "POST"}


class Resource:
    def routes(self) -> Sequence[Route]:
        return (Route(method="POST", path="/v1/send", handler=self.send),)

    async def send(self, _: web.Request) -> web.Response:
        return json_response({"sent": True})


def served(*origins: str) -> Served:
    return Served(dialects=(NativeDialect((Resource(),)),), cors=Cors(origins))


async def asked(client: Client, method: str, path: str, origin: str) -> Answer:
    headers = {"Origin": origin, **(ASKS if method == "OPTIONS" else {})}
    return await client.ask(method, path, headers=headers)


async def test_a_page_of_an_allowed_site_may_ask_and_read() -> None:
    async with serving(served(PAGE + "/")) as client:
        first = await asked(client, "OPTIONS", "/v1/send", PAGE)
        assert first.status == 204
        assert first.headers["Access-Control-Allow-Origin"] == PAGE
        assert "PATCH" in first.headers["Access-Control-Allow-Methods"]
        assert "X-API-Key" in first.headers["Access-Control-Allow-Headers"]
        assert "Upload-Offset" in first.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in first.headers
        answer = await asked(client, "POST", "/v1/send", PAGE)
        assert answer.json == {"sent": True}
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
        assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
        assert answer.headers["Vary"] == "Origin"


async def test_a_refusal_can_be_read_too() -> None:
    async with serving(served(PAGE)) as client:
        answer = await asked(client, "GET", "/v1/nothing", PAGE)
        assert answer.status == 404
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example.com"])
async def test_a_page_of_another_site_may_not(origin: str) -> None:
    async with serving(served(PAGE)) as client:
        assert (await asked(client, "OPTIONS", "/v1/send", origin)).status == 405
        answer = await asked(client, "POST", "/v1/send", origin)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


async def test_any_site_may_where_that_is_said() -> None:
    async with serving(served("*")) as client:
        answer = await asked(client, "POST", "/v1/send", "https://evil.example")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_without_it_nothing_is_said() -> None:
    async with serving(Served(dialects=(NativeDialect((Resource(),)),))) as client:
        assert (await asked(client, "OPTIONS", "/v1/send", PAGE)).status == 405
        answer = await asked(client, "POST", "/v1/send", PAGE)
        assert not [each for each in answer.headers if each.startswith("Access-Control")]
