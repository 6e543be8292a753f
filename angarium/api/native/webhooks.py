"""/v1/webhooks: endpoints that are told what becomes of mail. A secret is shown once, when it is made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.webhook_outbox import OutboxAccess
from angarium.api.native.webhook_wire import (
    CallbackSecret,
    OneWebhookAsked,
    RotateAsked,
    WebhookAsked,
    WebhookChanged,
    WebhookList,
    WebhookMade,
    WebhooksAsked,
    WebhookShown,
    WebhookState,
    webhook_made,
    webhook_shown,
    webhook_state,
)
from angarium.api.native.wire import (
    cursor_of,
    in_path,
    invalid,
    read_query,
    read_text_cursor,
)
from angarium.api.reading import read_json
from angarium.intake.order import Caller, FaultKind
from angarium.tenancy.webhook import Webhook
from angarium.webhooks.guard import Guard, UrlError
from angarium.webhooks.sinks.sink import is_operators, read_endpoint

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform
    from angarium.tenancy.webhooks import NewWebhookSecret

PATH = "/v1/webhooks"
ONE = f"{PATH}/{{id}}"


class WebhookResource:
    def __init__(self, premises: Premises, outbox: OutboxAccess) -> None:
        self._premises = premises
        self._outbox = outbox

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path=PATH,
                handler=self.create,
                summary="Have a URL told of events.",
                scope="webhooks:write",
                request=WebhookAsked,
                answers={201: WebhookMade},
            ),
            Route(
                method="GET",
                path=PATH,
                handler=self.page,
                summary="List the webhooks.",
                scope="webhooks:read",
                query=WebhooksAsked,
                answers={200: WebhookList},
            ),
            Route(
                method="GET",
                path=ONE,
                handler=self.show,
                summary="Show a webhook, and how it does.",
                scope="webhooks:read",
                query=OneWebhookAsked,
                answers={200: WebhookState},
            ),
            Route(
                method="PATCH",
                path=ONE,
                handler=self.change,
                summary="Change a webhook; what waits for it is told by what it is then.",
                scope="webhooks:write",
                query=OneWebhookAsked,
                request=WebhookChanged,
                answers={200: WebhookShown},
            ),
            Route(
                method="DELETE",
                path=ONE,
                handler=self.remove,
                summary="Forget a webhook, and what waits for it.",
                scope="webhooks:write",
                query=OneWebhookAsked,
                answers={200: WebhookShown},
            ),
            Route(
                method="POST",
                path=f"{ONE}/rotate",
                handler=self.rotate,
                summary="Give a webhook another secret; for a while the one of before signs, too.",
                scope="webhooks:write",
                query=OneWebhookAsked,
                request=RotateAsked,
                answers={200: WebhookMade},
            ),
            Route(
                method="GET",
                path="/v1/callback-secret",
                handler=self.callback_secret,
                summary="Show what requests to callback URLs of single messages are signed with.",
                scope="webhooks:write",
                query=OneWebhookAsked,
                answers={200: CallbackSecret},
            ),
        )

    async def create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "write")
        asked = await read_json(request, WebhookAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        check_url(self._premises, caller, asked.url)

        def create(platform: "Platform") -> "NewWebhookSecret":
            from angarium.tenancy.webhooks import WebhookWish

            return platform.webhooks.create(
                WebhookWish(
                    tenant=tenant,
                    url=asked.url,
                    events=asked.events,
                    streams=asked.streams,
                    tags=asked.tags,
                    format=asked.format,
                )
            )

        made = await self._premises.platform.run(create, by=caller)
        return json_response(webhook_made(made.webhook, made.text), 201)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "read")
        asked = read_query(request, WebhooksAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        after = read_text_cursor(asked.cursor)
        found = await self._premises.platform.run(
            lambda platform: platform.webhooks.list(tenant), by=caller
        )
        page = [each for each in found if each.id > after][: asked.limit]
        last = page[-1].id.encode() if len(page) == asked.limit else None
        return json_response(
            WebhookList(webhooks=[webhook_shown(each) for each in page], cursor=cursor_of(last))
        )

    async def show(self, request: web.Request) -> web.Response:
        found = await self.found(request, "read")
        health = await self._outbox.run(lambda outbox: outbox.health(found.id))
        return json_response(webhook_state(found, health))

    async def change(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "write")
        tenant = self._premises.tenant_of(
            caller, read_query(request, OneWebhookAsked).tenant, "write"
        )
        webhook_id = in_path(request, "id")
        asked = await read_json(request, WebhookChanged)
        if asked.url is not None:
            check_url(self._premises, caller, asked.url)

        def change(platform: "Platform") -> Webhook:
            from angarium.tenancy.webhooks import WebhookChange

            wanted = WebhookChange(
                url=asked.url,
                events=asked.events,
                streams=asked.streams,
                tags=asked.tags,
                format=asked.format,
                enabled=asked.enabled,
                reason=asked.reason,
            )
            return platform.webhooks.change(webhook_id, wanted, tenant)

        found = await self._premises.platform.run(change, by=caller)
        return json_response(webhook_shown(found))

    async def remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "write")
        tenant = self._premises.tenant_of(
            caller, read_query(request, OneWebhookAsked).tenant, "write"
        )
        webhook_id = in_path(request, "id")
        found = await self._premises.platform.run(
            lambda platform: platform.webhooks.remove(webhook_id, tenant), by=caller
        )
        return json_response(webhook_shown(found))

    async def rotate(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "write")
        tenant = self._premises.tenant_of(
            caller, read_query(request, OneWebhookAsked).tenant, "write"
        )
        webhook_id = in_path(request, "id")
        asked = await read_json(request, RotateAsked) if request.can_read_body else RotateAsked()
        overlap_ms = asked.overlap_seconds * 1000
        made = await self._premises.platform.run(
            lambda platform: platform.webhooks.rotate(webhook_id, tenant, overlap_ms=overlap_ms),
            by=caller,
        )
        return json_response(webhook_made(made.webhook, made.text))

    async def callback_secret(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "webhooks", "write")
        tenant = self._premises.tenant_of(
            caller, read_query(request, OneWebhookAsked).tenant, "write"
        )
        secret = await self._premises.platform.run(
            lambda platform: platform.webhooks.callback_secret(tenant), by=caller
        )
        return json_response(CallbackSecret(tenant=tenant, secret=secret))

    async def found(self, request: web.Request, action: str) -> Webhook:
        """Return the webhook of the path. Raises FaultError."""
        return (await self.found_by(request, action))[1]

    async def found_by(self, request: web.Request, action: str) -> tuple[Caller, Webhook]:
        """The same, and who asks."""
        caller = self._premises.admit(request, "webhooks", action)
        asked = request.query.get("tenant", "")
        tenant = self._premises.tenant_of(caller, asked, action)
        webhook_id = in_path(request, "id")
        found = await self._premises.platform.run(
            lambda platform: platform.webhooks.find(webhook_id, tenant), by=caller
        )
        return caller, found


def check_url(premises: Premises, caller: Caller, url: str, field: str = "url") -> None:
    """Raises FaultError: nothing may be told there (P1). The addresses of a name are judged when it is."""
    settings = premises.config().webhook
    if is_operators(url) and not premises.may(caller, "tenants", "write"):
        text = f"{field}: an endpoint of this kind needs the scope tenants:write"
        raise invalid(field, text, FaultKind.NO_SCOPE)
    try:
        read_endpoint(url, Guard(settings.allow_networks, allow_http=settings.allow_http))
    except UrlError as error:
        raise invalid(field, f"{field}: {error}", constraint="allowed") from None
