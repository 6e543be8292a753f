"""POST /v1/persons/export and /erase: all that is stored of one person, handed out or erased."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from typing import IO, Annotated, Any, Final, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Body, Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import Asked, Time, Wire, invalid, time_text
from angarium.api.reading import read_json
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.queue.suppression_key import check_email
from angarium.telemetry.log import log

# A process of its own: it goes through everything
_MODULE: Final = "angarium.personal_data"
# Ours: who has more than can be gone through in so long has the command
_LIMIT_S: Final = 1800.0
_RETRY_S: Final = 30
_PIECE_OCTETS: Final = 262_144
_ZIP: Final = "application/zip"
_REASON_CHARACTERS: Final = 200
Act = Literal["export", "erase", "look"]


class PersonAsked(Asked, frozen=True, kw_only=True):
    """Whose data."""

    address: Annotated[str, Meta(max_length=320)]
    tenant: str = ""  # omitted: the caller's own
    all: bool = False  # of all tenants; for who has the scope tenants:write


class ErasureAsked(PersonAsked, frozen=True, kw_only=True):
    """Whose data, and why."""

    reason: Annotated[str, Meta(max_length=_REASON_CHARACTERS)] = ""  # for the audit
    dry_run: bool = False  # only say what there is


class StoreErased(Wire, frozen=True, kw_only=True):
    """What one store had."""

    name: str
    found: int  # records that had the address
    changed: int  # that were deleted, or written anew without it
    left: Sequence[str]  # what is left, and why


class PersonErasure(Wire, frozen=True, kw_only=True):
    """What was found and done (docs/data-protection.md)."""

    alias: str  # stands for the address: nothing is sent to it any more
    tenant: str | None  # null: of all
    at: Time
    dry_run: bool
    found: int
    complete: bool  # false: something is left in a store; ask again
    stores: Sequence[StoreErased]
    remains: Sequence[str]  # of no store alone: free pages, backups


class _Store(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    found: int
    changed: int
    left: tuple[str, ...] = ()


class _Report(msgspec.Struct, frozen=True):
    """As the process writes it."""

    alias: str
    tenant: str | None
    at: UnixMs
    dry_run: bool
    stores: tuple[_Store, ...]
    remains: tuple[str, ...]


class PersonResource:
    """Invariant PRS1: an ingress process has one person's data gone through at a time; others come again later."""

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._turn = asyncio.Lock()

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path="/v1/persons/export",
                handler=self.export,
                summary="Get all that is stored of one person as a ZIP file: JSON documents, mails, and a manifest.",
                scope="persons:export",
                request=PersonAsked,
                answers={200: Body(media_type=_ZIP, words="a ZIP file")},
            ),
            Route(
                method="POST",
                path="/v1/persons/erase",
                handler=self.erase,
                summary="Erase what is stored of one person, and send nothing to them any more.",
                scope="persons:erase",
                request=ErasureAsked,
                answers={200: PersonErasure},
            ),
        )

    async def export(self, request: web.Request) -> web.StreamResponse:
        caller = self._premises.admit(request, "persons", "export")
        asked = await read_json(request, PersonAsked)
        with tempfile.TemporaryFile(dir=self._premises.data_dir) as file:
            await self._run(caller, asked, "export", "", file)
            answer = web.StreamResponse(
                headers={
                    "Content-Type": _ZIP,
                    "Content-Disposition": 'attachment; filename="person.zip"',
                }
            )
            file.seek(0)
            await answer.prepare(request)
            while piece := await asyncio.to_thread(file.read, _PIECE_OCTETS):
                await answer.write(piece)
            await answer.write_eof()
        return answer

    async def erase(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "persons", "erase")
        asked = await read_json(request, ErasureAsked)
        act: Act = "look" if asked.dry_run else "erase"
        with tempfile.TemporaryFile(dir=self._premises.data_dir) as file:
            await self._run(caller, asked, act, asked.reason, file)
            file.seek(0)
            report = msgspec.json.decode(file.read(), type=_Report)
        return json_response(_shown(report))

    async def _run(
        self, caller: Caller, asked: PersonAsked, act: Act, reason: str, out: IO[bytes]
    ) -> None:
        """Have the process write to ``out``. Raises FaultError."""
        question = {
            "config": self._premises.config(),
            "act": act,
            "address": _address(asked.address),
            "tenant": self._whose(caller, asked),
            "actor": caller.actor,
            "reason": reason,
        }
        if self._turn.locked():  # PRS1
            text = "Another person's data is gone through just now; try again"
            raise FaultError(Fault(kind=FaultKind.BUSY, message=text, retry_after_s=_RETRY_S))
        async with self._turn:
            await _ask(question, out)

    def _whose(self, caller: Caller, asked: PersonAsked) -> str | None:
        if not asked.all:
            return self._premises.tenant_of(caller, asked.tenant, "write")
        if not self._premises.may(caller, "tenants", "write"):
            raise invalid("all", "all: needs the scope tenants:write", FaultKind.NO_SCOPE)
        return None


async def _ask(question: dict[str, Any], out: IO[bytes]) -> None:
    """Raises FaultError; who is cancelled ends the process: it may be begun anew."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _MODULE),
        stdin=asyncio.subprocess.PIPE,
        stdout=out.fileno(),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_LIMIT_S):
            _, said = await process.communicate(msgspec.json.encode(question))
    except TimeoutError:
        said = b"it took too long: use the command"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        problem = said.decode("utf-8", "replace").strip()
        log("person_not_gone_through", "error", act=question["act"], problem=problem[-1000:])
        text = "Not all of it could be gone through; what was done stays, and it can be asked again"
        raise FaultError(Fault(kind=FaultKind.BUSY, message=text, retry_after_s=_RETRY_S))


def _address(given: str) -> str:
    try:
        return check_email(given)
    except ValueError as error:
        raise invalid("address", f"address: {error}") from None


def _shown(report: _Report) -> PersonErasure:
    return PersonErasure(
        alias=report.alias,
        tenant=report.tenant,
        at=time_text(report.at),
        dry_run=report.dry_run,
        found=sum(each.found for each in report.stores),
        complete=not any(each.left for each in report.stores),
        stores=[
            StoreErased(name=each.name, found=each.found, changed=each.changed, left=each.left)
            for each in report.stores
        ],
        remains=report.remains,
    )
