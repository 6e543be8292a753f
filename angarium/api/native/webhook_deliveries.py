"""/v1/webhooks/{id}/deliveries, /test and /replay: what endpoints were told, and telling it again."""

import asyncio
import os
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.webhook_outbox import OutboxAccess
from angarium.api.native.webhook_wire import (
    DeliveriesAsked,
    DeliveryList,
    DeliveryShown,
    DeliveryWithLog,
    OneWebhookAsked,
    ReplayAnswer,
    ReplayAsked,
    delivery_shown,
    delivery_with_log,
)
from angarium.api.native.webhooks import ONE, WebhookResource
from angarium.api.native.wire import (
    cursor_of,
    in_path,
    invalid,
    read_query,
    read_text_cursor,
    unix_ms,
)
from angarium.api.reading import read_json
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue.message_id import MessageIdGenerator
from angarium.tenancy.webhook import Webhook
from angarium.webhooks.delivery import Delivery, DeliveryFilter, State
from angarium.webhooks.trial import put_trial

# Ours: who tests an endpoint wants to know whether it works
TEST_WAIT_S: Final = 10.0
LOOK_S: Final = 0.05
_DIGITS: Final = 18


class DeliveryResource:
    def __init__(self, premises: Premises, webhooks: WebhookResource, outbox: OutboxAccess) -> None:
        self._premises = premises
        self._webhooks = webhooks
        self._outbox = outbox
        self._new_id = MessageIdGenerator(premises.clock, os.urandom)

    def routes(self) -> Sequence[Route]:
        many = f"{ONE}/deliveries"
        one = f"{many}/{{delivery}}"
        return (
            Route(
                method="GET",
                path=many,
                handler=self.page,
                summary="List what a webhook was told, is to be told, or could not be told.",
                scope="webhooks:read",
                query=DeliveriesAsked,
                answers={200: DeliveryList},
            ),
            Route(
                method="GET",
                path=one,
                handler=self.show,
                summary="Show a delivery with its event, and each attempt with its answer.",
                scope="webhooks:read",
                query=OneWebhookAsked,
                answers={200: DeliveryWithLog},
            ),
            Route(
                method="POST",
                path=f"{one}/replay",
                handler=self.replay_one,
                summary="Tell a delivery again, with the id of before.",
                scope="webhooks:write",
                query=OneWebhookAsked,
                answers={200: DeliveryShown},
            ),
            Route(
                method="POST",
                path=f"{ONE}/replay",
                handler=self.replay,
                summary="Tell all that failed again, or all of a range of time.",
                scope="webhooks:write",
                query=OneWebhookAsked,
                request=ReplayAsked,
                answers={200: ReplayAnswer},
            ),
            Route(
                method="POST",
                path=f"{ONE}/test",
                handler=self.test,
                summary="Have a webhook told of an event of type webhook.test, and show what it answers.",
                scope="webhooks:write",
                query=OneWebhookAsked,
                answers={200: DeliveryWithLog},
            ),
        )

    async def page(self, request: web.Request) -> web.Response:
        webhook = await self._webhooks.found(request, "read")
        asked = read_query(request, DeliveriesAsked)
        before = _number(read_text_cursor(asked.cursor))
        if asked.cursor and before is None:
            raise invalid("cursor", "cursor: it is of no page of this list")
        wanted = DeliveryFilter(endpoint=webhook.id, status=asked.status, email_id=asked.email_id)
        found = await self._outbox.run(
            lambda outbox: outbox.list(wanted, before=before, limit=asked.limit)
        )
        last = str(found[-1].id).encode() if len(found) == asked.limit else None
        return json_response(
            DeliveryList(
                deliveries=[delivery_shown(each) for each in found], cursor=cursor_of(last)
            )
        )

    async def show(self, request: web.Request) -> web.Response:
        found = await self._found(request, await self._webhooks.found(request, "read"))
        return await self._with_log(found)

    async def replay_one(self, request: web.Request) -> web.Response:
        caller, webhook = await self._webhooks.found_by(request, "write")
        _check_enabled(webhook)
        found = await self._found(request, webhook)
        now = self._premises.clock()
        await self._outbox.run(lambda outbox: outbox.replay(found.id, now))
        await self._note(caller, webhook, 1)
        again = await self._outbox.run(lambda outbox: outbox.find(found.id))
        return json_response(delivery_shown(again or found))

    async def replay(self, request: web.Request) -> web.Response:
        caller, webhook = await self._webhooks.found_by(request, "write")
        asked = await read_json(request, ReplayAsked) if request.can_read_body else ReplayAsked()
        _check_enabled(webhook)
        is_all = asked.status is None and asked.since is None and asked.until is None
        wanted = DeliveryFilter(
            endpoint=webhook.id,
            status="failed" if is_all else asked.status,
            since=None if asked.since is None else unix_ms(asked.since),
            until=None if asked.until is None else unix_ms(asked.until),
        )
        now = self._premises.clock()
        count = await self._outbox.run(lambda outbox: outbox.replay_all(wanted, now))
        await self._note(caller, webhook, count)
        return json_response(ReplayAnswer(replayed=count))

    async def _note(self, caller: Caller, webhook: Webhook, count: int) -> None:
        await self._premises.note(
            caller, "webhook.replayed", webhook.id, tenant=webhook.tenant, count=str(count)
        )

    async def test(self, request: web.Request) -> web.Response:
        webhook = await self._webhooks.found(request, "write")
        _check_enabled(webhook)
        now = self._premises.clock()
        number = await self._outbox.run(
            lambda outbox: put_trial(outbox, webhook, self._new_id, now)
        )
        waited_s = 0.0
        while True:
            found = await self._outbox.run(lambda outbox: outbox.find(number))
            if found is None:
                raise _no_delivery(str(number))
            if found.attempts or found.state is not State.WAITING or waited_s >= TEST_WAIT_S:
                return await self._with_log(found)
            await asyncio.sleep(LOOK_S)
            waited_s += LOOK_S

    async def _with_log(self, found: Delivery) -> web.Response:
        attempts = await self._outbox.run(lambda outbox: outbox.attempts(found.id))
        return json_response(delivery_with_log(found, attempts))

    async def _found(self, request: web.Request, webhook: Webhook) -> Delivery:
        """Return the delivery of the path. Raises FaultError."""
        text = in_path(request, "delivery")
        number = _number(text)
        found = None
        if number is not None:
            found = await self._outbox.run(lambda outbox: outbox.find(number))
        if found is None or found.endpoint != webhook.id:
            raise _no_delivery(text)
        return found


def _check_enabled(webhook: Webhook) -> None:
    """Raises FaultError."""
    if not webhook.enabled:
        text = f"Webhook {webhook.id} is disabled: PATCH it with enabled first"
        raise FaultError(Fault(kind=FaultKind.CONFLICT, message=text))


def _number(text: str) -> int | None:
    is_one = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if is_one else None


def _no_delivery(text: str) -> FaultError:
    message = f"There is no delivery {text[:40]!a} of this webhook"
    return FaultError(Fault(kind=FaultKind.NOT_FOUND, message=message))
