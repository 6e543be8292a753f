"""A tenant's suppressions as SES's clients ask for them and change them; nobody sees another tenant's (P7)."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from angarium.api.compat.ses import wire
from angarium.api.compat.ses.suppressed import (
    Wanted,
    check_tenant,
    read_email,
    read_wanted,
    reason_of,
    shown,
    token_of,
)
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue.act import Actor
from angarium.queue.model import UnixMs
from angarium.queue.spool import QueueError
from angarium.queue.suppression_changes import Suppress, Unsuppress
from angarium.queue.suppression_filter import SuppressionFilter
from angarium.queue.suppression_store import Suppressions
from angarium.queue.suppressions import Scope, Suppression

# Ours: what matches little is looked for in so many pages, and then the client is told to go on
_PAGES: Final = 20
_RETRY_S: Final = 5


class Note(Protocol):
    async def __call__(self, caller: Caller, action: str, subject: str, **details: str) -> None: ...


class SuppressedList:
    def __init__(self, suppressions: Suppressions, clock: Callable[[], UnixMs], note: Note) -> None:
        """``note``: as ``Premises.note``."""
        self._suppressions = suppressions
        self._clock = clock
        self._note = note

    async def list(self, caller: Caller, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        wanted = read_wanted(query, caller.tenant)
        found, cursor = await self._page(wanted, Scope(tenant=caller.tenant))
        answer: dict[str, Any] = {"SuppressedDestinationSummaries": [shown(each) for each in found]}
        if cursor is not None:
            answer["NextToken"] = token_of(cursor)
        return answer

    async def get(self, caller: Caller, text: str) -> dict[str, Any]:
        """Raises FaultError: NOT_FOUND, too."""
        return {"SuppressedDestination": shown(await self._find(caller, read_email(text)))}

    async def put(self, caller: Caller, request: wire.PutSuppressedDestination) -> None:
        """It is durable then. What is there under another reason has this one from now on."""
        check_tenant(request.tenant_name, caller.tenant)
        suppression = Suppression(
            email=read_email(request.email_address),
            scope=Scope(tenant=caller.tenant),
            reason=reason_of(request.reason),
            added_at=self._clock(),
        )
        await self._apply(Suppress(suppression=suppression, by=_actor(caller), replaces=True))
        await self._note(caller, "suppression.added", suppression.email, reason=suppression.reason)

    async def delete(self, caller: Caller, text: str) -> None:
        """It is durable then. Raises FaultError: NOT_FOUND, too."""
        email = read_email(text)
        await self._find(caller, email)
        scope = Scope(tenant=caller.tenant)
        await self._apply(Unsuppress(email=email, scope=scope, by=_actor(caller)))
        await self._note(caller, "suppression.removed", email)

    async def _page(
        self, wanted: Wanted, scope: Scope
    ) -> tuple[tuple[Suppression, ...], bytes | None]:
        found: list[Suppression] = []
        cursor = wanted.after
        for _ in range(_PAGES):
            room = wanted.limit - len(found)
            page = await self._suppressions.page(SuppressionFilter(scope=scope), cursor, room)
            found += [each for each in page.suppressions if wanted.has(each)]
            cursor = page.cursor
            if cursor is None or len(found) >= wanted.limit:
                break
        return tuple(found), cursor

    async def _find(self, caller: Caller, email: str) -> Suppression:
        wanted = SuppressionFilter(email=email, scope=Scope(tenant=caller.tenant))
        page = await self._suppressions.page(wanted, None, 1)
        if not page.suppressions:
            text = f"Email address {email} does not exist on your suppression list."
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text, field="EmailAddress"))
        return page.suppressions[0]

    async def _apply(self, change: Suppress | Unsuppress) -> None:
        try:
            await self._suppressions.apply([change])
        except QueueError as error:
            text = f"The list cannot be changed now: {error}"
            fault = Fault(kind=FaultKind.BUSY, message=text, retry_after_s=_RETRY_S)
            raise FaultError(fault) from None


def _actor(caller: Caller) -> Actor:
    return Actor(who=f"API key {caller.key_id} ({caller.tenant})", reason="SES API")
