"""A stand-in for Microsoft's SNDS REST API, and for Microsoft's token endpoint. Bound to loopback; for tests, and for
trying things out.

Its paths and its refresh tokens, each of which counts once, are as clients of it have them. How it names what it
answers is not documented: it answers as CSV or as JSON, as it is told.
"""

import re
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from angarium.receiver_reports.snds import COLUMNS

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class SndsStub:
    """``days``: rows by day, as the CSV has them; ``status``: what is blocked."""

    def __init__(self, form: Literal["csv", "json"] = "json") -> None:
        self.form = form
        self.client_id = "a-client"
        self.client_secret = "a-secret"
        self.refresh_token = "refresh-1"
        self.days: dict[str, list[tuple[str, ...]]] = {}
        self.status: list[tuple[str, str, str, str]] = []
        self.faults: list[int] = []  # statuses of the next answers
        self.calls: list[str] = []
        self.grants: list[str] = []
        self._tokens = 1
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    def key_file(self, way: Literal["refresh_token", "client_secret"] = "refresh_token") -> bytes:
        found = {"client_id": self.client_id, "token_uri": self.token_url}
        return msgspec.json.encode(found | {way: getattr(self, way)})

    async def start(self, port: int = 0) -> None:
        application = web.Application()
        application.router.add_post("/token", self._token)
        application.router.add_get("/api/report/data/{day}", self._data)
        application.router.add_get("/api/report/status/ip", self._status)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        grant = str(form.get("grant_type"))
        self.grants.append(grant)
        is_right = form.get("client_id") == self.client_id and (
            form.get("refresh_token") == self.refresh_token
            if grant == "refresh_token"
            else form.get("client_secret") == self.client_secret
        )
        if not is_right:
            answer = {"error": "invalid_grant", "error_description": "AADSTS70000: not valid"}
            return web.json_response(answer, status=400)
        self._tokens += 1
        found: dict[str, Any] = {"access_token": "access-1", "expires_in": 3599}
        if grant == "refresh_token":
            self.refresh_token = found["refresh_token"] = f"refresh-{self._tokens}"
        return web.json_response(found)

    def _refusal(self, request: web.Request) -> web.Response | None:
        self.calls.append(request.path)
        if self.faults:
            return web.Response(status=self.faults.pop(0), text="a fault that was ordered")
        if request.headers.get("Authorization") != "Bearer access-1":
            return web.Response(status=401)
        return None

    async def _data(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        day = request.match_info["day"]
        if _DAY.fullmatch(day) is None:
            return web.Response(status=400, text="no day")
        rows = self.days.get(day)
        if rows is None:
            return web.Response(status=404)
        return self._answer(COLUMNS, rows)

    async def _status(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        return self._answer(("ipAddress", "endIP", "blocked", "reason"), self.status)

    def _answer(
        self,
        names: tuple[str, ...],
        rows: "list[tuple[str, ...]] | list[tuple[str, str, str, str]]",
    ) -> web.Response:
        if self.form == "csv":
            lines = "".join(",".join(each) + "\r\n" for each in rows)
            return web.Response(text=lines, content_type="text/csv")
        value = [dict(zip(map(_camel, names), each, strict=False)) for each in rows]
        return web.json_response({"value": value})


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.title() for each in others)
