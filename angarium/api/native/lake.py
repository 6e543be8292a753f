"""POST /v1/lake/query: SQL of a tenant over its own events, months of them."""

import time
from collections.abc import Sequence
from typing import Final, cast

import msgspec
from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.lake_wire import LakeAnswer, LakeColumn, LakeQueryAsked
from angarium.api.native.premises import Premises
from angarium.api.native.wire import invalid
from angarium.api.reading import read_json
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.lake.access import LakeAccess
from angarium.lake.asking.answering import Asked
from angarium.lake.asking.question import Answer, Problem
from angarium.lake.model import LakeAwayError
from angarium.lake.stretch import StretchError, read_stretch
from angarium.telemetry.log import log

_RETRY_S: Final = 5


class LakeResource:
    def __init__(self, premises: Premises, lake: LakeAccess | None) -> None:
        """``lake``: None where there is none."""
        self._premises = premises
        self._lake = lake
        self._is_away = False  # said once

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path="/v1/lake/query",
                handler=self.query,
                summary="Ask in SQL about the tenant's own events, as far back as they are kept.",
                scope="stats:read",
                request=LakeQueryAsked,
                answers={200: LakeAnswer},
            ),
        )

    async def query(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "stats", "read")
        asked = await read_json(request, LakeQueryAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        try:
            first, end = read_stretch(asked.first, asked.to, self._premises.clock())
        except StretchError as error:
            raise invalid(error.field, str(error)) from None
        began = time.monotonic()
        answer = await self._answered(
            Asked(sql=asked.sql, tenant=tenant, first_hour=first, end_hour=end)
        )
        return json_response(
            LakeAnswer(
                columns=[LakeColumn(name=name, type=type_) for name, type_ in answer.columns],
                # As the process that answered wrote it
                rows=cast("Sequence[Sequence[object]]", msgspec.Raw(answer.rows)),
                truncated=answer.is_cut,
                took_ms=int((time.monotonic() - began) * 1000),
            )
        )

    async def _answered(self, asked: Asked) -> Answer:
        """Raises FaultError."""
        if self._lake is None:
            text = "This server has no lake of events ([lake] enabled)"
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text))
        try:
            said = await self._lake.ask(asked)
        except LakeAwayError as error:
            raise self._away(str(error)) from None
        if isinstance(said, Problem):
            if said.kind in ("away", "gone"):
                raise self._away(said.text)
            raise invalid("sql", f"sql: {said.text}", constraint=said.kind)
        self._is_away = False
        return said

    def _away(self, reason: str) -> FaultError:
        if not self._is_away:
            log("lake_unreachable", "warning", reason=reason)
        self._is_away = True
        text = "The lake cannot be asked now; try again"
        return FaultError(Fault(kind=FaultKind.BUSY, message=text, retry_after_s=_RETRY_S))
