"""/v1/suppression/export and /import: many addresses at once, as CSV. What a spreadsheet would take for a formula has
an apostrophe in front (P7).
"""

import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Body, Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.suppression import LOT, SuppressionResource, actor_of
from angarium.api.native.suppression_wire import SuppressionsAsked, scope_text
from angarium.api.native.wire import Asked, Wire, invalid, read_query
from angarium.api.reading import read_octets
from angarium.insight.suppression_csv import (
    COLUMNS,
    Layout,
    RowError,
    find_layout,
    read_rows,
    row_of,
)
from angarium.intake.order import Caller, FaultError, FaultKind
from angarium.queue import Scope, Suppress, Suppression, UnixMs

CSV: Final = "text/csv"
_ERRORS_NAMED: Final = 20
_BLANK_NAMES: Final[dict[str, str]] = {}


class WrongLine(Wire, frozen=True, kw_only=True):
    line: int
    error: str


class Imported(Wire, frozen=True, kw_only=True):
    success: bool
    rows: int  # that were right
    added: int
    unchanged: int  # were suppressed already, by something that weighs as much
    wrong: int
    errors: Sequence[WrongLine]  # the first of the wrong ones


class ImportAsked(Asked, frozen=True, kw_only=True):
    skip_wrong: bool = False  # take the lines that are right; else one that is wrong refuses all
    # the scope where a line has none: tenant, stream:NAME or global
    scope: Annotated[str, Meta(max_length=100)] = "tenant"


class ExportAsked(Asked, frozen=True, kw_only=True):
    prefix: Annotated[str, Meta(max_length=320)] = ""  # addresses that begin so
    domain: Annotated[str, Meta(max_length=320)] = ""  # addresses of this domain
    scope: Annotated[str, Meta(max_length=100)] = ""  # tenant, stream:NAME or global
    reason: Annotated[str, Meta(max_length=40)] = ""  # complaint, ..., or the class of a bounce
    tenant: str = ""  # omitted: the caller's own


class _Looked(msgspec.Struct, kw_only=True):
    rows: list[Suppression]
    wrong: list[WrongLine]


class SuppressionFiles:
    def __init__(self, premises: Premises, resource: SuppressionResource) -> None:
        self._premises = premises
        self._resource = resource

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/suppression/export",
                handler=self.export,
                summary="Write suppressed addresses as CSV, as import reads it.",
                scope="suppressions:read",
                query=ExportAsked,
                answers={200: Body(media_type=CSV, words=f"Columns: {', '.join(COLUMNS)}.")},
            ),
            Route(
                method="POST",
                path="/v1/suppression/import",
                handler=self.import_,
                summary="Suppress all addresses of a CSV file; the first line names the columns. Every line is looked"
                " at before the first is taken. What is there and weighs as much stays.",
                scope="suppressions:write",
                query=ImportAsked,
                request=Body(media_type=CSV, words="A column email; others as export has them."),
                answers={200: Imported},
            ),
        )

    async def export(self, request: web.Request) -> web.StreamResponse:
        caller = self._premises.admit(request, "suppressions", "read")
        asked = read_query(request, ExportAsked)
        wanted = self._resource.filter_of(
            caller, SuppressionsAsked(**msgspec.structs.asdict(asked))
        )
        after: bytes | None = None
        answer: web.StreamResponse | None = None
        while True:
            try:
                page = await self._premises.suppressions.page(wanted, after, LOT)
            except ValueError as error:
                raise invalid("domain", f"domain: {error}") from None
            if answer is None:
                answer = web.StreamResponse(headers={"Content-Type": f"{CSV}; charset=utf-8"})
                answer.headers["Content-Disposition"] = 'attachment; filename="suppressions.csv"'
                await answer.prepare(request)
                await answer.write(_lines([COLUMNS]))
            await answer.write(
                _lines([row_of(each, scope_text(each.scope)) for each in page.suppressions])
            )
            after = page.cursor
            if after is None:
                await answer.write_eof()
                return answer

    async def import_(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "suppressions", "write")
        asked = read_query(request, ImportAsked)
        usual = self._resource.scope_to_change(caller, asked.scope)
        if request.content_type not in (CSV, "application/octet-stream"):
            text = f"Content-Type is {request.content_type[:80]}: send {CSV}"
            raise invalid("Content-Type", text, FaultKind.MEDIA_TYPE)
        octets = await read_octets(request)
        now = self._premises.clock()

        def scope_of(text: str) -> Scope:
            if not text:
                return usual
            try:
                return self._resource.scope_to_change(caller, text)
            except FaultError as error:
                raise ValueError(error.fault.message) from None

        looked = await asyncio.to_thread(_look, octets, now, scope_of)
        if looked.wrong and not asked.skip_wrong:
            first = looked.wrong[0]
            text = f"{first.error}; {len(looked.wrong)} lines are wrong: mend them, or say skipWrong=true"
            raise invalid(f"line {first.line}", text)
        by = actor_of(caller)
        done = await self._resource.apply(
            [Suppress(suppression=each.bounded(), by=by) for each in looked.rows]
        )
        await self._note(caller, looked, sum(done))
        return json_response(
            Imported(
                success=True,
                rows=len(looked.rows),
                added=sum(done),
                unchanged=len(done) - sum(done),
                wrong=len(looked.wrong),
                errors=looked.wrong[:_ERRORS_NAMED],
            )
        )

    async def _note(self, caller: Caller, looked: _Looked, added: int) -> None:
        await self._premises.note(
            caller, "suppression.imported", f"{len(looked.rows)} addresses", added=str(added)
        )


def _look(octets: bytes, now: UnixMs, scope_of: Callable[[str], Scope]) -> _Looked:
    """Read all lines. Blocks for as long as that takes. Raises FaultError."""
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        told = f"body: is not UTF-8 at octet {error.start}"
        raise invalid("body", told, FaultKind.MALFORMED) from None
    file = io.StringIO(text, newline="")
    try:
        layout: Layout = find_layout(file.readline(), _BLANK_NAMES)
    except (RowError, csv.Error) as error:
        raise invalid("line 1", str(error)) from None
    file.seek(0)
    looked = _Looked(rows=[], wrong=[])
    for line, row in read_rows(file, layout, now, read_scope=scope_of):
        if isinstance(row, RowError):
            looked.wrong.append(WrongLine(line=line, error=str(row)))
        else:
            looked.rows.append(row)
    return looked


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
