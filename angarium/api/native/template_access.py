"""What the resources of templates have in common: whose template a request is about, and changes that are examined."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from aiohttp import web

from angarium.api.native.premises import Premises
from angarium.api.native.template_wire import MAX_NUMBER, OneTemplateAsked
from angarium.api.native.wire import in_path, invalid, read_query
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.tenancy import ConflictError
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.examining import RendererBusyError, with_examined

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

T = TypeVar("T")
RETRY_S: Final = 1
PATH = "/v1/templates"
ONE = f"{PATH}/{{template}}"
VERSIONS = f"{ONE}/versions"
VERSION = f"{VERSIONS}/{{version}}"


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, about which template."""

    caller: Caller
    tenant: str
    name: str  # an id or an alias


class TemplateAccess:
    def __init__(self, premises: Premises) -> None:
        self.premises = premises

    def asking(self, request: web.Request, action: str) -> Asking:
        """Say what the path is about. Raises FaultError."""
        caller = self.premises.admit(request, "templates", action)
        return self.about(request, caller, read_query(request, OneTemplateAsked).tenant, action)

    def about(self, request: web.Request, caller: Caller, tenant: str, action: str) -> Asking:
        whose = self.premises.tenant_of(caller, tenant, action)
        return Asking(caller=caller, tenant=whose, name=in_path(request, "template"))

    async def run(self, asking: Asking, work: "Callable[[Platform], T]") -> T:
        """Return what ``work`` returns. Raises FaultError."""
        return await self.premises.platform.run(work, by=asking.caller)

    async def change(
        self, caller: Caller, tenant: str, work: "Callable[[Platform, Examined], T]"
    ) -> T:
        """Return what ``work`` returns, once all that it keeps has been examined. Raises FaultError."""

        async def turn(examined: Examined) -> T:
            return await self.premises.platform.run(
                lambda platform: work(platform, examined), by=caller
            )

        try:
            return await with_examined(turn, self.premises.renderer, tenant)
        except ConflictError as error:
            raise FaultError(Fault(kind=FaultKind.CONFLICT, message=error.text)) from None
        except RendererBusyError as error:
            fault = Fault(kind=FaultKind.BUSY, message=str(error), retry_after_s=RETRY_S)
            raise FaultError(fault) from None


def number_in_path(request: web.Request) -> int:
    """Return the number of a version. Raises FaultError."""
    text = in_path(request, "version")
    if text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MAX_NUMBER:
        return int(text)
    raise invalid("version", f"There is no version {text[:20]!a}", FaultKind.NOT_FOUND)
