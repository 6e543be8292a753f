"""Our own dialect, made of resources: each has its routes, and all say no in one form."""

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import fault_response
from angarium.intake.order import Fault


class Resource(Protocol):
    def routes(self) -> Sequence[Route]: ...


class NativeDialect:
    """Satisfies ``api.dialect.Dialect``."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = resources

    @property
    def name(self) -> str:
        return "native"

    def routes(self) -> Sequence[Route]:
        return [route for each in self._resources for route in each.routes()]

    def fault_response(self, request: web.Request, fault: Fault) -> web.Response:
        return fault_response(fault)
