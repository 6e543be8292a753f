"""Statistics and controls of a running small internet over HTTP, for whoever runs it in another process."""

from collections.abc import Iterable

import msgspec
from aiohttp import web

from angarium.simulator.internet import Internet
from angarium.simulator.scenario import ScenarioError

JSON_LINES = "application/x-ndjson"


def status_app(net: Internet) -> web.Application:
    """Return the application. Nothing is protected: it is for loopback."""
    routes = _Routes(net)
    app = web.Application()
    app.router.add_get("/statistics", routes.statistics)
    app.router.add_get("/messages", routes.messages)
    app.router.add_get("/copies", routes.copies)
    app.router.add_get("/outbox", routes.outbox)
    app.router.add_post("/providers/{name}/down", routes.take_down)
    app.router.add_post("/providers/{name}/up", routes.bring_up)
    app.router.add_post("/dns", routes.add_record)
    return app


class _StatusRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    record: str
    ttl: int = 60


class _Routes:
    def __init__(self, net: Internet) -> None:
        self._net = net

    async def statistics(self, _: web.Request) -> web.Response:
        """One object: provider -> its counters."""
        return _json({name: each.statistics for name, each in self._net.mailboxes.items()})

    async def messages(self, request: web.Request) -> web.Response:
        """JSON lines of the newest messages; ?provider=NAME for one provider's. Content is base64."""
        only = request.query.get("provider")
        return _lines(
            {"provider": name, **msgspec.structs.asdict(message)}
            for name, each in self._net.mailboxes.items()
            if only in (None, name)
            for message in each.messages
        )

    async def copies(self, request: web.Request) -> web.Response:
        """JSON lines of how often each (id, recipient) was accepted; ?more_than=1 for duplicates only."""
        try:
            more_than = int(request.query.get("more_than", "0"))
        except ValueError as error:
            raise web.HTTPBadRequest(text="more_than is not a number\n") from error
        return _lines(
            {"provider": name, "id": key[0], "recipient": key[1], "count": count}
            for name, each in self._net.mailboxes.items()
            for key, count in each.copies.items()
            if count > more_than
        )

    async def outbox(self, _: web.Request) -> web.Response:
        """JSON lines of the reports that no address was set for."""
        return _lines(self._net.outbox)

    async def take_down(self, request: web.Request) -> web.Response:
        await self._net.take_down(self._provider(request))
        return _json({"ok": True})

    async def bring_up(self, request: web.Request) -> web.Response:
        try:
            await self._net.bring_up(self._provider(request))
        except OSError as error:
            raise web.HTTPConflict(text=f"{error}\n") from error
        return _json({"ok": True})

    async def add_record(self, request: web.Request) -> web.Response:
        """Body: {"name": ..., "record": "TXT ...", "ttl": 60}."""
        try:
            record = msgspec.json.decode(await request.read(), type=_StatusRecord)
            self._net.zone.add(record.name, record.record, record.ttl)
        except (msgspec.MsgspecError, ScenarioError) as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        return _json({"ok": True})

    def _provider(self, request: web.Request) -> str:
        name = request.match_info["name"]
        if name not in self._net.mailboxes:
            raise web.HTTPNotFound(text=f"no provider {name}\n")
        return name


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _lines(values: Iterable[object]) -> web.Response:
    encoder = msgspec.json.Encoder()
    return web.Response(body=encoder.encode_lines(values), content_type=JSON_LINES)
