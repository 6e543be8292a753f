"""Resend's API on our server: its paths, and its way of saying no."""

from collections.abc import Sequence
from typing import Final, Protocol

from aiohttp import web

from angarium.api.compat.resend.faults import fault_body
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.intake.order import Fault

NAME: Final = "resend"


class Resource(Protocol):
    def routes(self) -> Sequence[Route]: ...


class Resend:
    """Switched to by ``RESEND_API_URL`` alone."""

    name = NAME

    def __init__(self, *resources: Resource) -> None:
        """``resources``: ``emails.Emails``, ``lacking.Lacking``, ..."""
        self._resources = resources

    def routes(self) -> Sequence[Route]:
        return [route for each in self._resources for route in each.routes()]

    def fault_response(self, request: web.Request, fault: Fault) -> web.Response:
        body = fault_body(fault)
        return json_response(body, body["statusCode"])
