"""/v1/email/campaigns: a mail to each row of a file."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from angarium.api.dialect import Body, Route
from angarium.api.native.answers import json_response
from angarium.api.native.campaign_making import CampaignMaking, Wanted, start_of
from angarium.api.native.campaign_wire import (
    BatchesAsked,
    BatchList,
    CampaignAsked,
    CampaignChangeAsked,
    CampaignList,
    CampaignMade,
    CampaignsAsked,
    CampaignShown,
    OneCampaignAsked,
    ResendAsked,
    RowList,
    RowsAsked,
    batch_shown,
    campaign_shown,
    next_batch,
    row_shown,
    shown_fields,
)
from angarium.api.native.premises import Premises
from angarium.api.native.sending import once_key
from angarium.api.native.wire import cursor_of, in_path, invalid, read_cursor, read_query
from angarium.api.reading import read_json
from angarium.campaigns.asked import Asked, AskedError, decode_asked
from angarium.insight.csv_text import csv_octets
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue.ledger.rules import Cancel, Change, Conflict, MoveStart, Pause, Resume
from angarium.queue.ledger.store import Ledger, NumberedRow
from angarium.queue.ledger.values import FAILED, LedgerCampaign, RowState
from angarium.queue.ledger.writing import TooManyOpen
from angarium.queue.message_id import message_id_text, parse_message_id
from angarium.queue.model import UnixMs
from angarium.queue.spool import QueueFullError
from angarium.queue.terms import KeyReused, Repeated

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

PATH: Final = "/v1/email/campaigns"
ONE: Final = f"{PATH}/{{id}}"
CSV: Final = "text/csv"
# Rows looked at between two turns of the event loop
SCAN: Final = 2000
_FULL_RETRY_AFTER_S: Final = 60
_WRONG: Final = frozenset({*FAILED, RowState.DUPLICATE})


class CampaignResource:
    def __init__(self, premises: Premises, ledger: Ledger, making: CampaignMaking) -> None:
        self._premises = premises
        self._ledger = ledger
        self._making = making

    def routes(self) -> Sequence[Route]:
        return [
            *(
                Route(
                    method="POST",
                    path=path,
                    handler=self.create,
                    summary="Send a mail to each row of a file.",
                    scope="campaigns:write",
                    request=CampaignAsked,
                    answers={202: CampaignMade},
                )
                for path in (PATH, f"/api{PATH}")
            ),
            *(
                Route(
                    method="GET",
                    path=path,
                    handler=self.page,
                    summary="List the campaigns, the newest first.",
                    scope="campaigns:read",
                    query=CampaignsAsked,
                    answers={200: CampaignList},
                )
                for path in (PATH, f"/api{PATH}")
            ),
            *(
                Route(
                    method="GET",
                    path=path,
                    handler=self.show,
                    summary="Show a campaign: how far it is, and what became of its rows.",
                    scope="campaigns:read",
                    query=OneCampaignAsked,
                    answers={200: CampaignShown},
                )
                for path in (ONE, f"/api{ONE}")
            ),
            Route(
                method="PATCH",
                path=ONE,
                handler=self.reschedule,
                summary="Have a campaign of which no row was read begin at another time.",
                scope="campaigns:write",
                query=OneCampaignAsked,
                request=CampaignChangeAsked,
                answers={200: CampaignShown},
            ),
            *self._acts(),
            Route(
                method="POST",
                path=f"{ONE}/resend-failed",
                handler=self.resend,
                summary="Send the failed rows of a campaign that is over again, as a campaign of their own.",
                scope="campaigns:write",
                query=OneCampaignAsked,
                request=ResendAsked,
                answers={202: CampaignMade},
            ),
            Route(
                method="GET",
                path=f"{ONE}/batches",
                handler=self.batches,
                summary="List the batches of a campaign.",
                scope="campaigns:read",
                query=BatchesAsked,
                answers={200: BatchList},
            ),
            Route(
                method="GET",
                path=f"{ONE}/rows",
                handler=self.rows,
                summary="List the rows of a campaign, and what became of each.",
                scope="campaigns:read",
                query=RowsAsked,
                answers={200: RowList},
            ),
            Route(
                method="GET",
                path=f"{ONE}/errors",
                handler=self.errors,
                summary="Write the rows that failed as CSV: line, reason, and the line itself where it was refused.",
                scope="campaigns:read",
                query=OneCampaignAsked,
                answers={200: Body(media_type=CSV, words="Columns: line, status, reason, text.")},
            ),
        ]

    def _acts(self) -> Sequence[Route]:
        acts: Sequence[tuple[str, Change, str]] = (
            ("pause", Pause(), "Hold what waits of a campaign, and read no more of its file."),
            ("resume", Resume(), "Let a campaign go on that was paused."),
            ("cancel", Cancel(), "Send nothing more of a campaign; what has left has left."),
        )
        return [
            Route(
                method="POST",
                path=f"{ONE}/{word}",
                handler=self._act(change),
                summary=summary,
                scope="campaigns:write",
                query=OneCampaignAsked,
                answers={200: CampaignShown},
            )
            for word, change, summary in acts
        ]

    async def create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "campaigns", "write")
        asked = await read_json(request, CampaignAsked)
        wanted = await self._making.wanted(caller, asked, once_key(request, ""))
        return await self._made(caller, wanted)

    async def resend(self, request: web.Request) -> web.Response:
        caller, parent = self._found(request, "write")
        asked = await read_json(request, ResendAsked) if request.can_read_body else ResendAsked()
        if not parent.finished:
            raise _conflict("It is not over yet: wait until each row has its outcome")
        if not await self._has(parent, FAILED):
            raise _conflict("No row of it has failed")
        kept = _kept(parent)
        start = start_of(asked.schedule)
        values: dict[str, object] = {"send_at": start, "expires_at": UnixMs(0)}
        if asked.template_version is not None and kept.template:
            pinned = self._making.pinned(caller.tenant, kept.template, asked.template_version)
            values["template_version"] = pinned.version
        kept = msgspec.structs.replace(kept, **values)
        wanted = await self._making.again(
            caller, parent, kept, dry_run=asked.dry_run, once=once_key(request, "")
        )
        return await self._made(caller, wanted)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "campaigns", "read")
        asked = read_query(request, CampaignsAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        before = read_cursor(asked.cursor) or b""
        found = self._ledger.page(tenant, before[:16], asked.limit)
        last = found[-1].id if len(found) == asked.limit else None
        now = self._premises.clock()
        shown = [campaign_shown(each, _kept(each), now) for each in found]
        return json_response(CampaignList(campaigns=shown, cursor=cursor_of(last)))

    async def show(self, request: web.Request) -> web.Response:
        _, found = self._found(request, "read")
        return self._answer(found)

    async def reschedule(self, request: web.Request) -> web.Response:
        caller, found = self._found(request, "write")
        asked = await read_json(request, CampaignChangeAsked)
        return await self._change(caller, found, MoveStart(start_of(asked.schedule)))

    def _act(self, change: Change) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            caller, found = self._found(request, "write")
            return await self._change(caller, found, change)

        return handler

    async def batches(self, request: web.Request) -> web.Response:
        _, found = self._found(request, "read", BatchesAsked)
        asked = read_query(request, BatchesAsked)
        page = self._ledger.batches(found.number, _number(asked.cursor), asked.limit)
        shown = [batch_shown(each) for each in page]
        last = page[-1].number.to_bytes(8, "big") if len(page) == asked.limit else None
        if last is None and found.phase == "processing" and not found.is_read:
            shown.append(next_batch(found))
        return json_response(BatchList(batches=shown, cursor=cursor_of(last)))

    async def rows(self, request: web.Request) -> web.Response:
        _, found = self._found(request, "read", RowsAsked)
        asked = read_query(request, RowsAsked)
        states = _states(asked.status)
        rows: list[NumberedRow] = []
        after: int | None = _number(asked.cursor)
        while after is not None and len(rows) < asked.limit:
            limit = asked.limit - len(rows)
            page = self._ledger.rows(found.number, after, limit, states, SCAN)
            rows += page.rows
            after = page.next
            await asyncio.sleep(0)
        cursor = None if after is None else after.to_bytes(8, "big")
        return json_response(
            RowList(rows=[row_shown(each) for each in rows], cursor=cursor_of(cursor))
        )

    async def errors(self, request: web.Request) -> web.StreamResponse:
        _, found = self._found(request, "read")
        answer = web.StreamResponse(headers={"Content-Type": f"{CSV}; charset=utf-8"})
        answer.headers["Content-Disposition"] = 'attachment; filename="errors.csv"'
        await answer.prepare(request)
        await answer.write(csv_octets([("line", "status", "reason", "text")]))
        after: int | None = 0
        while after is not None:
            page = self._ledger.rows(found.number, after, SCAN, _WRONG, SCAN)
            lines = [
                (str(each.line), RowState(each.state).word, each.reason, each.text or each.address)
                for each in (numbered.row for numbered in page.rows)
            ]
            if lines:
                await answer.write(csv_octets(lines))
            after = page.next
            await asyncio.sleep(0)
        await answer.write_eof()
        return answer

    async def _made(self, caller: Caller, wanted: Wanted) -> web.Response:
        try:
            made = await asyncio.shield(
                asyncio.ensure_future(self._ledger.create(wanted.new, wanted.once))
            )
        except QueueFullError as error:
            await asyncio.to_thread(self._making.forget_file, wanted.new.id)
            raise _full(error) from None
        if not isinstance(made, LedgerCampaign):
            await asyncio.to_thread(self._making.forget_file, wanted.new.id)
        match made:
            case Repeated(answer=campaign):
                found = self._ledger.find(campaign)
                if found is None:
                    raise _unknown()
                made = found
            case KeyReused():
                text = "Idempotency-Key: was used for another request within the last day: make a new one"
                raise invalid(
                    "Idempotency-Key", text, FaultKind.KEY_REUSED, constraint="idempotency"
                )
            case TooManyOpen(limit=limit):
                raise _conflict(
                    f"{limit} campaigns are not over: wait for one of them, or cancel it"
                )
            case LedgerCampaign():
                pass
        kept = _kept(made)
        layout = kept.layout
        secret = await self._secret(caller) if made.callback_url else None
        answer = CampaignMade(
            success=True,
            columns=() if layout is None else layout.columns,
            address_column="" if layout is None else layout.columns[layout.address],
            callback_secret=secret,
            **shown_fields(made, kept, self._premises.clock()),
        )
        return json_response(answer, 202)

    async def _secret(self, caller: Caller) -> str:
        def secret(platform: "Platform") -> str:
            return platform.webhooks.callback_secret(caller.tenant)

        return await self._premises.platform.run(secret, by=caller)

    async def _change(self, caller: Caller, found: LedgerCampaign, change: Change) -> web.Response:
        try:
            changed = await self._ledger.change(found.number, change)
        except QueueFullError as error:
            raise _full(error) from None
        if changed is None:
            raise _unknown()
        if isinstance(changed, Conflict):
            raise _conflict(changed.text)
        word = "reschedule" if isinstance(change, MoveStart) else type(change).__name__.lower()
        action = f"campaign.{word}"
        await self._premises.note(caller, action, message_id_text(found.id), tenant=found.tenant)
        return self._answer(changed)

    async def _has(self, campaign: LedgerCampaign, states: frozenset[RowState]) -> bool:
        after: int | None = 0
        while after is not None:
            page = self._ledger.rows(campaign.number, after, 1, states, SCAN)
            if page.rows:
                return True
            after = page.next
            await asyncio.sleep(0)
        return False

    def _found(
        self,
        request: web.Request,
        action: str,
        kind: type[OneCampaignAsked | BatchesAsked | RowsAsked] = OneCampaignAsked,
    ) -> tuple[Caller, LedgerCampaign]:
        """Return the campaign of the path. Raises FaultError; of another tenant's it says nothing."""
        caller = self._premises.admit(request, "campaigns", action)
        tenant = self._premises.tenant_of(caller, read_query(request, kind).tenant, action)
        try:
            found = self._ledger.find(parse_message_id(in_path(request, "id")))
        except ValueError:
            found = None
        if found is None or found.tenant != tenant:
            raise _unknown()
        return caller, found

    def _answer(self, campaign: LedgerCampaign) -> web.Response:
        return json_response(campaign_shown(campaign, _kept(campaign), self._premises.clock()))


def _kept(campaign: LedgerCampaign) -> Asked:
    """Raises FaultError."""
    try:
        return decode_asked(campaign.asked)
    except AskedError as error:
        raise FaultError(Fault(kind=FaultKind.INTERNAL, message=str(error))) from None


def _states(wanted: str) -> frozenset[RowState]:
    if not wanted:
        return frozenset()
    return FAILED if wanted == "failed" else frozenset({RowState[wanted.upper()]})


def _number(cursor: str) -> int:
    return int.from_bytes((read_cursor(cursor) or b"")[:8], "big")


def _conflict(text: str) -> FaultError:
    return FaultError(Fault(kind=FaultKind.CONFLICT, message=text))


def _unknown() -> FaultError:
    return FaultError(Fault(kind=FaultKind.NOT_FOUND, message="There is no campaign of this id"))


def _full(error: QueueFullError) -> FaultError:
    fault = Fault(kind=FaultKind.DISK_FULL, message=str(error), retry_after_s=_FULL_RETRY_AFTER_S)
    return FaultError(fault)
