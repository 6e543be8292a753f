"""Resend's /webhooks: endpoints that are told what becomes of mail, in Resend's form."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from angarium.api.compat.faults import invalid, missing, renamed, unsupported
from angarium.api.compat.resend.paging import page_of, read_wanted
from angarium.api.compat.resend.wire import WireWebhook
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.webhooks import check_url
from angarium.api.reading import read_json
from angarium.intake.order import Caller, FaultError
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.webhook import Webhook

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform
    from angarium.tenancy.webhooks import NewWebhookSecret

_NAMES: Final = {"url": "endpoint"}
_STATUS: Final = {"enabled": True, "disabled": False}


class Webhooks:
    """``premises.admit`` asks for a key as Resend's clients send it."""

    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        one = "/webhooks/{id}"
        return (
            Route(method="POST", path="/webhooks", handler=self._create),
            Route(method="GET", path="/webhooks", handler=self._list),
            Route(method="GET", path=one, handler=self._get),
            Route(method="PATCH", path=one, handler=self._change),
            Route(method="DELETE", path=one, handler=self._remove),
            Route(method="POST", path=f"{one}/signing-secret/rotate", handler=self._rotate),
            Route(method="GET", path=f"{one}/events", handler=self._refuse_events),
            Route(method="GET", path=f"{one}/events/{{tail:.+}}", handler=self._refuse_events),
            Route(method="POST", path=f"{one}/events/{{tail:.+}}", handler=self._refuse_events),
        )

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "write")
        asked = await read_json(request, WireWebhook)
        for name, given in (("endpoint", asked.endpoint), ("events", asked.events)):
            if not given:
                raise FaultError(missing(name, f"Missing `{name}` field."))
        if asked.status:
            raise FaultError(unsupported("status", "a new webhook is enabled"))
        check_url(self._premises, caller, asked.endpoint, "endpoint")

        def create(platform: "Platform") -> "NewWebhookSecret":
            from angarium.tenancy.webhooks import WebhookWish

            return platform.webhooks.create(
                WebhookWish(
                    tenant=caller.tenant,
                    url=asked.endpoint,
                    events=asked.events,
                    format="resend",
                )
            )

        made = await self._premises.platform.run(create, by=caller)
        return json_response(_with_secret(made), 201)

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "read")
        wanted = read_wanted(request.query)
        found = await self._premises.platform.run(
            lambda platform: platform.webhooks.list(caller.tenant), by=caller
        )
        newest_first = sorted(found, key=lambda each: (-each.created, each.id))
        return json_response(page_of([_shown(each) for each in newest_first], wanted))

    async def _get(self, request: web.Request) -> web.Response:
        """With its secret, as there; so it needs a key that may change it."""
        caller = self._premises.admit(request, "webhooks", "write")

        def find(platform: "Platform") -> tuple[Webhook, str]:
            found = platform.webhooks.find(request.match_info["id"], caller.tenant)
            return found, platform.webhooks.secret(found)

        found, secret = await self._premises.platform.run(find, by=caller)
        return json_response({"object": "webhook", **_shown(found), "signing_secret": secret})

    async def _change(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "write")
        id_ = request.match_info["id"]
        asked = await read_json(request, WireWebhook)
        if asked.webhook_id not in ("", id_):
            raise FaultError(invalid("webhook_id", "is another one than that of the path"))
        if asked.status and asked.status not in _STATUS:
            raise FaultError(invalid("status", f"must be one of {', '.join(_STATUS)}"))
        if asked.endpoint:
            check_url(self._premises, caller, asked.endpoint, "endpoint")
        found = await self._changed(caller, id_, asked)
        return json_response({"object": "webhook", "id": found.id})

    async def _changed(self, caller: Caller, id_: str, asked: WireWebhook) -> Webhook:
        def change(platform: "Platform") -> Webhook:
            from angarium.tenancy.webhooks import WebhookChange

            wanted = WebhookChange(
                url=asked.endpoint or None,
                events=asked.events or None,
                enabled=_STATUS.get(asked.status),
            )
            return platform.webhooks.change(id_, wanted, caller.tenant)

        try:
            return await self._premises.platform.run(change, by=caller)
        except FaultError as error:
            raise FaultError(renamed(error.fault, _NAMES)) from None

    async def _remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "write")
        id_ = request.match_info["id"]
        found = await self._premises.platform.run(
            lambda platform: platform.webhooks.remove(id_, caller.tenant), by=caller
        )
        return json_response({"object": "webhook", "id": found.id, "deleted": True})

    async def _rotate(self, request: web.Request) -> web.Response:
        """For a day the secret of before signs, too."""
        caller = self._premises.admit(request, "webhooks", "write")
        id_ = request.match_info["id"]
        made = await self._premises.platform.run(
            lambda platform: platform.webhooks.rotate(id_, caller.tenant), by=caller
        )
        return json_response(_with_secret(made))

    async def _refuse_events(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "webhooks", "read")
        raise FaultError(unsupported("events", "see GET /v1/webhooks/{id}/deliveries"))


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "endpoint": webhook.url,
        "events": list(webhook.events),
        "status": "enabled" if webhook.enabled else "disabled",
        "created_at": rfc3339(webhook.created),
    }


def _with_secret(made: "NewWebhookSecret") -> dict[str, Any]:
    return {"object": "webhook", "id": made.webhook.id, "signing_secret": made.text}
