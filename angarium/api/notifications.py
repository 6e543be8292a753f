"""Where Amazon SNS delivers what SES has to say: POST /v1/ses/notifications. What was answered with 200 is durable."""

from http import HTTPStatus
from typing import Final, Protocol

import msgspec
from aiohttp import web

from angarium.feedback.sns import MAX_OCTETS

PATH: Final = "/v1/ses/notifications"


class Taken(msgspec.Struct, frozen=True):
    """It was what it should be; it need not come again."""


class Refused(msgspec.Struct, frozen=True):
    status: int
    reason: str


class Unavailable(msgspec.Struct, frozen=True):
    """Not now: SNS tries again."""

    reason: str


SnsAnswer = Taken | Refused | Unavailable


class TakesNotifications(Protocol):
    @property
    def is_used(self) -> bool: ...

    async def take(self, octets: bytes) -> SnsAnswer: ...


class Notifications:
    """Invariant: at most MAX_OCTETS of a body are read."""

    def __init__(self, intake: TakesNotifications) -> None:
        self._intake = intake

    def add_to(self, application: web.Application) -> None:
        application.router.add_post(PATH, self._post)

    async def _post(self, request: web.Request) -> web.Response:
        if not self._intake.is_used:
            raise web.HTTPNotFound
        octets = b""
        while piece := await request.content.read(MAX_OCTETS + 1 - len(octets)):
            octets += piece
            if len(octets) > MAX_OCTETS:
                raise web.HTTPRequestEntityTooLarge(MAX_OCTETS, len(octets))
        match await self._intake.take(octets):
            case Taken():
                return _answer(HTTPStatus.OK, {"success": True})
            case Refused(status=status, reason=reason):
                word = "FORBIDDEN" if status == 403 else "BAD_REQUEST"
                return _answer(status, {"success": False, "error": word, "message": reason})
            case Unavailable(reason=reason):
                answer = {"success": False, "error": "UNAVAILABLE", "message": reason}
                return _answer(HTTPStatus.SERVICE_UNAVAILABLE, answer)


def _answer(status: int, answer: object) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(answer), content_type="application/json"
    )
