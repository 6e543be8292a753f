"""POST /v1/check: what is wrong with a message, before it is sent. Nothing is stored, and nobody gets it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.check_wire import CheckAnswer, CheckAsked, check_answer
from angarium.api.native.premises import Premises
from angarium.api.native.send_orders import send_order
from angarium.api.native.wire import invalid
from angarium.api.platform_access import PlatformAccess
from angarium.api.reading import read_base64, read_json
from angarium.content.checking.mail import DomainFacts
from angarium.intake.checking.domain_facts import domain_facts
from angarium.intake.checking.mail_check import MailCheck
from angarium.intake.order import Fault, FaultError, FaultKind, Order, RawMail
from angarium.tenancy import SnapshotFile

if TYPE_CHECKING:
    from angarium.tenancy.domain_check import DomainCheck
    from angarium.tenancy.platform import Platform

# One of these is enough: who sends, and who writes what is sent
SCOPES: Final = (("emails", "send"), ("templates", "write"))


class CheckResource:
    def __init__(self, check: MailCheck, premises: Premises) -> None:
        self._check = check
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path="/v1/check",
                handler=self.check,
                summary="Look at a message before it is sent: blockers, hints, spam score. Nobody gets it.",
                scope="emails:send or templates:write",
                request=CheckAsked,
                answers={200: CheckAnswer},
            )
        ]

    async def check(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "", "")
        if not any(self._premises.may(caller, *each) for each in SCOPES):
            text = "The key has neither the scope emails:send nor templates:write"
            raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=text, constraint="scope"))
        asked = await read_json(request, CheckAsked)
        checked = await self._check.check(caller, _order(asked))
        policy = self._premises.snapshots.current.check_of(caller.tenant)
        return json_response(check_answer(checked, policy.find_refused(checked.findings)))


class KnownDomains:
    """Satisfies ``mail_check.Domains``, by the snapshot and the last look at the domain's records."""

    def __init__(
        self,
        platform: PlatformAccess,
        snapshots: SnapshotFile,
        return_path: str | None,
        is_signed: Callable[[str], bool],
    ) -> None:
        """``is_signed``: whether the configuration, as it is now, has a key for a domain."""
        self._is_signed = is_signed
        self._platform = platform
        self._snapshots = snapshots
        self._return_path = return_path

    async def facts(self, tenant: str, name: str) -> DomainFacts | None:
        """See ``mail_check.Domains``."""
        domain = self._snapshots.current.find_sending_domain(tenant, name)
        if domain is None:
            return domain_facts(name, None, None, self._return_path)
        domain_id = domain.id

        def find(platform: "Platform") -> "DomainCheck | None":
            return platform.domain_checks.find(domain_id)

        try:
            looked_at = await self._platform.run(find)
        except FaultError:  # the database is away: nobody can say
            looked_at = None
        is_signed = self._is_signed(name)
        return domain_facts(name, domain, looked_at, self._return_path, is_signed=is_signed)


def _order(asked: CheckAsked) -> Order:
    """Raises FaultError, LetterError."""
    order = send_order(asked)
    if not asked.raw:
        return order
    if order.subject or order.text or order.html or order.amp or order.attachments:
        text = "raw: it is the whole message: leave out subject, bodyText and the like"
        raise invalid("raw", text)
    content = read_base64(asked.raw, "raw")
    return msgspec.structs.replace(order, author=None, raw=RawMail(content=content))
