"""DELETE and PATCH /v1/emails/{id}: mail that waits is called off, or gets another start."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.sending import Admits
from angarium.api.reading import read_json
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.intake.waiting_mail import WaitingMail
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339


class RescheduleAsked(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """PATCH /v1/emails/{id}: when it is to be sent instead; now, if that is over."""

    send_at: Annotated[datetime, Meta(tz=True)]


class RescheduleAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    success: bool
    email_id: str
    status: str
    send_at: str
    expires_at: str  # it is given up then


class CancelAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    success: bool
    email_id: str
    status: str
    recipients: int  # who were to get it, and get nothing now


class WaitingResource:
    def __init__(self, waiting: WaitingMail, admit: Admits) -> None:
        self._waiting = waiting
        self._admit = admit

    def routes(self) -> Sequence[Route]:
        path = "/v1/emails/{id}"
        return [
            Route(
                method="DELETE",
                path=path,
                handler=self.cancel,
                summary="Call off what of a message has not left yet.",
                scope="emails:cancel",
                answers={200: CancelAnswer},
            ),
            Route(
                method="PATCH",
                path=path,
                handler=self.reschedule,
                summary="Have a message that waits for its start sent at another time.",
                scope="emails:cancel",
                request=RescheduleAsked,
                answers={200: RescheduleAnswer},
            ),
        ]

    async def cancel(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "emails", "cancel")
        email_id = request.match_info["id"]
        count = await self._waiting.cancel(caller, email_id)
        return json_response(
            CancelAnswer(success=True, email_id=email_id, status="cancelled", recipients=count)
        )

    async def reschedule(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "emails", "cancel")
        asked = await read_json(request, RescheduleAsked)
        email_id = request.match_info["id"]
        start = int(asked.send_at.timestamp() * 1000)
        if start < 0:
            text = "sendAt: is before 1970"
            raise FaultError(Fault(kind=FaultKind.INVALID, message=text, field="sendAt"))
        moved = await self._waiting.reschedule(caller, email_id, UnixMs(start))
        return json_response(
            RescheduleAnswer(
                success=True,
                email_id=email_id,
                status="scheduled",
                send_at=rfc3339(moved.due),
                expires_at=rfc3339(moved.expires),
            )
        )
