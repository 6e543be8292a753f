"""What the resources of templates have in common: whose template a request is about, and changes that are examined."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from aiohttp import web

from angarium.api.native.premises import Premises
from angarium.api.native.template_wire import MAX_NUMBER, OneTemplateAsked
from angarium.api.native.wire import in_path, invalid, read_query
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.templates.rendering import Problem, ProblemKind
from angarium.tenancy import ConflictError
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.examining import RendererBusyError, with_examined
from angarium.tenancy.templates.model import Version, field_of
from angarium.tenancy.templates.preview import Preview, Wanted, preview_of

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

T = TypeVar("T")
RETRY_S: Final = 1
_OF_DATA: Final = frozenset({ProblemKind.MISSING_VARIABLE, ProblemKind.WRONG_VARIABLE})
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
            now = self.premises.clock()
            return await with_examined(turn, self.premises.renderer, tenant, now)
        except ConflictError as error:
            raise FaultError(Fault(kind=FaultKind.CONFLICT, message=error.text)) from None
        except RendererBusyError as error:
            fault = Fault(kind=FaultKind.BUSY, message=str(error), retry_after_s=RETRY_S)
            raise FaultError(fault) from None

    async def preview(
        self, asking: Asking, number: int | None, *, data: Mapping[str, Any] | None, locale: str
    ) -> tuple[Preview, Version]:
        """Return the mail that a version makes. Raises FaultError; ``number`` and ``data`` as ``Wanted`` has them."""
        version, encoded = await self.run(
            asking,
            lambda platform: platform.template_versions.find_with_bundle(
                asking.tenant, asking.name, number
            ),
        )
        wanted = Wanted(version=version, encoded=encoded, data=data, locale=locale)
        premises = self.premises
        try:
            found = await preview_of(wanted, premises.renderer, asking.tenant, premises.clock())
        except RendererBusyError as error:
            fault = Fault(kind=FaultKind.BUSY, message=str(error), retry_after_s=RETRY_S)
            raise FaultError(fault) from None
        if isinstance(found, Problem):
            raise FaultError(_fault(found, version))
        return found, version


def number_in_path(request: web.Request) -> int:
    """Return the number of a version. Raises FaultError."""
    text = in_path(request, "version")
    if text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MAX_NUMBER:
        return int(text)
    raise invalid("version", f"There is no version {text[:20]!a}", FaultKind.NOT_FOUND)


def _fault(problem: Problem, version: Version) -> Fault:
    field = field_of(problem, version.content.default_locale)
    if problem.kind in _OF_DATA:
        field = f"data.{problem.variable[:200]}" if problem.variable else "data"
    return Fault(
        kind=FaultKind.INVALID,
        message=problem.message,
        field=field,
        line=problem.line,
        column=problem.column,
    )
